/**
 * The way to the supervisor of a `HARBOR_HOME`: finds the one that runs, or starts one, which adopts what an earlier
 * one left. A supervisor that ends in the middle of a request is followed by another, which is asked again.
 */
import { closeSync, existsSync, openSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { isAlive } from "../_script/process-identity.ts";
import { programRoot } from "../_script/program-root.ts";
import { programVersion } from "../_script/program-version.ts";
import { makePrivateFolder } from "../_script/write-file.ts";
import type { Env } from "../config/read-values.ts";
import { buildEnvironment } from "../native/environment.ts";
import { removeLeftovers } from "./_leftovers.ts";
import { readSupervisor, type SupervisorRecord, supervisorPaths } from "./_paths.ts";
import { listServices } from "./_store.ts";
import type { Hello, Line, RestartRequest, ServiceReport, ServiceUsage, StartServices, StopRequest } from "./report.ts";

export interface SupervisorOptions {
  home: string;
  /** Where the supervisor's own environment comes from. */
  env: Env;
}

/** Declared by bin/build.ts alone. */
declare const HARBOR_BUNDLE: true | undefined;

/** Compiled code would cost it memory, for work that is never hot; without any JIT, though, bun calls no system library. */
const SMALL = { BUN_JSC_useBaselineJIT: "0", BUN_JSC_useConcurrentGC: "0" };
/** One that ends at every attempt is nothing to wait for. */
const ATTEMPTS = 5;
const START_WAIT_MS = 10_000;
const LEAVE_WAIT_MS = 5_000;
const POLL_MS = 5;
const BUSY_POLL_MS = 50;
const LARGEST_LOG = 1024 * 1024;

/** What one supervisor is asked; it is found, or started, when it is. */
export class SupervisorClient {
  readonly #options: SupervisorOptions;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  hello(): Promise<Hello> {
    return this.#json<Hello>("GET", "/v1");
  }

  services(handles: readonly string[] = []): Promise<ServiceReport[]> {
    return this.#json<ServiceReport[]>("GET", `/v1/services?${query(handles)}`);
  }

  /** What the processes of each service that runs have used. */
  usage(): Promise<ServiceUsage[]> {
    return this.#json<ServiceUsage[]>("GET", "/v1/usage");
  }

  /** It ends, and what it supervises goes on. Returns once it is gone. */
  async leave(): Promise<void> {
    const running = readSupervisor(this.#options.home);
    if (running === undefined) return;
    await ask(running.socket, "POST", "/v1/leave", {}).catch(() => undefined);
    const deadline = performance.now() + LEAVE_WAIT_MS;
    while (isAlive(running)) {
      if (performance.now() > deadline) throw new HarborError(`Cannot end the supervisor: pid ${running.pid} does not leave`);
      await Bun.sleep(POLL_MS);
    }
  }

  /** Ends when each that is waited for is ready, or will not be; or when aborted, once it was told how the request was taken. */
  async *start(request: StartServices, signal?: AbortSignal): AsyncGenerator<Line> {
    const hangUp = new AbortController();
    const end = (): void => hangUp.abort();
    try {
      for await (const line of this.#lines("POST", "/v1/start", hangUp.signal, request)) {
        yield line;
        // before that line nobody could say what has begun, and would have to be stopped
        if (line.kind !== "accepted") continue;
        if (signal?.aborted) end();
        signal?.addEventListener("abort", end);
      }
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }

  restart(request: RestartRequest, signal?: AbortSignal): AsyncGenerator<Line> {
    return this.#lines("POST", "/v1/restart", signal, request);
  }

  /** Ends when nothing of them runs, or nobody wants to know any more: they end all the same. */
  stop(request: StopRequest, signal?: AbortSignal): AsyncGenerator<Line> {
    return this.#lines("POST", "/v1/stop", signal, request);
  }

  /** What happens, until aborted. */
  events(handles: readonly string[], signal: AbortSignal): AsyncGenerator<Line> {
    return this.#lines("GET", `/v1/events?${query(handles)}`, signal);
  }

  async #json<T>(method: string, path: string): Promise<T> {
    const patience = new Patience(this.#options.home);
    while (true) {
      try {
        return await jsonOf<T>(await ask(await this.#socket(method), method, path));
      } catch (error) {
        await patience.afterLoss(error);
      }
    }
  }

  async *#lines(method: string, path: string, signal: AbortSignal | undefined, body?: unknown): AsyncGenerator<Line> {
    const patience = new Patience(this.#options.home);
    while (true) {
      try {
        const response = await ask(await this.#socket(method), method, path, body, signal);
        let isSettled = false;
        for await (const line of readLines(response)) {
          isSettled = line.kind === "settled";
          patience.renew();
          yield line;
        }
        if (isSettled) return;
        throw new BrokenError();
      } catch (error) {
        if (signal?.aborted) return;
        await patience.afterLoss(error);
      }
    }
  }

  /** Of one that runs, and can be asked this. */
  async #socket(method: string): Promise<string> {
    const { home } = this.#options;
    const deadline = performance.now() + START_WAIT_MS;
    let child: Bun.Subprocess | undefined;
    while (true) {
      const running = readSupervisor(home);
      if (running !== undefined && isAlive(running)) {
        if (isFit(running, method)) return running.socket;
        await ask(running.socket, "POST", "/v1/leave", {}).catch(() => undefined);
      } else if (child === undefined || hasMadeWay(child)) child = spawnSupervisor(this.#options);
      else if (child.exitCode !== null) throw notStarted(home, child);
      if (performance.now() > deadline) throw notStarted(home, child);
      await Bun.sleep(pauseMs(child));
    }
  }
}

/**
 * One of another version makes way, but not for those who only look: two versions that follow the same services would end
 * each other's supervisor again and again.
 */
function isFit({ version }: SupervisorRecord, method: string): boolean {
  return method === "GET" || version === programVersion();
}

/** Where another is just about to answer, or to leave, one start after the other would only slow it down. */
function pauseMs(child: Bun.Subprocess | undefined): number {
  return child?.exitCode === 0 ? BUSY_POLL_MS : POLL_MS;
}

/** It found another one; or it was killed. */
function hasMadeWay({ exitCode, signalCode }: Bun.Subprocess): boolean {
  return exitCode === 0 || signalCode !== null;
}

/** One that is there, or that somebody needs; undefined where nothing native was started. */
export function connectSupervisor(options: SupervisorOptions): SupervisorClient | undefined {
  const running = findRunning(options);
  if (running !== undefined) return running;
  return listServices(supervisorPaths(options.home).directory).length > 0 ? new SupervisorClient(options) : undefined;
}

/** Where nothing native is left, nothing of the supervisor is: it ends, its log goes, and what one that was killed has left. */
export async function dismissSupervisor(options: SupervisorOptions): Promise<void> {
  const { directory, log } = supervisorPaths(options.home);
  if (listServices(directory).length > 0) return;
  await findRunning(options)?.leave();
  rmSync(log, { force: true });
  removeLeftovers(directory);
}

/** One that is there. */
export function findRunning(options: SupervisorOptions): SupervisorClient | undefined {
  const running = readSupervisor(options.home);
  return running !== undefined && isAlive(running) ? new SupervisorClient(options) : undefined;
}

/** Nobody took the request: one that has just been killed is still there for a moment, and its socket answers no more. */
class UnreachedError extends Error {}

/** The connection ended before the answer did. */
class BrokenError extends Error {
  constructor(options?: ErrorOptions) {
    super("it ended in the middle of an answer", options);
  }
}

/** Says whether to ask again: a few times where answers break off one after the other, for a while where nobody answers at all. */
class Patience {
  readonly #home: string;
  #breaks = 0;
  #sinceMs = performance.now();
  #deadline = this.#sinceMs + START_WAIT_MS;

  constructor(home: string) {
    this.#home = home;
  }

  /** Something was heard: one that has answered for long ended for another reason than the one before it. */
  renew(): void {
    const nowMs = performance.now();
    if (nowMs - this.#sinceMs > START_WAIT_MS) this.#breaks = 0;
    this.#sinceMs = nowMs;
  }

  /** Returns when it is time for another try; throws where there is no point in one. */
  async afterLoss(error: unknown): Promise<void> {
    if (!(error instanceof UnreachedError || error instanceof BrokenError)) throw error;
    if (error instanceof BrokenError) {
      this.#breaks++;
      this.#deadline = performance.now() + START_WAIT_MS;
    }
    if (this.#breaks >= ATTEMPTS || performance.now() > this.#deadline) throw unreachable(error, this.#home);
    await Bun.sleep(POLL_MS);
  }
}

function unreachable(cause: Error, home: string): HarborError {
  return new HarborError(`Cannot reach the supervisor: ${cause.message}`, {
    cause,
    hint: `Its log may say why: ${supervisorPaths(home).log}`,
  });
}

async function ask(socket: string, method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const init = { method, unix: socket, ...sent, ...(signal === undefined ? {} : { signal }) };
  let response: Response;
  try {
    response = await fetch(`http://harbor${path}`, init);
  } catch (cause) {
    throw signal?.aborted ? cause : new UnreachedError("nobody answers on its socket", { cause });
  }
  if (response.ok) return response;
  const { error } = await jsonOf<{ error: string }>(response);
  throw new HarborError(`Cannot have the supervisor answer: ${error}`);
}

async function jsonOf<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (cause) {
    throw new BrokenError({ cause });
  }
}

async function* readLines(response: Response): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as Line;
    }
  } catch (cause) {
    throw new BrokenError({ cause });
  }
}

function notStarted(home: string, child: Bun.Subprocess | undefined): HarborError {
  const { log } = supervisorPaths(home);
  const code = child?.exitCode ?? null;
  const how = child?.signalCode
    ? `it was ended by ${child.signalCode}`
    : code === null
      ? "it does not answer"
      : `it ended with exit code ${code}`;
  return new HarborError(`Cannot start the supervisor: ${how}`, { hint: `Its log may say why: ${log}` });
}

/** Detached, with nothing of the caller's but what it needs: it outlives the terminal, and holds no folder. */
function spawnSupervisor({ home, env }: SupervisorOptions): Bun.Subprocess {
  const paths = supervisorPaths(home);
  makePrivateFolder(paths.directory);
  const root = programRoot();
  // a package holds the sources for services to import, and runs what was built of them
  const sources = join(root, "harbor.ts");
  const program = typeof HARBOR_BUNDLE === "undefined" && existsSync(sources) ? sources : join(root, "dist/supervisor.js");
  const log = openSync(paths.log, "a", 0o600);
  try {
    if (statSync(paths.log).size > LARGEST_LOG) truncateSync(paths.log, 0);
    const argv = [process.execPath, "--no-env-file", "--no-install", `--config=${join(root, "bunfig.toml")}`, program, "supervisor", "run"];
    const own = { ...buildEnvironment(env), HARBOR_HOME: home, ...SMALL };
    const child = Bun.spawn(argv, { cwd: "/", env: own, detached: true, stdin: "ignore", stdout: log, stderr: log });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

function query(handles: readonly string[]): string {
  return new URLSearchParams(handles.map((handle): [string, string] => ["handle", handle])).toString();
}
