/** How much may be written where a folder is, or will be. */
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";

/** Undefined where the system does not tell. */
export function freeBytes(folder: string): number | undefined {
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    const { bavail, bsize } = statfsSync(existing);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
