/** What a file or folder takes on the disk: blocks as they are allotted, a file of several names once, no link followed. */
import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** In bytes. What may not be read, or goes away meanwhile, counts nothing. */
export function measureFolder(path: string): number {
  const seen = new Set<string>();
  let bytes = 0;
  const queue = [path];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const stats = statOrNone(next);
    if (stats === undefined) continue;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      const identity = `${stats.dev} ${stats.ino}`;
      if (seen.has(identity)) continue;
      seen.add(identity);
    }
    bytes += stats.blocks * 512;
    if (stats.isDirectory()) for (const { name } of entriesOf(next)) queue.push(join(next, name));
  }
  return bytes;
}

function statOrNone(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
