/** A question with two answers, to whoever sits at the terminal. */
import { readSync } from "node:fs";
import { writeAll } from "../_script/emit.ts";
import { isTerminal } from "../_script/is-terminal.ts";

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return isTerminal(0) && isTerminal(2);
}

/** False for anything but `y` or `yes`. */
export function ask(question: string): boolean {
  writeAll(2, `${question} [y/N] `);
  const bytes = new Uint8Array(256);
  const length = readLine(bytes);
  if (length === 0) writeAll(2, "\n");
  return /^\s*y(?:es)?\s*$/i.test(new TextDecoder().decode(bytes.subarray(0, length)));
}

/** Waits, also where another program has left the terminal so that a read does not. */
function readLine(bytes: Uint8Array): number {
  while (true) {
    try {
      return readSync(0, bytes, 0, bytes.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Bun.sleepSync(20);
    }
  }
}
