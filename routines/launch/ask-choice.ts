/** A question to whoever sits at the terminal, with a list to choose from. */
import { readSync } from "node:fs";
import { writeAll } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { isTerminal } from "../_script/is-terminal.ts";

/** Which of the choices, by its place; `preferred` is what Enter alone means. */
export type Choose = (question: string, choices: readonly string[], preferred: number) => Promise<number>;

/** Undefined where nobody can be asked: without a terminal to read from and one to write to. */
export function askerOf(): Choose | undefined {
  return isTerminal(0) && isTerminal(2) ? askChoice : undefined;
}

/** By number on stderr, so that stdout stays the tool's. Throws `interrupted` at the end of input. */
async function askChoice(question: string, choices: readonly string[], preferred: number): Promise<number> {
  const lines = choices.map((choice, index) => `  ${String(index + 1).padStart(String(choices.length).length)}  ${choice}`);
  writeAll(2, `${question}\n${lines.join("\n")}\n`);
  while (true) {
    writeAll(2, `1-${choices.length} [${preferred + 1}]: `);
    const line = readLine();
    if (line === undefined) throw new HarborError("Cannot go on: nothing was chosen", { exit: "interrupted" });
    const number = line.trim() === "" ? preferred + 1 : Number(line);
    if (Number.isInteger(number) && number >= 1 && number <= choices.length) return number - 1;
  }
}

/** One read is one line of a terminal: what is typed after it is the tool's to read. */
function readLine(): string | undefined {
  const buffer = new Uint8Array(1024);
  while (true) {
    try {
      const length = readSync(0, buffer);
      return length === 0 ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return undefined;
      if (code !== "EAGAIN") throw error;
      Bun.sleepSync(20);
    }
  }
}
