/** What was left half-done by one who was killed: files that were being written, guards of locks, folders of services that nothing is known of. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isAlive, type ProcessIdentity, readProcess } from "../_script/process-identity.ts";

/** For when no service is left. Nothing that somebody who lives is just about to write is touched. */
export function removeLeftovers(stateDirectory: string): void {
  for (const name of namesIn(stateDirectory)) {
    const path = join(stateDirectory, name);
    const writer = writerOf(name, path);
    if (writer !== undefined && readProcess(writer) === undefined) rmSync(path, { force: true });
  }
  for (const name of namesIn(join(stateDirectory, "native"))) {
    const folder = join(stateDirectory, "native", name);
    // nobody would find the process of one that has a record any more
    if (!hasProcess(join(folder, "process.json"))) rmSync(folder, { recursive: true, force: true });
  }
  rmSync(join(stateDirectory, "health"), { recursive: true, force: true });
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

/** The pid in the name of a temporary file, or in a guard of the supervisor's lock; undefined for all else. */
function writerOf(name: string, path: string): number | undefined {
  const [, pid] = /\.(\d+)\.(?:[0-9a-f]{8}\.)?tmp$/.exec(name) ?? [];
  if (pid !== undefined) return Number(pid);
  return /^supervisor\.lock\.[0-9a-f-]{13}$/.test(name) ? holderOf(path) : undefined;
}

function holderOf(path: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { pid: number }).pid;
  } catch {
    return undefined; // given back just now
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // there was never anything
  }
}
