#!/usr/bin/env bun
/**
 * Start a native service's process: detached, in a session of its own, known by pid and start time. It
 * outlives the command that started it. Started already, it is left as it is.
 *
 *   bun routines/native/resolve-contract.ts X_native.yml --json | bun routines/native/start-process.ts --state DIR
 */
import { closeSync, existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
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
import { MARK } from "./_session-members.ts";
import { type OpenedSpools, openSpools } from "./_spools.ts";
import type { ReadySpec, StopSpec } from "./_types.ts";
import { lastLines } from "./read-log.ts";

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
  checkFolder(spec);
  findProgram(spec, environmentOf(options).PATH ?? "");
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

async function spawnProcess(options: StartProcessOptions): Promise<StartedProcess> {
  const { spec, stateDirectory } = options;
  const paths = recordPaths(stateDirectory, spec.handle);
  const env = environmentOf(options);
  checkFolder(spec);
  const argv = findProgram(spec, env.PATH ?? "");
  refuseTakenPort(spec);
  const isFirst = mkdirSync(paths.folder, { recursive: true, mode: 0o700 }) !== undefined;
  try {
    return await spawnLogged(spec, argv, env, stateDirectory);
  } catch (error) {
    // no record tells of it: nobody would take it away, nor is anything in it
    if (isFirst) rmSync(paths.folder, { recursive: true, force: true });
    throw error;
  }
}

async function spawnLogged(spec: NativeSpec, argv: string[], env: Record<string, string>, stateDirectory: string): Promise<StartedProcess> {
  const { folder: logFolder } = recordPaths(stateDirectory, spec.handle);
  const mark = `${spec.handle}:${crypto.randomUUID()}`;
  const spools = openSpools(logFolder);
  try {
    const child = spawnDetached(spec, argv, { ...env, [MARK]: mark }, spools);
    const identity = identifyProcess(child.pid);
    if (identity === undefined) throw await vanished(spec, logFolder, spools.run);
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
      logFolder,
      logRun: spools.run,
      fingerprint,
    };
    saveOrKill(stateDirectory, record, child);
    const exited = child.exited.then(() => ({ code: child.exitCode, signal: child.signalCode === null ? null : String(child.signalCode) }));
    return { record, isNew: true, hasChanged: false, exited };
  } finally {
    closeSync(spools.out);
    closeSync(spools.err);
  }
}

/** With what it wrote: the log does not stay. */
async function vanished(spec: NativeSpec, folder: string, run: number): Promise<HarborError> {
  const details = await lastLines({ folder, run, lines: 20 });
  return new HarborError(`Cannot start "${spec.handle}": its process vanished`, {
    details,
    hint: "Start it again; something may have killed it",
  });
}

type Child = ReturnType<typeof spawnDetached>;

/** setsid, and files for what it says: it survives our exit and the closing of the terminal. */
function spawnDetached(spec: NativeSpec, argv: string[], env: Record<string, string>, { out, err }: OpenedSpools) {
  try {
    const child = Bun.spawn(argv, { cwd: spec.cwd, env, detached: true, stdin: "ignore", stdout: out, stderr: err });
    child.unref();
    return child;
  } catch (cause) {
    throw unrunnable(spec, argv[0] ?? "", cause as NodeJS.ErrnoException);
  }
}

/** The program is there, so that to install it would not help. */
function unrunnable(spec: NativeSpec, program: string, cause: NodeJS.ErrnoException): HarborError {
  const [state, hint] =
    cause.code === "ENOEXEC"
      ? ["it is in no format that this system runs", "Use a build of it for this system, or begin a script with a line like #!/bin/sh"]
      : cause.code === "ENOENT"
        ? ["the interpreter that it asks for is not there", "Install that interpreter, or name another in the script's first line"]
        : [cause.message, `Check ${program}`];
  return new HarborError(`Cannot start "${spec.handle}": the system cannot run "${program}": ${state}`, { cause, exit: "missing", hint });
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

function checkFolder(spec: NativeSpec): void {
  if (statSync(spec.cwd, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new HarborError(`Cannot start "${spec.handle}": its working directory "${spec.cwd}" does not exist`, {
    at: { file: spec.contract },
  });
}

/** `bun` is the one that runs Harbor: it may be on nobody's PATH. */
function findProgram(spec: NativeSpec, path: string): string[] {
  const [program = "", ...args] = spec.argv;
  if (program === "bun") return [process.execPath, "--no-env-file", ...args];
  const found = Bun.which(program, { PATH: path, cwd: spec.cwd });
  if (found !== null) return [found, ...args];
  const file = resolve(spec.cwd, program);
  if (program.includes("/") && existsSync(file))
    throw new HarborError(`Cannot start "${spec.handle}": "${program}" is no program that can be run`, {
      exit: "missing",
      hint: statSync(file).isDirectory() ? "Name the program itself: this is a folder" : `Make it executable: chmod +x ${program}`,
    });
  const state = program.includes("/") ? `there is no program "${program}"` : `"${program}" is not installed, or not on PATH`;
  throw new HarborError(`Cannot start "${spec.handle}": ${state}`, { exit: "missing", hint: installHint(spec) });
}

function installHint(spec: NativeSpec): string {
  const install = spec.install[process.platform] ?? spec.install.any;
  return install === undefined ? `Install it; ${spec.contract} does not say how` : `Install it: ${install.trim()}`;
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
