/** Writes a service's log: whole lines or nothing, and a new file where the old one is full or a while old. */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import { parseSize } from "../_script/size.ts";
import { identifyFolder, listRotated, logPath, namesIn, packLog, type RotatedLog, readEndOf, rotatedPath } from "./_log-files.ts";
import { BEGINNING, formatCheckpoint, laterOf, type Positions } from "./_log-format.ts";
import type { LogLimits } from "./_types.ts";

interface OpenLog {
  fd: number;
  ino: number;
  size: number;
  number: number;
  begunMs: number;
  hasLines: boolean;
  /** Bytes since the last checkpoint. */
  sinceCheckpoint: number;
}

/** Between two of them: as much as has to be read to know where a log ends. */
const CHECKPOINT_BYTES = 64 * 1024;

export class LogWriter {
  /** How far the spools are in the log. */
  positions: Positions = BEGINNING;
  /** Stamp of the last line. */
  lastMs = 0;
  readonly maxSize: number;
  readonly maxFiles: number;
  private readonly maxAgeMs: number;
  private file: OpenLog | undefined;
  private identity: string | undefined;
  private packing: Promise<void> | undefined;

  constructor(
    private readonly folder: string,
    limits: LogLimits,
    private readonly now: () => number,
  ) {
    this.maxSize = known(parseSize(limits.max_size), "max_size", limits.max_size);
    this.maxFiles = limits.max_files;
    this.maxAgeMs = known(parseDuration(limits.max_age), "max_age", limits.max_age);
  }

  /** Learns where the log ends; again where somebody else wrote, emptied or removed it since. */
  open(): void {
    if (this.file !== undefined && this.isStillOurs(this.file)) return;
    this.close();
    const fd = openSync(logPath(this.folder), "a+", 0o600);
    const end = readEndOf(fd, this.folder);
    const { ino, size } = fstatSync(fd);
    if (size > end.size) ftruncateSync(fd, end.size);
    const begunMs = end.begun === undefined ? this.now() : Date.parse(end.begun);
    this.file = { fd, ino, size: end.size, number: end.number, begunMs, hasLines: end.size > 0, sinceCheckpoint: CHECKPOINT_BYTES };
    this.lastMs = end.last === undefined ? this.lastMs : Date.parse(end.last);
    const identity = identifyFolder(this.folder);
    this.positions = identity === this.identity ? laterOf(this.positions, end.positions) : end.positions;
    this.identity = identity;
  }

  private isStillOurs({ ino, size }: OpenLog): boolean {
    const stats = statSync(logPath(this.folder), { throwIfNoEntry: false });
    return stats?.ino === ino && stats.size === size;
  }

  /** Whether the file is old enough for a new one: all that are kept cover what is kept by age. */
  get isDue(): boolean {
    return this.file?.hasLines === true && this.now() - this.file.begunMs > this.maxAgeMs / Math.max(1, this.maxFiles);
  }

  /** Whether so much more has room in it; a first line always has. */
  hasRoom(pendingBytes: number, bytes: number): boolean {
    const { size = 0, hasLines = false } = this.file ?? {};
    return (!hasLines && pendingBytes === 0) || size + pendingBytes + bytes <= this.maxSize;
  }

  /** All of the lines, or none where it throws. */
  append(lines: string, time: string, positions: Positions): void {
    const { file } = this;
    if (file === undefined) throw new Error("the log is not open");
    const isDue = file.sinceCheckpoint >= CHECKPOINT_BYTES;
    const checkpoint = isDue ? formatCheckpoint({ time, number: file.number, positions: this.positions }) : "";
    const bytes = Buffer.from(checkpoint + lines);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(file.fd, bytes, written);
    } catch (error) {
      ftruncateSync(file.fd, file.size);
      throw error;
    }
    file.size += bytes.length;
    file.sinceCheckpoint = (isDue ? 0 : file.sinceCheckpoint) + bytes.length;
    file.hasLines ||= lines !== "";
    this.positions = positions;
  }

  /** Killed in between, the next one to open it makes the new file. */
  rotate(time: string): void {
    const { file } = this;
    if (file === undefined) return;
    this.close();
    renameSync(logPath(this.folder), rotatedPath(this.folder, file.number));
    this.open();
    // before anything is pruned: the renamed one may be all that tells where the log ends
    this.append("", time, this.positions);
  }

  /** What an earlier one was killed over. */
  tidy(): void {
    for (const name of namesIn(this.folder)) if (/^log\.\d+\.gz\.tmp$/.test(name)) rmSync(join(this.folder, name), { force: true });
    const rotated = listRotated(this.folder);
    for (const { number, isPacked } of rotated) if (isPacked) rmSync(rotatedPath(this.folder, number), { force: true });
    if (rotated.some((log) => !log.isPacked)) this.pack();
  }

  /** Removes what is too old or too much. What waits to be written counts: it would push them out in a moment. */
  prune(waitingBytes: number): void {
    const allowed = Math.max(0, this.maxFiles - Math.floor(waitingBytes / this.maxSize));
    const rotated = listRotated(this.folder);
    const superfluous = rotated.filter((log, index) => index < rotated.length - allowed || this.isOld(log));
    for (const { number } of superfluous) {
      const path = rotatedPath(this.folder, number);
      for (const name of [path, `${path}.gz`]) rmSync(name, { force: true });
    }
  }

  private isOld({ path }: RotatedLog): boolean {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats !== undefined && this.now() - stats.mtimeMs > this.maxAgeMs;
  }

  /** Compresses what was rotated, one after the other, beside all else; again later where it fails. */
  pack(): void {
    this.packing ??= this.packAll()
      .catch(() => undefined) // a plain file is as good to read; the next rotation tries anew
      .finally(() => {
        this.packing = undefined;
      });
  }

  private async packAll(): Promise<void> {
    while (true) {
      const next = listRotated(this.folder).find((log) => !log.isPacked);
      if (next === undefined) return;
      await packLog(next).catch((error) => {
        if (existsSync(next.path)) throw error; // else it was pruned meanwhile
      });
      this.prune(0);
    }
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file.fd);
    this.file = undefined;
  }

  /** When nothing is under way any more. */
  async settle(): Promise<void> {
    await this.packing;
  }
}

function known(value: number | undefined, name: string, text: string): number {
  if (value !== undefined && value > 0) return value;
  throw new HarborError(`Cannot keep a log: "${text}" is no ${name}`, { exit: "usage" });
}
