/** What commands that were killed while they wrote have left beside a file, taken away by the next that writes. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readProcess } from "./process-identity.ts";

/** Half-written files, and locks on a dead lock. For whoever holds the file's lock: nobody else writes now. */
export function sweepLeftovers(path: string): void {
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const [, pid] = /\.(\d+)(?:\.[0-9a-f]{8})?\.tmp$/.exec(name) ?? [];
    const writer = pid ?? (/\.lock\.[0-9a-f-]{13}$/.test(name) ? holderOf(join(folder, name)) : undefined);
    if (writer !== undefined && readProcess(Number(writer)) === undefined) rmSync(join(folder, name), { force: true });
  }
}

function holderOf(lock: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(lock, "utf8")) as { pid?: number }).pid;
  } catch {
    return undefined; // given back meanwhile
  }
}
