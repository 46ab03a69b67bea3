/** What is known of a native process between two commands: `state/native/<handle>/process.json`, beside its log. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import type { ProcessIdentity } from "../_script/process-identity.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import type { ReadySpec, StopSpec } from "./_types.ts";

export interface ProcessRecord extends ProcessIdentity {
  handle: string;
  /** Value of the `HARBOR_NATIVE` variable in the process and all that it starts. */
  mark: string;
  argv: string[];
  cwd: string;
  /** None for a process that offers nothing to connect to. */
  port?: number | undefined;
  /** Where it listens, if not on 127.0.0.1. */
  address?: string;
  containerPort?: number | undefined;
  contract: string;
  ready: ReadySpec;
  stop: StopSpec;
  startedAt: string;
  /** Where read-log.ts finds what it writes. */
  logFolder: string;
  /** Which start this is, as the log counts them. */
  logRun: number;
  /** Tells whether a later plan would start it differently. */
  fingerprint: string;
}

const HANDLE = /^[a-z0-9][a-z0-9-]*$/;

/** Every file of one process; throws for a handle that is no name, before it becomes a path. */
export function recordPaths(stateDirectory: string, handle: string): { folder: string; record: string } {
  if (!HANDLE.test(handle)) throw new HarborError(`Cannot use handle "${handle}": it is no name of a service`, { exit: "unknown" });
  const folder = join(stateDirectory, "native", handle);
  return { folder, record: join(folder, "process.json") };
}

/** The handles that have a folder, in byte order. */
export function listRecordHandles(stateDirectory: string): string[] {
  try {
    const entries = readdirSync(join(stateDirectory, "native"), { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && HANDLE.test(entry.name))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Undefined where nothing was started. */
export function readRecord(stateDirectory: string, handle: string): ProcessRecord | undefined {
  const { record } = recordPaths(stateDirectory, handle);
  try {
    return JSON.parse(readFileSync(record, "utf8")) as ProcessRecord;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const hint = `Look for the process of "${handle}" yourself, then remove ${record}`;
    throw new HarborError(`Cannot read the record of "${handle}": ${(cause as Error).message}`, { cause, hint, at: { file: record } });
  }
}

/** Whole or not at all. */
export function writeRecord(stateDirectory: string, record: ProcessRecord): void {
  writeFileWhole(recordPaths(stateDirectory, record.handle).record, `${JSON.stringify(record, null, 2)}\n`);
}

export function removeRecord(stateDirectory: string, handle: string): void {
  rmSync(recordPaths(stateDirectory, handle).record, { force: true });
}
