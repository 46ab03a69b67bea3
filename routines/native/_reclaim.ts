/** Gives what the log has taken over from the spools back to the file system. */
import { renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { punchHole } from "./_punch-hole.ts";
import { type Spool, type SpoolState, spoolPath } from "./_spools.ts";

/** What a spool may keep for nothing; the system is asked no more often. */
const PUNCH_BYTES = 256 * 1024;
const PAGE_BYTES = 4096;

export class Reclaimer {
  /** Up to where each spool was given back, by its path. */
  private readonly punched = new Map<string, number>();
  private canPunch = true;

  constructor(
    private readonly folder: string,
    /** Of a spool that can only be emptied as a whole. */
    private readonly maxSize: number,
  ) {}

  /** Whether parts of a file can be given back here; true until it was tried. */
  get isGradual(): boolean {
    return this.canPunch;
  }

  /** `offset`: up to where it is in the log. `isForced`: it must shrink, even while it is written. */
  giveBack(spool: SpoolState, offset: number, isForced = false): void {
    if (this.canPunch) this.canPunch = this.punch(spool, offset - spool.base);
    if (!this.canPunch) this.empty(spool, offset, isForced);
  }

  private punch({ path }: Spool, bytes: number): boolean {
    const from = this.punched.get(path) ?? 0;
    const to = bytes - (bytes % PAGE_BYTES);
    if (to - from < PUNCH_BYTES) return true;
    if (!punchHole(path, from, to - from)) return false;
    this.punched.set(path, to);
    return true;
  }

  /** A line written between the look and the cut is lost: that is why it is done seldom, and only where nothing else goes. */
  private empty(spool: SpoolState, offset: number, isForced: boolean): void {
    const { size } = statSync(spool.path);
    if (!isForced && (size <= this.maxSize || spool.base + size !== offset)) return;
    truncateSync(spool.path, 0);
    this.rename(spool, spool.base + size);
  }

  /** One that was emptied by somebody who could not say so any more. */
  mend(spool: SpoolState): SpoolState {
    const name = spoolPath(this.folder, spool);
    return name === spool.path ? spool : { ...spool, path: this.rename(spool, spool.base) };
  }

  private rename(spool: Spool, base: number): string {
    const path = spoolPath(this.folder, { ...spool, base });
    renameSync(spool.path, path);
    return path;
  }

  /** Those of earlier starts that nothing is left of. */
  removeRead(spools: readonly Spool[], rests: readonly Spool[]): void {
    const latest = spools.at(-1)?.run ?? 0;
    for (const spool of spools) {
      if (spool.run === latest || rests.some((rest) => rest.path === spool.path)) continue;
      rmSync(spool.path, { force: true });
      this.punched.delete(spool.path);
    }
  }
}
