/** A program of the system, run to its end: what it said, and whether it succeeded. */
import { awaitChild, readOutput } from "../_script/child-output.ts";

export interface CalledTool {
  isDone: boolean;
  /** Both of its outputs. */
  said: string;
}

/** A manager that hangs must not hang us. */
const PATIENCE_MS = 20_000;

/** Undefined where there is no such program. */
export async function callTool(
  words: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
): Promise<CalledTool | undefined> {
  const program = Bun.which(words[0], { PATH: env.PATH ?? "" });
  if (program === null) return undefined;
  let said = "";
  const child = Bun.spawn([program, ...words.slice(1)], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: PATIENCE_MS });
  const listen = (text: string): void => {
    said += text;
  };
  const code = await awaitChild(child.exited, [readOutput(child.stdout, listen), readOutput(child.stderr, listen)]);
  return { isDone: code === 0, said: said.trim() };
}
