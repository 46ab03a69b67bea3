/** A program and its words in, what it printed out: for questions that are answered at once. One that hangs is killed, with all that it started. */
import { awaitChild, readOutput } from "../_script/child-output.ts";

export interface Question {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
}

export interface Answer {
  /** The exit code; undefined where it could not be run, or had to be killed. */
  code: number | undefined;
  stdout: string;
  stderr: string;
  /** Why there is no code. */
  problem?: string;
}

/** An answer is a few lines; whatever prints without end is no Python. */
const LONGEST = 1_000_000;

/** Never throws. It runs at the root of the file system: Python would import what lies in the current folder. */
export async function askProgram({ argv, env, timeoutMs }: Question): Promise<Answer> {
  const said = { stdout: "", stderr: "" };
  const child = spawn(argv, env);
  if (typeof child === "string") return { code: undefined, ...said, problem: child };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child.pid);
  }, timeoutMs);
  const code = await awaitChild(child.exited, [
    readOutput(child.stdout, (text) => (said.stdout = (said.stdout + text).slice(0, LONGEST))),
    readOutput(child.stderr, (text) => (said.stderr = (said.stderr + text).slice(0, LONGEST))),
  ]);
  clearTimeout(timer);
  return isLate ? { code: undefined, ...said, problem: `it did not answer within ${timeoutMs / 1000} s` } : { code, ...said };
}

function spawn(argv: readonly string[], env: Readonly<Record<string, string>>) {
  try {
    return Bun.spawn([...argv], { cwd: "/", env, stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true });
  } catch (cause) {
    return `the system cannot run it (${(cause as Error).message})`;
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has just ended
  }
}
