/**
 * The supervisor as a process: one per `HARBOR_HOME`. It takes over what an earlier one left, answers over a unix socket
 * until nothing is left to supervise, and leaves what runs running, whatever ends it.
 */
import { chmodSync, rmSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { identifyProcess } from "../_script/process-identity.ts";
import { placeSocket, removeSocket } from "../_script/socket-path.ts";
import { makePrivateFolder, writeFileWhole } from "../_script/write-file.ts";
import { createApi } from "./_api.ts";
import { giveBackPages } from "./_give-back-pages.ts";
import { readSupervisor, type SupervisorRecord, supervisorPaths } from "./_paths.ts";
import { Supervisor } from "./_supervisor.ts";
import type { Hello } from "./report.ts";

export interface RunSupervisorOptions {
  home: string;
  /** Of Harbor: one of another version is asked to leave. */
  version: string;
  signal: AbortSignal;
  /** For the log of the supervisor itself. */
  say: (text: string) => void;
}

/** Who waits for a model to load waits for minutes without a word. Bun's types do not know that a unix socket takes this as well. */
const PATIENT = { idleTimeout: 0 };
/** With nothing to do, it stays this long: the next command may be about to ask. */
const QUIET_MS = 300;
/** After the last change, what it took is not needed any more; nor, from time to time, what a round of probes took. */
const CALM_MS = { first: 2_000, later: 10_000 };
const KEPT_TROUBLES = 5;

/** Returns when it is to leave, `false` at once where another one runs. */
export async function runSupervisor(options: RunSupervisorOptions): Promise<boolean> {
  const { lock } = supervisorPaths(options.home);
  try {
    await withLock(lock, () => supervise(options), { purpose: "supervising", waitMs: 0 });
    return true;
  } catch (error) {
    if (error instanceof HarborError && error.exit === "timeout") return false;
    throw error;
  }
}

async function supervise(options: RunSupervisorOptions): Promise<void> {
  const { home, version, signal, say } = options;
  const paths = supervisorPaths(home);
  makePrivateFolder(paths.directory);
  const startedAt = new Date().toISOString();
  const troubles = new Troubles(say);
  const left = Promise.withResolvers<void>();
  let requests = 0;
  let quiet: Timer | undefined;
  let calm: Timer | undefined;
  const isOurs = (): boolean => readSupervisor(home)?.pid === process.pid;
  const settleDown = async (): Promise<void> => {
    // its home was removed, or another one stands in its place: nobody finds this one any more
    if (!isOurs()) return left.resolve();
    Bun.gc(true);
    await giveBackPages();
    calm = setTimeout(settleDown, CALM_MS.later);
  };
  const leaveIfQuiet = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      if (requests === 0 && supervisor.isQuiet) left.resolve();
    }, QUIET_MS);
    // the answer to the request to leave sets it once more: nobody is to wait for that
    quiet.unref();
  };
  const supervisor = new Supervisor({
    stateDirectory: paths.directory,
    onTrouble: (text) => troubles.add(text),
    onChange: () => {
      clearTimeout(calm);
      calm = setTimeout(settleDown, CALM_MS.first);
    },
    onQuiet: leaveIfQuiet,
  });
  const hello = (): Hello => ({
    version,
    pid: process.pid,
    home,
    startedAt,
    services: supervisor.reports().length,
    memory: process.memoryUsage.rss(),
    troubles: troubles.list(),
  });
  await supervisor.load();
  const api = createApi({ supervisor, hello, leave: left.resolve });
  const socket = placeSocket(paths.directory, "supervisor.sock");
  removeSocket({ path: socket.path });
  const server = Bun.serve({
    unix: socket.path,
    ...(PATIENT as object),
    fetch: (request) => {
      requests++;
      return api(request).finally(() => {
        requests--;
        leaveIfQuiet();
      });
    },
  });
  chmodSync(socket.path, 0o600);
  const identity = identifyProcess(process.pid);
  writeFileWhole(paths.record, JSON.stringify({ ...identity, socket: socket.path, version } satisfies Partial<SupervisorRecord>));
  signal.addEventListener("abort", () => left.resolve());
  leaveIfQuiet();
  await left.promise;
  clearTimeout(quiet);
  clearTimeout(calm);
  const isLast = isOurs();
  if (isLast) rmSync(paths.record, { force: true });
  // with those who wait for something: they ask the next one
  await server.stop(true);
  if (isLast) removeSocket(socket);
  await supervisor.close();
}

/** What is wrong and is nobody's answer, and when it was last so: said once, and kept for whoever asks. */
class Troubles {
  readonly #say: RunSupervisorOptions["say"];
  readonly #latest = new Map<string, string>();

  constructor(say: RunSupervisorOptions["say"]) {
    this.#say = say;
  }

  add(text: string): void {
    const isNew = !this.#latest.delete(text);
    this.#latest.set(text, new Date().toISOString());
    const [oldest] = this.#latest.keys();
    if (this.#latest.size > KEPT_TROUBLES && oldest !== undefined) this.#latest.delete(oldest);
    if (!isNew) return;
    try {
      this.#say(text);
    } catch {
      // the log is on the very disk that is full
    }
  }

  /** The latest last. */
  list(): string[] {
    return [...this.#latest].map(([text, time]) => `${time} ${text}`);
  }
}
