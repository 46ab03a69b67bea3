/** Bytes of a stream → its lines, by the same cuts for whoever keeps the log and whoever reads what is not kept yet. */

/** A longer line is cut, so that one without an end fills no memory. */
export const LONGEST_LINE = 64 * 1024;
const LINE_END = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface Piece {
  /** Where its text is. */
  start: number;
  end: number;
  /** Where the next one begins. */
  next: number;
  /** The line goes on in the next one. */
  isPart: boolean;
}

/** Up to the last line end; with `isLast`, what follows that as well. */
export function* splitBytes(bytes: Buffer, isLast = false): Generator<Piece> {
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(LINE_END, start);
    const length = (end === -1 ? bytes.length : end) - start;
    if (length > LONGEST_LINE) {
      const cut = beforeCharacter(bytes, start + LONGEST_LINE);
      yield { start, end: cut, next: cut, isPart: true };
      start = cut;
      continue;
    }
    if (end === -1 && !isLast) return;
    const next = end === -1 ? bytes.length : end + 1;
    yield { start, end: withoutReturn(bytes, start, start + length), next, isPart: false };
    start = next;
  }
}

/** A character of UTF-8 has at most three bytes that go on with it. */
function beforeCharacter(bytes: Buffer, at: number): number {
  for (let back = 0; back < 4; back++) if (((bytes[at - back] ?? 0) & 0xc0) !== 0x80) return at - back;
  return at;
}

function withoutReturn(bytes: Buffer, start: number, end: number): number {
  return end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
}
