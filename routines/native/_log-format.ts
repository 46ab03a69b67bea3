/**
 * How a log stands on disk, as text that grep and less read:
 *
 *   2026-01-31T12:00:00.123Z out 3.4096 the line          of stdout, of the third start
 *   2026-01-31T12:00:00.123Z err+ 3.65536 a long line's … part: the next line of that stream goes on with it
 *   2026-01-31T12:00:00.123Z out! 3.9000000 …             said by Harbor of that stream
 *   2026-01-31T12:00:00.123Z log 18 3.4096 3.65536        checkpoint: number of this file, positions of both streams
 *
 * `3.4096` is where in the start's spool the line ends: so the log itself says how far the spool was read,
 * and a keeper that was killed leaves nothing to repair but a last line without an end.
 */

export type LogStream = "out" | "err";
export const STREAMS: readonly LogStream[] = ["out", "err"];

/** A place in what one stream ever said. */
export interface Position {
  /** Which start, counted from 1. */
  run: number;
  /** Bytes since that start. */
  offset: number;
}

export type Positions = Readonly<Record<LogStream, Position>>;

export const BEGINNING: Positions = { out: { run: 0, offset: 0 }, err: { run: 0, offset: 0 } };

export interface LogEntry {
  kind: "line" | "part" | "note";
  /** ISO 8601 in UTC: when it was written. */
  time: string;
  stream: LogStream;
  text: string;
  /** Behind its last byte. */
  position: Position;
}

export interface Checkpoint {
  kind: "checkpoint";
  time: string;
  /** Of this log file: it keeps it when it is rotated. */
  number: number;
  positions: Positions;
}

const TIME = "(\\d{4}-\\d\\d-\\d\\dT[\\d:.]{12}Z)";
const LINE = new RegExp(`^${TIME} (out|err)([+!]?) (\\d+)\\.(\\d+) (.*)$`, "s");
const CHECKPOINT = new RegExp(`^${TIME} log (\\d+) (\\d+)\\.(\\d+) (\\d+)\\.(\\d+)$`);
const KINDS: Record<string, LogEntry["kind"]> = { "": "line", "+": "part", "!": "note" };

/** With its line end. */
export function formatEntry({ kind, time, stream, text, position }: LogEntry): string {
  const mark = kind === "part" ? "+" : kind === "note" ? "!" : "";
  return `${time} ${stream}${mark} ${position.run}.${position.offset} ${text}\n`;
}

export function formatCheckpoint({ time, number, positions: { out, err } }: Omit<Checkpoint, "kind">): string {
  return `${time} log ${number} ${out.run}.${out.offset} ${err.run}.${err.offset}\n`;
}

/** Undefined for a line that no keeper wrote. */
export function parseLogLine(line: string): LogEntry | Checkpoint | undefined {
  const found = LINE.exec(line);
  if (found === null) return parseCheckpoint(line);
  const [, time = "", stream, mark = "", run, offset, text = ""] = found;
  return {
    kind: KINDS[mark] ?? "line",
    time,
    stream: stream as LogStream,
    text,
    position: { run: Number(run), offset: Number(offset) },
  };
}

export function parseCheckpoint(line: string): Checkpoint | undefined {
  const found = CHECKPOINT.exec(line);
  if (found === null) return undefined;
  const [, time = "", number, ...numbers] = found;
  const [outRun = 0, outOffset = 0, errRun = 0, errOffset = 0] = numbers.map(Number);
  const positions = { out: { run: outRun, offset: outOffset }, err: { run: errRun, offset: errOffset } };
  return { kind: "checkpoint", time, number: Number(number), positions };
}

export function isAfter(a: Position, b: Position): boolean {
  return a.run > b.run || (a.run === b.run && a.offset > b.offset);
}

/** The later one of each stream. */
export function laterOf(a: Positions, b: Positions): Positions {
  return { out: isAfter(b.out, a.out) ? b.out : a.out, err: isAfter(b.err, a.err) ? b.err : a.err };
}
