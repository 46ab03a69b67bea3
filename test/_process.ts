/** Child processes of tests: a child in, its exit code and all it said out. */
import { awaitChild, readOutput } from "../routines/_script/child-output.ts";

export interface Result {
  exit: number;
  stdout: string;
  stderr: string;
}

/** Root writes and connects wherever it likes, whatever the mode says: in front of a command, this takes that away. */
export const obeyingModes: readonly string[] =
  process.getuid?.() === 0
    ? [Bun.which("setpriv") ?? "setpriv (of util-linux)", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    : [];

/** Waits for its end; both outputs are pipes. */
export async function resultOf(child: Bun.Subprocess<Bun.SpawnOptions.Writable, "pipe", "pipe">): Promise<Result> {
  const said = { stdout: "", stderr: "" };
  const exit = await awaitChild(child.exited, [
    readOutput(child.stdout, (text) => (said.stdout += text)),
    readOutput(child.stderr, (text) => (said.stderr += text)),
  ]);
  return { exit, ...said };
}
