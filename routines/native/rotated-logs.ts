/** The older part of a service's log, for whoever wants the room back. */
import { rmSync, statSync } from "node:fs";
import { listRotated } from "./_log-files.ts";

export interface OldLog {
  path: string;
  bytes: number;
}

/** Compressed files, but for the newest of all: that one tells whoever goes on writing where the log ended. */
export function listOldLogs(folder: string): OldLog[] {
  return listRotated(folder)
    .slice(0, -1)
    .filter(({ isPacked }) => isPacked)
    .flatMap(({ path }) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ path, bytes: stats.size }];
    });
}

export function removeOldLog({ path }: OldLog): void {
  rmSync(path, { force: true });
}
