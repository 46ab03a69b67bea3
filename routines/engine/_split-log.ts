/**
 * The engine's log streams → lines. Without a terminal each record comes in a frame of its own, of
 * 8 bytes (stream, 3 zeros, length) and a payload; with one, as the bytes were written.
 */

export interface SplitLine {
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

/** Each record begins with the engine's time and a space. */
function splitTime(text: string): { time: string; line: string } {
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/.exec(text)?.[0] ?? "";
  return { time, line: time === "" ? text : text.slice(time.length + 1) };
}
