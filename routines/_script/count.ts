/** "How many": a whole number, or all. */
import { HarborError } from "./error.ts";

/** Undefined for `all`; throws `usage`, naming the option, for what is neither. */
export function readCount(option: string, text: string): number | undefined {
  if (text === "all") return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new HarborError(`Cannot read ${option} "${text}": it is no number`, { exit: "usage", hint: "Write it like 20, or all" });
}
