/** One run of a probe's own program: whether it ends with 0 in time. It leaves nothing behind. */
import { basename } from "node:path";
import { awaitChild, readOutput } from "../_script/child-output.ts";
import { importEnvironment } from "./_harbor-imports.ts";
import { type AttemptOptions, excerpt, failed, OK, type Verdict } from "./_verdict.ts";
import { findProgram } from "./find-program.ts";

export interface ExecTarget {
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** The service's own state folder, where that is known. */
  folder?: string | undefined;
}

/** Of its output, whatever it writes. */
const KEPT_LENGTH = 4_096;
const EXCERPT_LENGTH = 200;

/** Its arguments may hold secrets: a failure names the program alone. */
export async function probeExec(argv: readonly string[], target: ExecTarget, options: AttemptOptions): Promise<Verdict> {
  const what = `probe ${basename(argv[0] ?? "")}`;
  if (options.signal?.aborted) return failed(`${what}: interrupted`);
  const found = findProgram({ argv, cwd: target.cwd, path: target.env.PATH ?? "" });
  if ("reason" in found) return failed(`${what}: ${found.reason}`);
  let child: ReturnType<typeof spawnGroup>;
  try {
    const imports = target.folder === undefined ? {} : importEnvironment({ argv, env: target.env, folder: target.folder });
    child = spawnGroup(found.argv, { ...target, env: { ...target.env, ...imports } });
  } catch (error) {
    return failed(`${what}: the system cannot run "${argv[0]}" (${(error as Error).message})`);
  }
  return judgeRun(child, what, options);
}

/** In a session of its own: to be killed with all that it starts. */
function spawnGroup(argv: string[], { cwd, env }: ExecTarget) {
  return Bun.spawn(argv, { cwd, env, detached: true, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

async function judgeRun(child: ReturnType<typeof spawnGroup>, what: string, { timeoutMs, signal }: AttemptOptions): Promise<Verdict> {
  let said = "";
  const keep = (text: string): void => {
    said = (said + text).slice(-KEPT_LENGTH);
  };
  let cut: string | undefined;
  const end = (why: string): void => {
    cut ??= why;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => end(`did not end within ${Math.ceil(timeoutMs)} ms`), timeoutMs);
  const abort = (): void => end("was interrupted");
  signal?.addEventListener("abort", abort);
  // what it left in the background would hold its output open, and pile up from one attempt to the next
  const exited = child.exited.finally(() => killGroup(child.pid));
  await awaitChild(exited, [readOutput(child.stdout, keep), readOutput(child.stderr, keep)]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", abort);
  if (cut === undefined && child.exitCode === 0) return OK;
  const how = child.exitCode === null ? `was ended by ${child.signalCode}` : `ended with exit code ${child.exitCode}`;
  const last = excerpt(said.trimEnd().split("\n").at(-1) ?? "", EXCERPT_LENGTH);
  return failed(`${what} ${cut ?? how}${last === "" ? "" : `: ${last}`}`);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error; // nobody is left; on macOS, nobody but zombies
  }
}
