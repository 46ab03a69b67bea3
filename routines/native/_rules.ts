/**
 * What a value of a contract may be: tried when the contract is read, and once more when its `${…}` are filled in.
 * Each rule takes the text; it gives nothing where that is right, else the words that go behind the key's name.
 */
import { parseDuration, parseDurationRange } from "../_script/duration.ts";
import { isSignal } from "../_script/signal.ts";
import { parseSize } from "../_script/size.ts";
import { parseStatuses } from "./_statuses.ts";

export type Rule = (text: string) => string | undefined;

const must =
  (isRight: (text: string) => boolean, what: string): Rule =>
  (text) =>
    isRight(text) ? undefined : `must be ${what}, not "${text}"`;

/** One of these words. */
export const oneOf = (words: readonly string[]): Rule => must((text) => words.includes(text), `one of ${words.join(", ")}`);

const isWhole = (text: string): boolean => /^\d{1,9}$/.test(text);
const DURATION_WORDS = "a duration like 500ms, 10s or 1m30s";

export const isPort: Rule = must((text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535, "a port from 1 to 65535");
export const isDuration: Rule = must((text) => parseDuration(text) !== undefined, DURATION_WORDS);
/** A pause or a deadline: of no length it would mean work without end, or failure at once. */
export const isSpan: Rule = must((text) => (parseDuration(text) ?? 0) > 0, `${DURATION_WORDS}, longer than 0`);
export const isBackoff: Rule = must((text) => parseDurationRange(text) !== undefined, "a duration, or two like 500ms..30s");
export const isSize: Rule = must((text) => (parseSize(text) ?? 0) > 0, "a size like 512kB, 10MB or 1GB");
export const isNumber: Rule = must(isWhole, "a whole number");
export const isCount: Rule = must((text) => isWhole(text) && Number(text) >= 1, "a whole number from 1 on");
export const isSignalName: Rule = must(isSignal, "a signal's name like SIGTERM or SIGINT");
export const isPath: Rule = must((text) => text.startsWith("/"), "a path like /health");
export const isStatuses: Rule = must((text) => parseStatuses(text) !== undefined, "a status like 200, 200-299 or 200,204");

export const isPattern: Rule = (text) => {
  try {
    new RegExp(text);
    return undefined;
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: /, "");
    return `must be a regular expression, not "${text}": ${why}`;
  }
};
