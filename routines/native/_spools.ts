/**
 * Where a native process writes: two files for each start, `spool/<start>.out` and `.err`, opened for
 * appending and given to it as its stdout and stderr. A file needs nobody at its other end, so the process
 * goes on whatever becomes of the one who started it. What was taken over into the log is given back to the
 * file system, while the offsets go on counting.
 */
import { closeSync, mkdirSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { namesIn, openOrNone, readLogEnd } from "./_log-files.ts";
import { type LogStream, type Position, type Positions, STREAMS } from "./_log-format.ts";

export interface Spool {
  run: number;
  stream: LogStream;
  /** What was cut off its beginning, where the file system cannot give back a part of a file. */
  base: number;
  path: string;
}

export interface OpenedSpools {
  /** Counts the starts; tells the lines of this one. */
  run: number;
  /** File descriptors; whoever opens them closes them. */
  out: number;
  err: number;
}

/** A spool as it is right now. */
export interface SpoolState extends Spool {
  /** What is in it and not in the log, as offsets of the stream. */
  from: number;
  end: number;
  /** When it was last written. */
  timeMs: number;
}

/** The unit in which the system counts what a file takes up. */
const BLOCK_BYTES = 512;
const PAGE_BYTES = 4096;
const NAME = /^(\d+)\.(out|err)(?:\.(\d+))?$/;

export function spoolFolder(folder: string): string {
  return join(folder, "spool");
}

export function spoolPath(folder: string, { run, stream, base }: Omit<Spool, "path">): string {
  return join(spoolFolder(folder), `${run}.${stream}${base === 0 ? "" : `.${base}`}`);
}

/** New ones, for a new start; what earlier ones hold stays to be read. */
export function openSpools(folder: string): OpenedSpools {
  mkdirSync(spoolFolder(folder), { recursive: true, mode: 0o700 });
  const { out, err } = readLogEnd(folder).positions;
  const run = Math.max(out.run, err.run, ...listSpools(folder).map((spool) => spool.run)) + 1;
  const open = (stream: LogStream): number => openSync(spoolPath(folder, { run, stream, base: 0 }), "a", 0o600);
  const outFd = open("out");
  try {
    return { run, out: outFd, err: open("err") };
  } catch (error) {
    closeSync(outFd);
    throw error;
  }
}

/** By start, stdout first; empty where nothing was started. */
export function listSpools(folder: string): Spool[] {
  return namesIn(spoolFolder(folder))
    .flatMap((name) => {
      const found = NAME.exec(name);
      if (found === null) return [];
      const spool = { run: Number(found[1]), stream: found[2] as LogStream, base: Number(found[3] ?? 0) };
      return { ...spool, path: spoolPath(folder, spool) };
    })
    .sort((a, b) => a.run - b.run || STREAMS.indexOf(a.stream) - STREAMS.indexOf(b.stream));
}

/** What is left to read of each, in the order to read it: by start, then what was written first. Those without anything are left out. */
export function listRests(spools: readonly Spool[], seen: Positions): SpoolState[] {
  return spools
    .flatMap((spool) => stateOf(spool, seen[spool.stream]) ?? [])
    .filter((state) => state.from < state.end)
    .sort((a, b) => a.run - b.run || a.timeMs - b.timeMs);
}

/** Undefined for one that is read to its end, by what was seen of a later start, or gone. */
export function stateOf(spool: Spool, seen: Position): SpoolState | undefined {
  if (seen.run > spool.run) return undefined;
  const stats = statSync(spool.path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : describe(spool, seen, stats);
}

function describe(spool: Spool, seen: Position, { size, blocks, mtimeMs }: Stats): SpoolState {
  const { run, base } = spool;
  const from = seen.run === run ? seen.offset : 0;
  const state = { ...spool, from: Math.max(from, base), end: base + size, timeMs: Math.min(mtimeMs, Date.now()) };
  // shorter than what was read of it: somebody cut it and could not say so any more
  if (state.end < from) return { ...state, base: from, from, end: from + size };
  // read before, by a log that is no more
  if (state.from === base && blocks * BLOCK_BYTES + PAGE_BYTES < size) return { ...state, from: base + findData(spool.path, size) };
  return state;
}

/** The first byte that was not given back; a hole reads as zeros. */
function findData(path: string, size: number): number {
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(1024 * 1024);
    for (let at = 0; at < size; ) {
      const length = readSync(fd, buffer, 0, buffer.length, at);
      const data = buffer.subarray(0, length).findIndex((byte) => byte !== 0);
      if (data !== -1) return at + data;
      if (length === 0) break;
      at += length;
    }
    return size;
  } finally {
    closeSync(fd);
  }
}

/** What is read at once: a millisecond or two of work. */
const CHUNK_BYTES = 256 * 1024;
let shared: Buffer | undefined;

/** From `state.from` on, good until the next call; fewer bytes at its end, none where it is gone. */
export function readSpool(state: SpoolState, most = CHUNK_BYTES): Buffer {
  shared ??= Buffer.alloc(CHUNK_BYTES);
  const fd = openOrNone(state.path);
  if (fd === undefined) return shared.subarray(0, 0);
  try {
    return shared.subarray(0, readSync(fd, shared, 0, Math.min(most, state.end - state.from), state.from - state.base));
  } finally {
    closeSync(fd);
  }
}
