/** Files that matter are written whole to a temporary name and renamed: a reader never sees half of one. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { HarborError } from "./error.ts";

/** Mode 0600 in a folder of mode 0700 by default: what Harbor keeps may hold secrets. */
export function writeFileWhole(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.tmp`;
  makePrivateFolder(dirname(path));
  try {
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new HarborError(`Cannot write "${path}": ${(cause as Error).message}`, { cause });
  }
}

/** With those above it; throws where the system does not let us. */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new HarborError(`Cannot make folder "${path}": ${(cause as Error).message}`, { cause });
  }
}
