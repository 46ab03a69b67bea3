/** "Since when": a time, or how long ago. */
import { parseDuration } from "./duration.ts";
import { HarborError } from "./error.ts";

/** Milliseconds since 1970; throws `usage` for what is neither. */
export function readSince(text: string, now = Date.now()): number {
  const agoMs = parseDuration(text);
  const ms = agoMs === undefined ? parseTime(text) : now - agoMs;
  if (!Number.isNaN(ms)) return ms;
  throw new HarborError(`Cannot read --since "${text}": it is neither a duration nor a time`, {
    exit: "usage",
    hint: "Write it like 10m, 2h, 1d or 2026-01-31T12:00:00Z",
  });
}

/** A date needs at least its year, month and day: what else `Date.parse` makes a time of is more often a slip. */
function parseTime(text: string): number {
  return /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
}
