/**
 * The conductor: reads its environment, opens its store, listens, and ends on SIGTERM or Ctrl-C. SIGHUP has it look for a renewed certificate.
 * It imports nothing from outside of this folder, which is all that its container is given.
 *
 *   HARBOR_CONDUCTOR_TOKEN=… bun main.ts
 */

import { AuditLog } from "./core/audit-log.ts";
import { type RunningServer, startServer } from "./server.ts";
import { readSettings } from "./settings.ts";
import { openStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";

/** Requests that are under way may end by themselves for this long. */
const DRAIN_MS = 5_000;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const store = await openStore(
    { redisUrl: settings.redisUrl, prefix: settings.prefix, folder: settings.dataFolder },
    { maxWaiting: settings.maxWaiting },
  );
  const audit = settings.audit === "off" ? undefined : await AuditLog.open({ folder: settings.dataFolder, complain });
  const server = await startServer({ settings, store, complain, audit }).catch(async (error: unknown) => {
    await store[Symbol.asyncDispose]();
    throw error;
  });
  const access = settings.token === "" ? "; no token is asked for" : "";
  process.stdout.write(`conductor listens on ${server.url}${access}\n`);
  let isEnding = false;
  const stop = (): void => {
    if (!isEnding) void end(server, store, audit);
    isEnding = true;
  };
  // without a certificate it means what it means to every program: its terminal is gone
  if (settings.tls !== undefined) process.on("SIGHUP", () => server.renewCertificate());
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

async function end(server: RunningServer, store: Store, audit: AuditLog | undefined): Promise<void> {
  await server.stop(DRAIN_MS);
  await audit?.flush();
  await store[Symbol.asyncDispose]();
  process.exit();
}

function complain(problem: string): void {
  process.stderr.write(`conductor: ${problem}\n`);
}

try {
  await main();
} catch (error) {
  complain((error as Error).message);
  process.exitCode = 1;
}
