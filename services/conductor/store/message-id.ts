/** Ids that grow with time, across restarts and even where a store was lost: a number n of the form ms * 1024 + k, written "<ms>-<k>" like Redis's own. */

/** Ids within one millisecond before they borrow from the next; ms * 1024 stays a safe integer until the year 2248. */
export const PER_MS = 1_024;

/** 5_122 → "5-2" */
export function writeId(n: number): string {
  return `${Math.floor(n / PER_MS)}-${n % PER_MS}`;
}

/** "5-2" → 5_122; undefined where it is none of ours. */
export function readId(id: string): number | undefined {
  const [, ms, k] = /^(\d{1,13})-(\d{1,4})$/.exec(id) ?? [];
  if (ms === undefined || k === undefined || Number(k) >= PER_MS) return undefined;
  return Number(ms) * PER_MS + Number(k);
}

/** The first number that may be given now, after `last`. */
export function nextNumber(last: number, now: number): number {
  return Math.max(last + 1, Math.floor(now) * PER_MS);
}
