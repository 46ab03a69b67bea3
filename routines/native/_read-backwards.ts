/** The lines of a file from its end on, without reading all of it. */
import { readSync } from "node:fs";

export interface BackwardLine {
  /** Offsets in the file; `end` is behind its line end. */
  start: number;
  end: number;
  /** Without the line end. */
  bytes: Buffer;
  /** False for the last line of a file that ends without a line end, and for all but the last part of one that is too long. */
  hasEnd: boolean;
}

const BLOCK_BYTES = 64 * 1024;
const LINE_END = 0x0a;

/** From `end` down to `first`; of a line longer than `longest` come parts, the last one first. */
export function* readBackwards(fd: number, first: number, end: number, longest: number): Generator<BackwardLine> {
  let lineEnd = end;
  let at = end;
  let pending = Buffer.alloc(0); // the file from `at` to `lineEnd`
  while (at > first) {
    const length = Math.min(BLOCK_BYTES, at - first);
    at -= length;
    pending = Buffer.concat([readAt(fd, at, length), pending]);
    for (let before = endBefore(pending); before !== -1; before = endBefore(pending)) {
      yield lineOf(pending.subarray(before + 1), at + before + 1);
      pending = pending.subarray(0, before + 1);
      lineEnd = at + pending.length;
    }
    if (pending.length <= longest || at <= first) continue;
    yield lineOf(pending, at);
    pending = Buffer.alloc(0);
    lineEnd = at;
  }
  if (lineEnd > first) yield lineOf(pending, first);
}

/** The line end before the last line; that line's own end may be the last byte. */
function endBefore(bytes: Buffer): number {
  return bytes.length < 2 ? -1 : bytes.lastIndexOf(LINE_END, bytes.length - 2);
}

function lineOf(bytes: Buffer, start: number): BackwardLine {
  const hasEnd = bytes.at(-1) === LINE_END;
  return { start, end: start + bytes.length, bytes: hasEnd ? bytes.subarray(0, -1) : bytes, hasEnd };
}

function readAt(fd: number, at: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(fd, buffer, 0, length, at));
}
