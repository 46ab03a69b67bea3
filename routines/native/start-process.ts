/**
 * A native service's process: detached, in a session of its own, known by pid, start time and a mark in its environment. It
 * writes to files, and outlives whoever started it.
 */
import { closeSync, mkdirSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { identifyProcess, isAlive } from "../_script/process-identity.ts";
import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { askSocket } from "./_ask-socket.ts";
import { importEnvironment } from "./_harbor-imports.ts";
import { requireFolder, requireProgram, unrunnable } from "./_require-program.ts";
import { atPort, fingerprintSpec, type NativeSpec } from "./_spec.ts";
import { type OpenedSpools, openSpools } from "./_spools.ts";
import { buildEnvironment } from "./environment.ts";
import { type ProcessRecord, readRecord, recordPaths, writeRecord } from "./process-record.ts";
import { MARK } from "./session-members.ts";

export { fingerprintSpec, type NativeSpec } from "./_spec.ts";
export type { ProcessRecord } from "./process-record.ts";

export interface SpawnProcessOptions {
  spec: NativeSpec;
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  /** The host's part of the environment, `PATH` in it. */
  environment: Readonly<Record<string, string>>;
  /** Where the process of one that sleeps is to listen. */
  privatePort?: number | undefined;
  /** Of this start alone; noted by who calls, so that whatever happens in here can be found again. */
  mark: string;
}

/** How a process ended. */
export interface ProcessExit {
  code: number | null;
  signal: string | null;
}

export interface SpawnedProcess {
  record: ProcessRecord;
  exited: Promise<ProcessExit>;
}

/** Throws `missing` where the program is not installed or cannot be run, `failed` where its port is taken. */
export async function spawnProcess(options: SpawnProcessOptions): Promise<SpawnedProcess> {
  const { stateDirectory, mark, privatePort } = options;
  const spec = atPort(options.spec, privatePort);
  const { folder } = recordPaths(stateDirectory, spec.handle);
  const env = environmentOf({ ...options, spec });
  requireFolder(spec, "start");
  const argv = requireProgram({ spec, argv: spec.argv, path: env.PATH ?? "", action: "start" });
  // a connection tells in no time whether the port is free; the system's tables, in a while, by whom it is taken
  if (await answers(spec.port)) refuseTakenPort(spec);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const spools = openSpools(folder);
  try {
    const child = spawnDetached(spec, argv, { ...env, ...importEnvironment({ argv: spec.argv, env, folder }), [MARK]: mark }, spools);
    const identity = identifyProcess(child.pid);
    if (identity === undefined) throw vanished(spec);
    const { handle, cwd, port, containerPort, contract, ready, stop } = spec;
    const place = spec.address === undefined ? {} : { address: spec.address };
    const startedAt = new Date().toISOString();
    const fingerprint = fingerprintSpec(options.spec);
    const log = { logFolder: folder, logRun: spools.run };
    const record = {
      handle,
      ...identity,
      mark,
      argv,
      cwd,
      port,
      containerPort,
      ...place,
      contract,
      ready,
      stop,
      startedAt,
      fingerprint,
      ...log,
    };
    saveOrKill(stateDirectory, record, child);
    const exited = child.exited.then(() => ({ code: child.exitCode, signal: child.signalCode === null ? null : String(child.signalCode) }));
    return { record, exited };
  } finally {
    closeSync(spools.out);
    closeSync(spools.err);
  }
}

const TAKEN_TIMEOUT_MS = 1_000;

export interface CheckStartableOptions {
  spec: NativeSpec;
  stateDirectory: string;
  environment: Readonly<Record<string, string | undefined>>;
}

/** Throws what a start would, where it could not even begin: no working directory, no such program; for one that runs, a new port that is taken. */
export function checkStartable({ spec, stateDirectory, environment }: CheckStartableOptions): void {
  const { PATH: path = "" } = environmentOf({ spec, environment: buildEnvironment(environment) });
  requireFolder(spec, "start");
  requireProgram({ spec, argv: spec.argv, path, action: "start" });
  // its own process has the port that it keeps
  const isMoving = readStartState(spec, stateDirectory) === "changed" && readRecord(stateDirectory, spec.handle)?.port !== spec.port;
  if (isMoving && spec.idle === undefined) refuseTakenPort(spec);
}

/** Whether its process runs as the spec says, runs with another spec, or has to be started. */
export function readStartState(spec: NativeSpec, stateDirectory: string): "running" | "changed" | "stopped" {
  const record = readRecord(stateDirectory, spec.handle);
  if (record === undefined || !isAlive(record)) return "stopped";
  return record.fingerprint === fingerprintSpec(spec) ? "running" : "changed";
}

/** The whole environment of its process but for the mark: what contract and configuration name goes before the host's part. */
export function environmentOf({ spec, environment }: Pick<SpawnProcessOptions, "spec" | "environment">): Record<string, string> {
  return { ...environment, ...spec.env };
}

function vanished(spec: NativeSpec): HarborError {
  return new HarborError(`Cannot start "${spec.handle}": its process vanished`, { hint: "Start it again; something may have killed it" });
}

type Child = ReturnType<typeof spawnDetached>;

/** setsid, and files for what it says: it survives our exit and the closing of the terminal. */
function spawnDetached(spec: NativeSpec, argv: string[], env: Record<string, string>, { out, err }: OpenedSpools) {
  try {
    const child = Bun.spawn(argv, { cwd: spec.cwd, env, detached: true, stdin: "ignore", stdout: out, stderr: err });
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

async function answers(port: number | undefined): Promise<boolean> {
  if (port === undefined) return false;
  const verdict = await askSocket({ address: "127.0.0.1", port, what: `port ${port}` }, { timeoutMs: TAKEN_TIMEOUT_MS });
  return verdict.ok;
}

function refuseTakenPort(spec: NativeSpec): void {
  const owner = spec.port === undefined ? undefined : findPortOwner({ port: spec.port, address: spec.address });
  if (owner === undefined) return;
  throw new HarborError(`Cannot start "${spec.handle}": port ${spec.port} is taken by ${formatPortOwner(owner)}`, {
    hint: `Stop that process, or choose another port: harbor config set ${spec.handle}.host_port <port>`,
  });
}
