/**
 * The engine's log streams → lines. Without a terminal each record comes in a frame of its own, of
 * 8 bytes (stream, 3 zeros, length) and a payload; with one, as the bytes were written.
 */

export interface SplitLine {
  /** ISO 8601 in UTC, with nanoseconds; empty where the engine told none. */
  time: string;
  stream: "stdout" | "stderr";
  line: string;
}

const HEADER_BYTES = 8;

/** Framed records; one line longer than 16 KiB comes in several, the last with the newline. */
export async function* splitFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SplitLine> {
  const open: Record<SplitLine["stream"], SplitLine | undefined> = { stdout: undefined, stderr: undefined };
  for await (const { stream, payload } of readFrames(chunks)) {
    const { time, line: text } = splitTime(payload);
    const begun = open[stream] ?? { time, stream, line: "" };
    begun.line += text;
    open[stream] = text.endsWith("\n") ? undefined : begun;
    if (text.endsWith("\n")) yield* byLine(begun);
  }
  for (const rest of [open.stdout, open.stderr]) if (rest !== undefined) yield* byLine(rest);
}

interface Frame {
  stream: SplitLine["stream"];
  payload: string;
}

async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + pending.readUInt32BE(4);
      if (pending.length < end) break;
      yield { stream: pending[0] === 2 ? "stderr" : "stdout", payload: pending.toString("utf8", HEADER_BYTES, end) };
      pending = pending.subarray(end);
    }
  }
}

/** A terminal's bytes: lines that end in \r\n, all of them stdout. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SplitLine> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of chunks) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) yield toLine("stdout", line);
  }
  if (pending !== "") yield toLine("stdout", pending);
}

function* byLine({ time, stream, line }: SplitLine): Generator<SplitLine> {
  for (const part of line.replace(/\n$/, "").split("\n")) yield { time, stream, line: part.replace(/\r$/, "") };
}

function toLine(stream: SplitLine["stream"], text: string): SplitLine {
  const { time, line } = splitTime(text);
  return { time, stream, line: line.replace(/\r$/, "") };
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)/;

/** Each record begins with the engine's time and a space. */
function splitTime(text: string): { time: string; line: string } {
  const found = TIME.exec(text);
  if (found === null) return { time: "", line: text };
  return { time: inUtc(found), line: text.slice(found[0].length + 1) };
}

/** With all nine digits of a second: so that times compare as text. Podman leaves zeros out, and tells its own zone's. */
function inUtc([time, seconds = "", fraction = "", zone]: RegExpExecArray): string {
  if (zone === "Z" && fraction.length === 9) return time;
  const utc = zone === "Z" ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(9, "0")}Z`;
}
