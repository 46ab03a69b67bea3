#!/usr/bin/env bun
/**
 * Start a native service's process: detached, in a session of its own, known by pid and start time. It
 * outlives the command that started it. Started already, it is left as it is.
 *
 *   bun routines/native/resolve-contract.ts X_native.yml --json | bun routines/native/start-process.ts --state DIR
 */
import { closeSync, fstatSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { identifyProcess, isAlive } from "../_script/process-identity.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { endSession } from "./_end-session.ts";
import { buildEnvironment } from "./_environment.ts";
import { type ProcessRecord, readRecord, recordPaths, writeRecord } from "./_records.ts";
import { requireFolder, requireProgram, unrunnable } from "./_require-program.ts";
import { MARK } from "./_session-members.ts";
import type { ReadySpec, StopSpec } from "./_types.ts";
import { tailLog } from "./tail-log.ts";

export type { ProcessRecord } from "./_records.ts";

/** What to run, with nothing left to look up: a plan holds it. */
export interface NativeSpec {
  handle: string;
  /** Path of the contract. */
  contract: string;
  argv: string[];
  cwd: string;
  /** What contract and configuration name; the host's own part is added at the start. */
  env: Record<string, string>;
  port: number;
  containerPort: number;
  ready: ReadySpec;
  stop: StopSpec;
  install: Record<string, string>;
}

export interface StartProcessOptions {
  spec: NativeSpec;
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  /** Where the host's part of the environment comes from, `PATH` among it. */
  environment?: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal | undefined;
  /** How long to wait for another command that starts or stops the same handle. */
  lockWaitMs?: number | undefined;
}

/** How a process ended. */
export interface ProcessExit {
  code: number | null;
  signal: string | null;
}

export interface StartedProcess {
  record: ProcessRecord;
  /** False where it ran already. */
  isNew: boolean;
  /** It runs, but was started from another spec: stop it first to have the new one. */
  hasChanged: boolean;
  /** Only for one started here. */
  exited?: Promise<ProcessExit>;
}

/** Throws `missing` where the program is not installed, `failed` where its port is taken. */
export async function startProcess(options: StartProcessOptions): Promise<StartedProcess> {
  const { spec, stateDirectory } = options;
  const paths = recordPaths(stateDirectory, spec.handle);
  const start = async (): Promise<StartedProcess> => {
    const earlier = readRecord(stateDirectory, spec.handle);
    if (earlier !== undefined && isAlive(earlier)) {
      return { record: earlier, isNew: false, hasChanged: earlier.fingerprint !== fingerprintSpec(spec) };
    }
    if (earlier !== undefined) await endSession({ record: earlier, signal: options.signal });
    if (options.signal?.aborted) throw new HarborError(`Cannot start "${spec.handle}": interrupted`, { exit: "interrupted" });
    return spawnProcess(options);
  };
  return withLock(paths.lock, start, { purpose: `starting ${spec.handle}`, waitMs: options.lockWaitMs, signal: options.signal });
}

/** Throws what a start would, where it could not even begin: no working directory, no such program; for one that runs, a new port that is taken. */
export function checkStartable(options: Pick<StartProcessOptions, "spec" | "environment" | "stateDirectory">): void {
  const { spec, stateDirectory } = options;
  requireFolder(spec, "start");
  requireProgram({ spec, argv: spec.argv, path: environmentOf(options).PATH ?? "", action: "start" });
  // its own process has the port that it keeps
  if (readStartState(spec, stateDirectory) === "changed" && readRecord(stateDirectory, spec.handle)?.port !== spec.port)
    refuseTakenPort(spec);
}

/** Whether its process runs as the spec says, runs with another spec, or has to be started. */
export function readStartState(spec: NativeSpec, stateDirectory: string): "running" | "changed" | "stopped" {
  const record = readRecord(stateDirectory, spec.handle);
  if (record === undefined || !isAlive(record)) return "stopped";
  return record.fingerprint === fingerprintSpec(spec) ? "running" : "changed";
}

/** The same for two specs that start the same process the same way. */
export function fingerprintSpec(spec: NativeSpec): string {
  const env = Object.entries(spec.env).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Bun.CryptoHasher("sha256").update(JSON.stringify([spec.argv, spec.cwd, env, spec.port])).digest("hex");
}

function environmentOf({ spec, environment }: Pick<StartProcessOptions, "spec" | "environment">): Record<string, string> {
  return { ...buildEnvironment(environment ?? process.env), ...spec.env };
}

function spawnProcess(options: StartProcessOptions): StartedProcess {
  const { spec, stateDirectory } = options;
  const paths = recordPaths(stateDirectory, spec.handle);
  const env = environmentOf(options);
  requireFolder(spec, "start");
  const argv = requireProgram({ spec, argv: spec.argv, path: env.PATH ?? "", action: "start" });
  refuseTakenPort(spec);
  const isFirst = mkdirSync(paths.folder, { recursive: true, mode: 0o700 }) !== undefined;
  try {
    return spawnLogged(spec, argv, env, stateDirectory);
  } catch (error) {
    // no record tells of it: nobody would take it away, nor is anything in it
    if (isFirst) rmSync(paths.folder, { recursive: true, force: true });
    throw error;
  }
}

function spawnLogged(spec: NativeSpec, argv: string[], env: Record<string, string>, stateDirectory: string): StartedProcess {
  const { log: logFile } = recordPaths(stateDirectory, spec.handle);
  const mark = `${spec.handle}:${crypto.randomUUID()}`;
  const log = openSync(logFile, "a", 0o600);
  try {
    const logStart = fstatSync(log).size;
    const child = spawnDetached(spec, argv, { ...env, [MARK]: mark }, log);
    const identity = identifyProcess(child.pid);
    if (identity === undefined) throw vanished(spec, logFile, logStart);
    const { handle, cwd, port, containerPort, contract, ready, stop } = spec;
    const startedAt = new Date().toISOString();
    const fingerprint = fingerprintSpec(spec);
    const record = {
      handle,
      ...identity,
      mark,
      argv,
      cwd,
      port,
      containerPort,
      contract,
      ready,
      stop,
      startedAt,
      logFile,
      logStart,
      fingerprint,
    };
    saveOrKill(stateDirectory, record, child);
    const exited = child.exited.then(() => ({ code: child.exitCode, signal: child.signalCode === null ? null : String(child.signalCode) }));
    return { record, isNew: true, hasChanged: false, exited };
  } finally {
    closeSync(log);
  }
}

/** With what it wrote: the log does not stay. */
function vanished(spec: NativeSpec, file: string, from: number): HarborError {
  const details = tailLog({ file, from, lines: 20 });
  return new HarborError(`Cannot start "${spec.handle}": its process vanished`, {
    details,
    hint: "Start it again; something may have killed it",
  });
}

type Child = ReturnType<typeof spawnDetached>;

/** setsid, and one log opened for appending by both streams: it survives our exit and the closing of the terminal. */
function spawnDetached(spec: NativeSpec, argv: string[], env: Record<string, string>, log: number) {
  try {
    const child = Bun.spawn(argv, { cwd: spec.cwd, env, detached: true, stdin: "ignore", stdout: log, stderr: log });
    child.unref();
    return child;
  } catch (cause) {
    throw unrunnable(spec, argv[0] ?? "", cause as NodeJS.ErrnoException, "start");
  }
}

/** A process that nobody would find again must not go on. */
function saveOrKill(stateDirectory: string, record: ProcessRecord, child: Child): void {
  try {
    writeRecord(stateDirectory, record);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function refuseTakenPort(spec: NativeSpec): void {
  const owner = findPortOwner({ port: spec.port });
  if (owner === undefined) return;
  throw new HarborError(`Cannot start "${spec.handle}": port ${spec.port} is taken by ${formatPortOwner(owner)}`, {
    hint: `Stop that process, or give "${spec.handle}" another port`,
  });
}

async function readSpec(): Promise<NativeSpec> {
  try {
    return (await Bun.stdin.json()) as NativeSpec;
  } catch (cause) {
    const hint = "Pipe what `harbor routine resolve-contract CONTRACT --json` prints into it";
    throw new HarborError(`Cannot start a process: stdin holds no spec in JSON (${(cause as Error).message})`, {
      exit: "usage",
      hint,
      cause,
    });
  }
}

export const command = defineCommand({
  meta: {
    name: "start-process",
    description: "Start a native service's process from its spec (JSON on stdin)",
    examples: ["harbor routine resolve-contract services/ollama/ollama_native.yml --json | harbor routine start-process"],
  },
  args: { ...jsonArg, state: { type: "string", description: "State directory", valueHint: "DIR" } },
  async run({ args }) {
    const spec = await readSpec();
    const stateDirectory = args.state ?? join(findHome(process.env), "state");
    const { record, isNew } = await startProcess({ spec, stateDirectory });
    emit(record, {
      json: args.json,
      render: (it) => `${it.handle}\tpid ${it.pid}\t127.0.0.1:${it.port}\t${isNew ? "started" : "running already"}`,
    });
  },
});

if (import.meta.main) await runScript(command);
