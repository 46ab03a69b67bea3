/** Files of ours that nothing uses any more: old parts of logs, what was left by commands that were killed, environments of services that are gone. */
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isAlive, type ProcessIdentity, readProcess } from "../_script/process-identity.ts";
import { measurePath } from "../host/measure-folder.ts";
import { listRecordHandles, recordPaths } from "../native/process-record.ts";
import { listOldLogs, removeOldLog } from "../native/rotated-logs.ts";
import { ONE_OFF } from "../stack/one-off-files.ts";
import { type StackRecord, stateOf } from "../stack/read-stack.ts";
import { isHandle } from "../workspace/list-handles.ts";
import type { Leftover } from "./leftover.ts";

/** Of services that are up as well: what they wrote lately stays. */
export function findLogs(home: string): Leftover[] {
  const { directory } = stateOf(home);
  return listRecordHandles(directory).flatMap((handle) =>
    listOldLogs(recordPaths(directory, handle).folder).map((log) => ({
      kind: "logs",
      name: log.path,
      why: `an older part of the log of "${handle}"`,
      bytes: log.bytes,
      remove: () => removeOldLog(log),
    })),
  );
}

/** What a command was just about to write, and of native services that nothing is known of. */
export function findState(home: string, data: string, record: StackRecord | undefined): Leftover[] {
  const { directory } = stateOf(home);
  const folders = [
    home,
    directory,
    data,
    join(home, "env"),
    join(home, "profiles"),
    ...listRecordHandles(directory).map((it) => recordPaths(directory, it).folder),
  ];
  const temporaryIn = (folder: string): RegExp | undefined =>
    folder === data ? undefined : `${folder}/`.startsWith(`${directory}/`) ? TEMPORARY : OWN_TEMPORARY;
  const unfinished = [...new Set(folders)].flatMap((folder) =>
    namesIn(folder).flatMap((name) => orphanOf(folder, name, temporaryIn(folder))),
  );
  const oneOffs = namesIn(join(directory, ONE_OFF))
    .filter((pid) => readProcess(Number(pid)) === undefined)
    .map((pid) => leftover("state", join(directory, ONE_OFF, pid), "of a command that was killed"));
  const unknown = listRecordHandles(directory)
    .filter((handle) => record?.natives.includes(handle) !== true)
    .map((handle) => recordPaths(directory, handle))
    .filter(({ folder, record: path }) => !existsSync(join(folder, "service.json")) && !hasProcess(path))
    .map(({ folder }) => leftover("state", folder, "nothing is known of such a service, and no process of it runs"));
  return [...unfinished, ...oneOffs, ...unknown];
}

/** The writer's pid is in the name: `stack.json.4711.tmp`, `lock.4711.0a1b2c3d.tmp`. */
const TEMPORARY = /\.(\d+)\.(?:[0-9a-f]{8}\.)?tmp$/;
/** Where the user has files as well: of those alone that Harbor writes there. In a data folder it writes none so. */
const OWN_TEMPORARY = /^(?:[\w.-]+\.env|secrets\.keychain|aliases\.json|history\.jsonl)(?:\.lock)?\.(\d+)\.(?:[0-9a-f]{8}\.)?tmp$/;

/** What a command was writing, and what a restore had read: `.harbor-restore-4711`. */
function orphanOf(folder: string, name: string, temporary: RegExp | undefined): Leftover[] {
  const [, pid] = temporary?.exec(name) ?? /^\.harbor-restore-(?:data-)?(\d+)$/.exec(name) ?? [];
  if (pid === undefined || readProcess(Number(pid)) !== undefined) return [];
  return [leftover("state", join(folder, name), "written by a command that was killed")];
}

/** Also where the record cannot be read. */
function hasProcess(record: string): boolean {
  if (!existsSync(record)) return false;
  try {
    return isAlive(JSON.parse(readFileSync(record, "utf8")) as ProcessIdentity);
  } catch {
    return true;
  }
}

/** How far below a service's folder they may stand. */
const DEPTH = 2;

/** Python environments in the data of services that no folder of the workspace is of: they can be made anew, the data stays. */
export function findEnvironments(data: string, handles: readonly string[]): Leftover[] {
  return namesIn(data)
    .filter((name) => isHandle(name) && !handles.includes(name))
    .flatMap((handle) =>
      environmentsIn(join(data, handle), DEPTH).map((path) => leftover("environments", path, `there is no service "${handle}" any more`)),
    );
}

/** By the file that make-python-env leaves in each. */
function environmentsIn(folder: string, depth: number): string[] {
  if (existsSync(join(folder, "harbor-env.json"))) return [folder];
  if (depth === 0) return [];
  const isFolder = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return namesIn(folder)
    .map((name) => join(folder, name))
    .filter(isFolder)
    .flatMap((path) => environmentsIn(path, depth - 1));
}

function leftover(kind: Leftover["kind"], path: string, why: string): Leftover {
  return { kind, name: path, why, bytes: measurePath(path), remove: () => rmSync(path, { recursive: true, force: true }) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // not there, or not for us to read
  }
}
