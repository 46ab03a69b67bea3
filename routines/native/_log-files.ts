/**
 * The files of a service's log: `log` is written to, `log.17` was rotated and waits for compression,
 * `log.17.gz` is done. A number never changes, so that whoever reads one finds its successor.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { BEGINNING, type Checkpoint, laterOf, type Positions, parseCheckpoint, parseLogLine } from "./_log-format.ts";
import { readBackwards } from "./_read-backwards.ts";

export interface RotatedLog {
  number: number;
  path: string;
  isPacked: boolean;
}

/** Where the log ends. */
export interface LogEnd {
  /** Of `log`, or of the one to be made. */
  number: number;
  /** Tells whether the log is still the one that was looked at. */
  ino: number | undefined;
  /** Up to the last line end, and in all. */
  size: number;
  bytes: number;
  positions: Positions;
  /** When the file was begun, and when its last line was written; undefined for an empty one. */
  begun: string | undefined;
  last: string | undefined;
}

/** A line of the log with its stamp: text of 64 kB may be three times as long once what is no UTF-8 in it was replaced. */
export const LONGEST_LOG_LINE = 256 * 1024;
const HEADER_BYTES = 256;
const LINE_END = 0x0a;

export function logPath(folder: string): string {
  return join(folder, "log");
}

/** Tells a folder from one that was made later under its name: inodes are used again at once. */
export function identifyFolder(folder: string): string | undefined {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino} ${stats.birthtimeMs}`;
}

export function rotatedPath(folder: string, number: number): string {
  return `${logPath(folder)}.${number}`;
}

/** Oldest first. One that is there both ways is packed: its other half was about to go. */
export function listRotated(folder: string): RotatedLog[] {
  const found = new Map<number, RotatedLog>();
  for (const name of namesIn(folder)) {
    const [, digits, packed] = /^log\.(\d+)(\.gz)?$/.exec(name) ?? [];
    const number = Number(digits);
    if (digits === undefined || (packed === undefined && found.has(number))) continue;
    found.set(number, { number, path: join(folder, name), isPacked: packed !== undefined });
  }
  return [...found.values()].sort((a, b) => a.number - b.number);
}

/** Empty where there is no such folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Of the log as it is, whoever writes it. */
export function readLogEnd(folder: string): LogEnd {
  const fd = openOrNone(logPath(folder));
  if (fd === undefined) return endWithoutLog(folder, undefined, 0);
  try {
    return readEndOf(fd, folder);
  } finally {
    closeSync(fd);
  }
}

export function readEndOf(fd: number, folder: string): LogEnd {
  const { ino, size: bytes } = fstatSync(fd);
  const size = wholeLines(fd, bytes);
  if (size === 0) return endWithoutLog(folder, ino, bytes);
  const header = readHeader(fd);
  const { positions, last } = readPositions(fd, size);
  return { number: header?.number ?? nextNumber(folder), ino, size, bytes, positions, begun: header?.time, last };
}

/** What the newest rotated one says: `log` is made anew, or was taken away. */
function endWithoutLog(folder: string, ino: number | undefined, bytes: number): LogEnd {
  const newest = listRotated(folder).at(-1);
  const positions = newest === undefined ? BEGINNING : positionsOf(newest);
  return { number: nextNumber(folder), ino, size: 0, bytes, positions, begun: undefined, last: undefined };
}

function nextNumber(folder: string): number {
  return (listRotated(folder).at(-1)?.number ?? 0) + 1;
}

/** The checkpoint that a log begins with. */
export function readHeader(fd: number): Checkpoint | undefined {
  const buffer = Buffer.alloc(HEADER_BYTES);
  const bytes = buffer.subarray(0, readSync(fd, buffer, 0, HEADER_BYTES, 0));
  const end = bytes.indexOf(LINE_END);
  return end === -1 ? undefined : parseCheckpoint(bytes.toString("latin1", 0, end));
}

/** Without a last line that has no end: it is being written, or its writer was killed. */
function wholeLines(fd: number, size: number): number {
  for (const line of readBackwards(fd, 0, size, LONGEST_LOG_LINE)) if (line.hasEnd) return line.end;
  return 0;
}

/** How far the spools were read by the lines before `end`; a checkpoint is never far. */
export function readPositions(fd: number, end: number): { positions: Positions; last: string | undefined } {
  let positions = BEGINNING;
  let last: string | undefined;
  for (const { bytes } of readBackwards(fd, 0, end, LONGEST_LOG_LINE)) {
    const line = parseLogLine(bytes.toString("utf8"));
    if (line === undefined) continue;
    last ??= line.time;
    if (line.kind === "checkpoint") return { positions: laterOf(positions, line.positions), last };
    if (positions[line.stream] === BEGINNING[line.stream]) positions = { ...positions, [line.stream]: line.position };
    if (positions.out !== BEGINNING.out && positions.err !== BEGINNING.err) break;
  }
  return { positions, last };
}

function positionsOf(log: RotatedLog): Positions {
  if (log.isPacked) return positionsInText(Bun.gunzipSync(readFileSync(log.path)));
  const fd = openSync(log.path, "r");
  try {
    return readPositions(fd, fstatSync(fd).size).positions;
  } finally {
    closeSync(fd);
  }
}

/** From the last checkpoint on. */
function positionsInText(bytes: Uint8Array): Positions {
  const lines = Buffer.from(bytes).toString("utf8").split("\n").map(parseLogLine);
  let positions = BEGINNING;
  for (const line of lines.slice(lines.findLastIndex((line) => line?.kind === "checkpoint"))) {
    if (line?.kind === "checkpoint") positions = line.positions;
    else if (line !== undefined) positions = { ...positions, [line.stream]: line.position };
  }
  return positions;
}

/** Undefined where there is no such file. */
export function openOrNone(path: string, flags = "r"): number | undefined {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** One of the files, opened; a packed one has no descriptor. */
export type LogFile = { number: number; isCurrent: boolean; path: string } & ({ fd: number } | { fd: undefined; isCurrent: false });

/** The one with this number, or the next that is there; the current one where all others are older. Undefined where there is none. */
export function openFrom(folder: string, number: number): LogFile | undefined {
  const path = logPath(folder);
  const fd = openOrNone(path);
  const current = fd === undefined ? undefined : (readHeader(fd)?.number ?? nextNumber(folder));
  const older = current === number ? undefined : openRotatedFrom(folder, number);
  if (older === undefined) return fd === undefined || current === undefined ? undefined : { number: current, fd, isCurrent: true, path };
  if (fd !== undefined) closeSync(fd);
  return older;
}

function openRotatedFrom(folder: string, number: number): LogFile | undefined {
  for (const log of listRotated(folder).filter((it) => it.number >= number)) {
    const path = rotatedPath(folder, log.number);
    const fd = log.isPacked ? undefined : openOrNone(path);
    if (fd !== undefined) return { number: log.number, isCurrent: false, path, fd };
    // packed before, or just now; else removed just now
    const packed = `${path}.gz`;
    if (existsSync(packed)) return { number: log.number, isCurrent: false, path: packed, fd: undefined };
  }
  return undefined;
}

const CHUNK_BYTES = 256 * 1024;

/** Whole lines from an offset on, some at once. */
export function* readChunks(fd: number, from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; ) {
    const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, to - at));
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, at));
    const end = bytes.lastIndexOf(LINE_END) + 1;
    if (end === 0) return; // being written, or torn
    at += end;
    yield bytes.subarray(0, end);
  }
}

/** The same of a compressed one; nothing where it was removed meanwhile. */
export async function* readPacked(path: string, from = 0): AsyncGenerator<Buffer> {
  let skip = from;
  let pending = Buffer.alloc(0);
  try {
    for await (const chunk of Bun.file(path).stream().pipeThrough(new DecompressionStream("gzip"))) {
      const skipped = Math.min(skip, chunk.length);
      skip -= skipped;
      const bytes = Buffer.concat([pending, chunk.subarray(skipped)]);
      const end = bytes.lastIndexOf(LINE_END) + 1;
      pending = bytes.subarray(end);
      if (end > 0) yield bytes.subarray(0, end);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Compresses a rotated log beside the event loop; killed in between, the plain file is still there. */
export async function packLog({ path }: RotatedLog): Promise<void> {
  const [{ createGzip }, { createReadStream, createWriteStream }, { pipeline }, { open }] = await Promise.all([
    import("node:zlib"),
    import("node:fs"),
    import("node:stream/promises"),
    import("node:fs/promises"),
  ]);
  const temporary = `${path}.gz.tmp`;
  try {
    const { mtime } = statSync(path); // tells readers when its last line was written
    await pipeline(
      createReadStream(path, { highWaterMark: 256 * 1024 }),
      createGzip({ level: GZIP_LEVEL }),
      createWriteStream(temporary, { mode: 0o600 }),
    );
    await using file = await open(temporary, "r+");
    await file.utimes(mtime, mtime);
    await file.datasync(); // the plain one goes: a power failure must not find neither
    renameSync(temporary, `${path}.gz`);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  rmSync(path, { force: true });
}

/** Twice as fast as the default, for a file half as large again. */
const GZIP_LEVEL = 1;
