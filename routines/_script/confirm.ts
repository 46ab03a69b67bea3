/** A question on the terminal that is answered with yes or no. */

import { writeAll } from "./emit.ts";
import { HarborError } from "./error.ts";
import { isTerminal } from "./is-terminal.ts";
import { readByte } from "./read-byte.ts";

/** False for any answer but y or yes. Throws `usage` where nobody can be asked; `hint` says how to do without. */
export function confirm(question: string, hint: string): boolean {
  if (!isTerminal(0) || !isTerminal(2)) {
    throw new HarborError(`Cannot ask "${question}": this is no terminal`, { exit: "usage", hint });
  }
  writeAll(2, `${question} [y/N] `);
  return /^y(?:es)?$/i.test(readLine().trim());
}

export interface ConsentOptions {
  question: string;
  /** How to do without the question. */
  hint: string;
  /** `--json`: what reads that is no person. */
  json: boolean;
  /** What has not happened then: `Nothing was removed`. */
  refusal: string;
}

/** Throws `failed` for any answer but yes, `usage` where nobody can be asked. */
export function requireConsent({ question, hint, json, refusal }: ConsentOptions): void {
  if (json) throw new HarborError("Cannot ask with --json", { exit: "usage", hint });
  if (!confirm(question, hint)) throw new HarborError(`${refusal}: the answer was no`);
}

/** Up to the end of the line, or of the input. */
function readLine(): string {
  const bytes: number[] = [];
  const byte = new Uint8Array(1);
  while (readByte(byte) && byte[0] !== 10) bytes.push(byte[0] as number);
  return new TextDecoder().decode(new Uint8Array(bytes));
}
