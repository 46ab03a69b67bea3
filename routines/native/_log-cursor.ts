/**
 * Reads a service's log from a place on: through the rotated files and `log` to what the spools hold beyond
 * it, while a keeper may be moving lines from one to the next. Positions tell which lines were seen.
 */
import { closeSync, fstatSync, statSync } from "node:fs";
import { identifyFolder, type LogFile, logPath, openFrom, readChunks, readPacked } from "./_log-files.ts";
import { BEGINNING, isAfter, type LogEntry, type LogStream, laterOf, type Position, type Positions, parseLogLine } from "./_log-format.ts";
import { splitBytes } from "./_split-bytes.ts";
import { listRests, listSpools, readSpool, type SpoolState } from "./_spools.ts";

/** Where to begin. */
export interface LogPlace {
  /** Of the log file; the next one that is there where it is gone. */
  number: number;
  /** In its text, uncompressed. */
  offset: number;
  /** What was said before it. */
  seen: Positions;
}

export interface CursorOptions {
  /** Nothing beyond this: a flood would go on for ever. */
  until?: Positions | undefined;
  /** A last line without an end counts as a line. */
  hasPartial?: boolean;
}

const CHUNK_LINES = 3_000;
const LINE_END = 0x0a;

export class LogCursor {
  private number: number;
  private offset: number;
  private seen: Positions;
  /** By the last checkpoint: of a stream that said nothing since then, how far it is in the log. */
  private told = BEGINNING;
  /** The `log` that was read to its end, as it was. */
  private read: { ino: number; size: number } | undefined;
  private identity: string | undefined;

  constructor(
    private readonly folder: string,
    place: LogPlace,
  ) {
    this.number = place.number;
    this.offset = place.offset;
    this.seen = place.seen;
    this.identity = identifyFolder(folder);
  }

  /** All there is; called again, what came since. */
  async *entries({ until, hasPartial = false }: CursorOptions = {}): AsyncGenerator<LogEntry> {
    while (until === undefined || !this.hasReached(until)) {
      this.isAnotherFolder();
      for await (const entries of this.readFiles()) yield* this.unseen(entries, until);
      const rest = this.readRest(until, hasPartial);
      if (rest?.length === 0) return;
      yield* this.unseen(rest ?? [], until);
    }
  }

  private *unseen(entries: readonly LogEntry[], until: Positions | undefined): Generator<LogEntry> {
    for (const entry of entries) if (this.isNew(entry, until)) yield entry;
  }

  /** Whether it is: the service was forgotten, and started again since. */
  private isAnotherFolder(): boolean {
    const identity = identifyFolder(this.folder);
    if (identity === undefined || identity === this.identity) return false;
    const isFirst = this.identity === undefined;
    this.identity = identity;
    if (isFirst) return false;
    [this.number, this.offset, this.seen, this.told] = [0, 0, BEGINNING, BEGINNING];
    return true;
  }

  private hasReached(until: Positions): boolean {
    return !isAfter(until.out, this.seen.out) && !isAfter(until.err, this.seen.err);
  }

  /** Takes note of it. One beyond the goal ends its stream. */
  private isNew({ stream, position }: LogEntry, until: Positions | undefined): boolean {
    if (!isAfter(position, this.seen[stream])) return false;
    const isBeyond = until !== undefined && isAfter(position, until[stream]);
    this.see(stream, isBeyond ? until[stream] : position);
    return !isBeyond;
  }

  private see(stream: LogStream, position: Position): void {
    if (isAfter(position, this.seen[stream])) this.seen = { ...this.seen, [stream]: position };
  }

  private async *readFiles(): AsyncGenerator<LogEntry[]> {
    while (true) {
      const file = openFrom(this.folder, this.number);
      if (file === undefined) {
        this.read = undefined;
        return;
      }
      if (file.number !== this.number) this.offset = 0;
      this.number = file.number;
      yield* this.readFile(file);
      if (file.isCurrent) return;
      this.number++;
      this.offset = 0;
    }
  }

  private async *readFile(file: LogFile): AsyncGenerator<LogEntry[]> {
    if (file.fd === undefined) {
      for await (const chunk of readPacked(file.path, this.offset)) yield this.parse(chunk);
      return;
    }
    try {
      const { ino, size } = fstatSync(file.fd);
      if (size < this.offset) this.offset = 0; // emptied; what is in it again was seen
      if (file.isCurrent) this.read = { ino, size };
      for (const chunk of readChunks(file.fd, this.offset, size)) yield this.parse(chunk);
    } finally {
      closeSync(file.fd);
    }
  }

  /** Whole lines; counts what they take. What no keeper wrote is none. */
  private parse(bytes: Buffer): LogEntry[] {
    const entries: LogEntry[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_END); end !== -1; end = bytes.indexOf(LINE_END, start)) {
      const line = parseLogLine(bytes.toString("utf8", start, end));
      start = end + 1;
      if (line?.kind === "checkpoint") this.told = line.positions;
      else if (line !== undefined) entries.push(line);
    }
    this.offset += start;
    return entries;
  }

  /** A chunk of what is beyond the log; undefined where lines moved into it meanwhile, which may be the same. */
  private readRest(until: Positions | undefined, hasPartial: boolean): LogEntry[] | undefined {
    if (this.isAnotherFolder()) return undefined;
    this.seen = laterOf(this.seen, this.told);
    const spools = listSpools(this.folder);
    const latestRun = spools.at(-1)?.run ?? 0;
    for (const rest of listRests(spools, this.seen)) {
      if (until !== undefined && !isAfter(until[rest.stream], { run: rest.run, offset: rest.from })) continue;
      const bytes = readSpool(rest);
      const isWhole = rest.from + bytes.length >= rest.end;
      if (!this.isStill(rest)) return undefined;
      const entries = toEntries(rest, bytes, isWhole && (hasPartial || rest.run < latestRun));
      if (entries.length > 0) return entries;
    }
    return this.isStill() ? [] : undefined;
  }

  /** Nothing was taken over since the log was read: what was read of a spool is what was written. */
  private isStill(rest?: SpoolState): boolean {
    const log = statSync(logPath(this.folder), { throwIfNoEntry: false });
    if (log?.ino !== this.read?.ino || log?.size !== this.read?.size) return false;
    return rest === undefined || statSync(rest.path, { throwIfNoEntry: false }) !== undefined;
  }
}

function toEntries(rest: SpoolState, bytes: Buffer, isLast: boolean): LogEntry[] {
  const entries: LogEntry[] = [];
  const time = new Date(rest.timeMs).toISOString();
  for (const { start, end, next, isPart } of splitBytes(bytes, isLast)) {
    const position = { run: rest.run, offset: rest.from + next };
    entries.push({ kind: isPart ? "part" : "line", time, stream: rest.stream, text: bytes.toString("utf8", start, end), position });
    if (entries.length === CHUNK_LINES) break;
  }
  return entries;
}
