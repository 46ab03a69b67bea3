/**
 * What came faster than it can be logged: only as much of it is read as the log will keep, since the rest
 * would be rotated away anyway. So a log's disk is bounded, and nothing is skipped that would have stayed.
 */
import { readSpool, type SpoolState } from "./_spools.ts";

/** Of a line's stamp, without the digits of its position: what makes many short lines longer in the log than they were. */
const STAMP_BYTES = "2026-01-31T12:00:00.123Z out . ".length;
const MOST_STAMP_BYTES = 64;
const SAMPLE_BYTES = 16 * 1024;
const LINE_END = 0x0a;

export interface Excess {
  spool: SpoolState;
  /** Up to here it is not worth reading. */
  to: number;
}

/** `kept`: what the log keeps; `slack`: how much more may wait, so that little is skipped at once. */
export function findExcess(rests: readonly SpoolState[], { kept, slack }: { kept: number; slack: number }): Excess | undefined {
  if (sum(rests.map(lengthOf)) * MOST_STAMP_BYTES <= kept + slack) return undefined;
  const grown = rests.map((spool) => ({ spool, growth: growthOf(spool) })).map((it) => ({ ...it, bytes: lengthOf(it.spool) * it.growth }));
  const [longest] = grown.toSorted((a, b) => b.bytes - a.bytes);
  const waiting = sum(grown.map((it) => it.bytes));
  if (longest === undefined || waiting <= kept + slack) return undefined;
  const { spool, growth } = longest;
  return { spool, to: afterLine(spool, Math.min(spool.end, spool.from + Math.ceil((waiting - kept) / growth))) };
}

function lengthOf({ from, end }: SpoolState): number {
  return end - from;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** How many bytes of log one byte makes, by what is in its middle. */
function growthOf(spool: SpoolState): number {
  const bytes = readSpool({ ...spool, from: Math.floor((spool.from + spool.end) / 2) }, SAMPLE_BYTES);
  let lines = 0;
  for (const byte of bytes) if (byte === LINE_END) lines++;
  const stampBytes = STAMP_BYTES + `${spool.run}${spool.end}`.length;
  return 1 + (stampBytes * lines) / Math.max(1, bytes.length);
}

/** Behind the next line end, where there is one near. */
function afterLine(spool: SpoolState, offset: number): number {
  return offset + readSpool({ ...spool, from: offset }, SAMPLE_BYTES).indexOf(LINE_END) + 1;
}
