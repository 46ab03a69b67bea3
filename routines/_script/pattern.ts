/** A regular expression of a user's. */
import { HarborError } from "./error.ts";

/** Throws `usage`, naming the option, for what is none. */
export function readPattern(option: string, text: string, isCaseless = false): RegExp {
  try {
    return new RegExp(text, isCaseless ? "i" : "");
  } catch (cause) {
    throw new HarborError(`Cannot read ${option} "${text}": ${(cause as Error).message}`, {
      exit: "usage",
      cause,
      hint: "It is a regular expression; put a backslash before characters that are meant as they are",
    });
  }
}
