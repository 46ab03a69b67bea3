/** A secret that is typed on the terminal, which does not show it; or what stdin has, where that is no terminal. */

import { writeAll } from "./emit.ts";
import { HarborError } from "./error.ts";
import { isTerminal } from "./is-terminal.ts";
import { readByte } from "./read-byte.ts";

/** Without the end of its line. Throws `interrupted` for Ctrl-C. */
export async function askSecret(question: string): Promise<string> {
  if (!isTerminal(0)) return (await Bun.stdin.text()).replace(/\r?\n$/, "");
  process.stdin.setRawMode(true); // before anybody could type
  try {
    writeAll(2, `${question}: `);
    return readHidden();
  } finally {
    process.stdin.setRawMode(false);
    process.stdin.unref();
    writeAll(2, "\n");
  }
}

const KEY = { interrupt: 3, end: 4, newline: 10, return: 13, backspace: 8, delete: 127, killLine: 21 };

/** Byte by byte, as a terminal gives them that leaves the line to its reader. */
function readHidden(): string {
  const bytes: number[] = [];
  const byte = new Uint8Array(1);
  while (readByte(byte)) {
    const [key = 0] = byte;
    if (key === KEY.interrupt) throw new HarborError("Nothing was set: interrupted", { exit: "interrupted" });
    if (key === KEY.newline || key === KEY.return || key === KEY.end) break;
    if (key === KEY.killLine) bytes.length = 0;
    else if (key === KEY.backspace || key === KEY.delete) dropCharacter(bytes);
    else bytes.push(key);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** The last one, which may have several bytes. */
function dropCharacter(bytes: number[]): void {
  while (bytes.length > 0 && ((bytes.pop() as number) & 0xc0) === 0x80);
}
