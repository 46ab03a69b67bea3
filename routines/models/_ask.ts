/** A question with two answers, to whoever sits at the terminal. */
import { readSync } from "node:fs";
import { isatty } from "node:tty";
import { writeAll } from "../_script/emit.ts";

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return isatty(0) && isatty(2);
}

/** False for anything but `y` or `yes`. */
export function ask(question: string): boolean {
  writeAll(2, `${question} [y/N] `);
  const bytes = new Uint8Array(256);
  const length = readSync(0, bytes, 0, bytes.length, null);
  if (length === 0) writeAll(2, "\n");
  return /^\s*y(?:es)?\s*$/i.test(new TextDecoder().decode(bytes.subarray(0, length)));
}
