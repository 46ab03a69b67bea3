/** Where in a service's log the last so many lines begin, or what was written since a time: found from the end on, so that little is read. */
import { closeSync, fstatSync, statSync } from "node:fs";
import type { LogPlace } from "./_log-cursor.ts";
import {
  LONGEST_LOG_LINE,
  type LogEnd,
  type LogFile,
  listRotated,
  logPath,
  openFrom,
  openOrNone,
  readLogEnd,
  readPacked,
  readPositions,
} from "./_log-files.ts";
import { BEGINNING, isAfter, type LogEntry, type Positions, parseLogLine } from "./_log-format.ts";
import { readBackwards } from "./_read-backwards.ts";
import { LONGEST_LINE } from "./_split-bytes.ts";
import { listRests, listSpools, type Spool, type SpoolState, stateOf } from "./_spools.ts";

export interface Wanted {
  /** The last so many of those that match; all when left out. */
  tail?: number | undefined;
  /** Nothing older, in milliseconds since 1970. */
  sinceMs?: number | undefined;
  /** Which lines count. */
  matches: (entry: LogEntry) => boolean;
  /** Whether it and all before it are too old to be wanted. */
  isOlder: (entry: LogEntry) => boolean;
  /** A last line without an end counts as a line. */
  hasPartial: boolean;
}

export interface FoundPlace extends LogPlace {
  /** Lines that match, from there on, and are too many: the beginning of a compressed file is found by reading all of it. */
  skip: number;
}

const OLDEST: FoundPlace = { number: 0, offset: 0, seen: BEGINNING, skip: 0 };
/** The log moved under our hands, each time: then what is beyond it counts for nothing. */
const ATTEMPTS = 20;

export async function findPlace(folder: string, wanted: Wanted): Promise<FoundPlace> {
  const { tail, sinceMs } = wanted;
  if (tail === undefined) return sinceMs === undefined ? OLDEST : placeSince(folder, sinceMs);
  const { end, seen, left } = countBeyond(folder, { ...wanted, tail });
  if (left === 0) return { number: end.number, offset: end.size, seen, skip: 0 };
  return (await countBack(folder, end.number, end.size, { ...wanted, tail: left })) ?? OLDEST;
}

/** The files that were written last before that are left out whole. */
function placeSince(folder: string, sinceMs: number): FoundPlace {
  const isRecent = ({ path }: { path: string }): boolean => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= sinceMs;
  const first = listRotated(folder).find(isRecent);
  return { ...OLDEST, number: first?.number ?? readLogEnd(folder).number };
}

/** How far everything was written, but for lines that have no end yet. */
export function findEnds(folder: string): Positions {
  return endsOf(listSpools(folder), readLogEnd(folder).positions);
}

function endsOf(spools: readonly Spool[], positions: Positions): Positions {
  let ends = positions;
  for (const spool of spools) {
    const state = stateOf(spool, positions[spool.stream]);
    if (state === undefined) continue;
    const position = { run: spool.run, offset: state.end };
    if (isAfter(position, ends[spool.stream])) ends = { ...ends, [spool.stream]: position };
  }
  return ends;
}

type Tail = Wanted & { tail: number };

interface Counted {
  end: LogEnd;
  seen: Positions;
  /** How many lines the log has to give. */
  left: number;
}

/** Of what the spools hold beyond the log; again where a keeper took some of it over meanwhile. */
function countBeyond(folder: string, wanted: Tail): Counted {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const end = readLogEnd(folder);
    const counted = countRests(folder, end, wanted);
    const log = statSync(logPath(folder), { throwIfNoEntry: false });
    if (log?.ino === end.ino && (log?.size ?? 0) === end.bytes) return counted;
  }
  const end = readLogEnd(folder);
  return { end, seen: end.positions, left: wanted.tail };
}

function countRests(folder: string, end: LogEnd, wanted: Tail): Counted {
  const spools = listSpools(folder);
  const latestRun = spools.at(-1)?.run ?? 0;
  let seen = endsOf(spools, end.positions);
  let left = wanted.tail;
  for (const rest of listRests(spools, end.positions).reverse()) {
    const hasPartial = wanted.hasPartial || rest.run < latestRun;
    const found = countRest(rest, { ...wanted, hasPartial, tail: left });
    left -= found.count;
    // an earlier start lowers it only where it has lines that count
    if (found.count > 0 || rest.run === latestRun) seen = { ...seen, [rest.stream]: { run: rest.run, offset: found.offset } };
  }
  return { end, seen, left };
}

/** Back to the first line that counts; at least to where whole lines end. */
function countRest(rest: SpoolState, { tail, matches, isOlder, hasPartial }: Tail): { count: number; offset: number } {
  const found = { count: 0, offset: rest.end };
  const { run, stream, base } = rest;
  const time = new Date(rest.timeMs).toISOString();
  const fd = openOrNone(rest.path);
  if (fd === undefined) return found;
  try {
    for (const line of readBackwards(fd, rest.from - base, rest.end - base, LONGEST_LINE)) {
      const isPartial = base + line.end === rest.end && !line.hasEnd;
      const position = { run, offset: base + line.end };
      const entry: LogEntry = { kind: "line", time, stream, text: line.bytes.toString("utf8"), position };
      const isSkipped = isPartial && !hasPartial;
      if (!isSkipped && (found.count === tail || isOlder(entry))) break;
      if (isSkipped || matches(entry)) found.offset = base + line.start;
      if (!isSkipped && matches(entry)) found.count++;
    }
    return found;
  } finally {
    closeSync(fd);
  }
}

/** Undefined where all of it has fewer lines. */
async function countBack(folder: string, last: number, size: number, wanted: Tail): Promise<FoundPlace | undefined> {
  const older = listRotated(folder).map((log) => log.number);
  let left = wanted.tail;
  for (const number of [last, ...older.filter((it) => it < last).reverse()]) {
    const file = openFrom(folder, number);
    const counted =
      file === undefined ? undefined : await countFile(file, number, number === last ? size : undefined, { ...wanted, tail: left });
    if (counted?.place !== undefined) return counted.place;
    left -= counted?.count ?? 0;
  }
  return undefined;
}

interface CountedFile {
  count: number;
  place?: FoundPlace;
}

/** `file` may be a later one, where this one is gone. */
async function countFile(file: LogFile, number: number, size: number | undefined, wanted: Tail): Promise<CountedFile> {
  if (file.fd === undefined) return file.number === number ? countPacked(file, wanted) : { count: 0 };
  try {
    return file.number === number ? countText(file.fd, number, size ?? fstatSync(file.fd).size, wanted) : { count: 0 };
  } finally {
    closeSync(file.fd);
  }
}

function countText(fd: number, number: number, size: number, { tail, isOlder, matches }: Tail): CountedFile {
  const placeAt = (offset: number): FoundPlace => ({ number, offset, seen: readPositions(fd, offset).positions, skip: 0 });
  let count = 0;
  for (const { start, end, bytes } of readBackwards(fd, 0, size, LONGEST_LOG_LINE)) {
    const line = parseLogLine(bytes.toString("utf8"));
    if (line === undefined || line.kind === "checkpoint") continue;
    if (isOlder(line)) return { count, place: placeAt(end) };
    if (matches(line)) count++;
    if (count === tail) return { count, place: placeAt(start) };
  }
  return { count };
}

async function countPacked({ path, number }: LogFile, { tail, sinceMs = 0, matches, isOlder }: Tail): Promise<CountedFile> {
  const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (mtimeMs < sinceMs) return { count: 0, place: { ...OLDEST, number: number + 1 } };
  let count = 0;
  let isEnough = false;
  for await (const entry of readEntries(path)) {
    isEnough ||= isOlder(entry);
    if (matches(entry)) count++;
  }
  isEnough ||= count >= tail;
  return isEnough ? { count, place: { ...OLDEST, number, skip: Math.max(0, count - tail) } } : { count };
}

async function* readEntries(path: string): AsyncGenerator<LogEntry> {
  for await (const chunk of readPacked(path)) {
    for (const text of chunk.toString("utf8").split("\n")) {
      const line = parseLogLine(text);
      if (line !== undefined && line.kind !== "checkpoint") yield line;
    }
  }
}
