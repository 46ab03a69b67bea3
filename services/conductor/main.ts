/**
 * The conductor: reads its environment, opens its store, waits until no other conductor works on that, listens, and ends on SIGTERM or
 * Ctrl-C. SIGHUP has it look for a renewed certificate. It imports nothing from outside of this folder, which is all that its container
 * is given.
 *
 *   HARBOR_CONDUCTOR_TOKEN=… bun main.ts
 */

import { hostname } from "node:os";
import { AuditLog } from "./core/audit-log.ts";
import { startServer } from "./server.ts";
import { readSettings, type Settings } from "./settings.ts";
import { openStore } from "./store/open-store.ts";
import { type Store, StoreError } from "./store/store.ts";

/** Requests that are under way may end by themselves for this long. */
const DRAIN_MS = 5_000;

async function main(): Promise<number> {
  const settings = readSettings(process.env);
  const asked = new AbortController();
  process.on("SIGTERM", () => asked.abort());
  process.on("SIGINT", () => asked.abort());
  const store = await openStore(
    { redisUrl: settings.redisUrl, prefix: settings.prefix, folder: settings.dataFolder },
    { maxWaiting: settings.maxWaiting },
  );
  try {
    return await serve(settings, store, asked.signal);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

/** Until it is asked to end (0), or another conductor has taken the store (1). */
async function serve(settings: Settings, store: Store, asked: AbortSignal): Promise<number> {
  const lost = new AbortController();
  const name = `${hostname()}, port ${settings.port}, process ${process.pid}`;
  const onLost = (reason: string): void => {
    complain(`ends: ${reason}`);
    lost.abort();
  };
  await store.own({ name, onWait: (reason) => complain(`waits: ${reason}`), onLost, signal: asked });
  if (asked.aborted) return 0;
  const audit = settings.audit === "off" ? undefined : await AuditLog.open({ folder: settings.dataFolder, complain });
  const server = await startServer({ settings, store, complain, audit });
  // without a certificate it means what it means to every program: its terminal is gone
  if (settings.tls !== undefined) process.on("SIGHUP", () => server.renewCertificate());
  const access = settings.token === "" ? "; no token is asked for" : "";
  process.stdout.write(`conductor listens on ${server.url}${access}\n`);
  await whenAborted(AbortSignal.any([asked, lost.signal]));
  // what another one answers for now is not answered here for a moment longer
  await server.stop(lost.signal.aborted ? 0 : DRAIN_MS);
  await audit?.flush();
  return lost.signal.aborted ? 1 : 0;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

function complain(problem: string): void {
  process.stderr.write(`conductor: ${problem}\n`);
}

try {
  process.exit(await main());
} catch (error) {
  complain((error as Error).message);
  if (error instanceof StoreError && error.hint !== undefined) complain(error.hint);
  process.exit(1);
}
