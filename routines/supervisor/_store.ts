/**
 * What outlives the supervisor: of each service `state/native/<handle>/service.json`, with all that the next one needs
 * to go on where this one ended. Written whole, before anything it tells of is done.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { readBootId } from "../_script/process-identity.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { listRecordHandles, recordPaths } from "../native/process-record.ts";
import type { NativeSpec } from "../native/start-process.ts";
import type { StartRules } from "./_policy.ts";
import type { ExternalStatus, ServiceState } from "./_service.ts";
import type { ServiceReport } from "./report.ts";

export interface StoredService extends StartRules {
  spec: NativeSpec;
  /** The host's part of the process's environment, as it was where it was asked for. */
  environment: Record<string, string>;
  /** What the containers that it may depend on were when it was asked for. */
  externals: Readonly<Record<string, ExternalStatus>>;
  run: number;
  /** Of this run: value of the variable that its processes carry. */
  mark: string;
  state: ServiceState;
  why: string;
  /** ISO 8601. */
  since: string;
  /** What its process has said of itself. */
  status: string;
  isDegraded: boolean;
  isWanted: boolean;
  isAsleep: boolean;
  isCompleted: boolean;
  isLate: boolean;
  restarts: number;
  wasReady: boolean;
  /** The boot that all of this was noted in. */
  bootId: string;
}

/** Undefined where it was never supervised; throws where its file says nothing that could be used. */
export function readService(stateDirectory: string, handle: string): StoredService | undefined {
  const path = pathOf(stateDirectory, handle);
  try {
    return asOfThisBoot(parse(readFileSync(path, "utf8"), handle));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const hint = `Look for the process of "${handle}" yourself, then remove ${path}`;
    throw new HarborError(`Cannot read what is known of "${handle}": ${(cause as Error).message}`, { cause, hint, at: { file: path } });
  }
}

/** An earlier version of Harbor kept nothing of what a service says. */
const UNSAID = { status: "", isDegraded: false };

/** A file of no length, say, which a loss of power may leave. */
function parse(text: string, handle: string): StoredService {
  const stored = JSON.parse(text) as StoredService | null;
  if (stored?.spec?.handle !== handle) throw new Error("it is not what Harbor wrote there");
  return { ...UNSAID, ...stored };
}

/** Nothing goes on over a restart of the machine: what is to be there again is started again. */
function asOfThisBoot(stored: StoredService): StoredService {
  const bootId = readBootId();
  if (stored.bootId === bootId) return stored;
  const isAtRest = stored.state === "failed" || (stored.state === "stopped" && !stored.isAsleep);
  if (isAtRest) return { ...stored, bootId };
  return { ...stored, bootId, state: "stopped", why: "the machine was started anew since", isWanted: false, isAsleep: false };
}

/** The handles of all that were left, in byte order; also of those whose file cannot be read. */
export function listServices(stateDirectory: string): string[] {
  return listRecordHandles(stateDirectory).filter((handle) => existsSync(pathOf(stateDirectory, handle)));
}

export interface LeftServices {
  services: StoredService[];
  /** As failed, and why they cannot be read: one file keeps nobody from the others. */
  broken: ServiceReport[];
}

/** All that were left. */
export function readServices(stateDirectory: string): LeftServices {
  const left: LeftServices = { services: [], broken: [] };
  for (const handle of listServices(stateDirectory)) {
    try {
      left.services.push(...[readService(stateDirectory, handle)].filter((it) => it !== undefined));
    } catch (error) {
      left.broken.push(brokenReport(handle, error));
    }
  }
  return left;
}

function brokenReport(handle: string, error: unknown): ServiceReport {
  if (!(error instanceof HarborError)) throw error;
  const { message, exit, hint, details } = error;
  const why = `what is known of it cannot be read: ${(error.cause as Error).message}`;
  return {
    handle,
    state: "failed",
    why,
    since: new Date().toISOString(),
    status: "",
    pid: null,
    port: null,
    startedAt: null,
    logRun: null,
    run: 0,
    restarts: 0,
    isWanted: false,
    isAsleep: false,
    isCompleted: false,
    isLate: false,
    lastSeen: "",
    contract: "",
    dependsOn: [],
    wasKilled: false,
    problem: { message, exit, details, ...(hint === undefined ? {} : { hint }) },
  };
}

/** Throws where the disk is full, among others: what was there stays. */
export function writeService(stateDirectory: string, service: StoredService): void {
  writeFileWhole(pathOf(stateDirectory, service.spec.handle), `${JSON.stringify(service)}\n`);
}

/** With its log and all else that is kept of it. */
export function removeService(stateDirectory: string, handle: string): void {
  rmSync(recordPaths(stateDirectory, handle).folder, { recursive: true, force: true });
}

function pathOf(stateDirectory: string, handle: string): string {
  return join(recordPaths(stateDirectory, handle).folder, "service.json");
}

/** Of which nothing has been done yet. */
export function newStored(spec: NativeSpec): StoredService {
  return {
    spec,
    environment: {},
    externals: {},
    run: 0,
    mark: "",
    state: "pending",
    why: "",
    since: new Date().toISOString(),
    ...UNSAID,
    isWanted: true,
    isAsleep: false,
    isCompleted: false,
    isLate: false,
    restarts: 0,
    wasReady: false,
    bootId: readBootId(),
  };
}
