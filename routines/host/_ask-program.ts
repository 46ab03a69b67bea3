/** A program asked for a fact: run for a bounded time in a session of its own, so that nothing of it stays. */
import { awaitChild, readOutput } from "../_script/child-output.ts";

export interface AskOptions {
  env: Record<string, string | undefined>;
  /** It is killed, with all that it started, after this long. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  /** Its exit code; null where a signal ended it. */
  exit: number | null;
  /** The signal that ended it, where it was not we. */
  killedBy?: string;
  /** Why it was cut short, or could not be run. */
  cut?: string;
  stdout: string;
  stderr: string;
}

/** Of each output the end is kept: some drivers print tens of thousands of lines. */
const KEPT_LENGTH = 64 * 1024;

/** `cut` of one that the signal ended. */
export const INTERRUPTED = "interrupted";

/** Never throws: a program that cannot be run is an answer too. */
export async function askProgram(argv: readonly string[], options: AskOptions): Promise<Answer> {
  const said = { stdout: "", stderr: "" };
  if (options.signal?.aborted) return { exit: null, cut: INTERRUPTED, ...said };
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(argv, options.env);
  } catch (error) {
    return { exit: null, cut: `cannot be run (${(error as Error).message})`, ...said };
  }
  let cut: string | undefined;
  const end = (why: string): void => {
    cut ??= why;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => end(`did not end within ${Math.ceil(options.timeoutMs / 1000)} s`), options.timeoutMs);
  const abort = (): void => end(INTERRUPTED);
  options.signal?.addEventListener("abort", abort);
  const exited = child.exited.finally(() => killGroup(child.pid));
  const keep = (name: "stdout" | "stderr") => (text: string) => {
    said[name] = (said[name] + text).slice(-KEPT_LENGTH);
  };
  await awaitChild(exited, [readOutput(child.stdout, keep("stdout")), readOutput(child.stderr, keep("stderr"))]);
  clearTimeout(timer);
  options.signal?.removeEventListener("abort", abort);
  const killedBy = cut === undefined ? child.signalCode : null;
  return {
    exit: child.exitCode,
    ...(killedBy === null ? {} : { killedBy: String(killedBy) }),
    ...(cut === undefined ? {} : { cut }),
    ...said,
  };
}

/** In the root folder: Python, for one, imports from the folder it is run in. */
function spawn(argv: readonly string[], env: AskOptions["env"]) {
  return Bun.spawn([...argv], { cwd: "/", env, detached: true, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // nobody is left
  }
}
