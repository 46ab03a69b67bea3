/**
 * Runs an installer to its end: its lines are handed on as they come, kept in a log and, the last of them, for an error. It
 * and all that it starts carry a mark, by which whoever comes after us finds what a killed call left running.
 */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { awaitChild, readOutput } from "../_script/child-output.ts";
import { maskUrls } from "../_script/secret-name.ts";
import { formatCommand, PythonEnvError } from "./_env-error.ts";
import { endLeftovers, MARK } from "./_leftovers.ts";

export interface Tool {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** What of the environment is ours and belongs to the command as it is shown. */
  variables?: Readonly<Record<string, string>>;
}

export interface ToolPlace {
  /** The environment that is worked on: names the mark. */
  folder: string;
  /** The full output is added to it. */
  log: string;
  /** Where it keeps what is temporary: gigabytes, which a killed one leaves there, for whoever comes after us to find. */
  temporary: string;
  cwd: string;
  signal?: AbortSignal | undefined;
}

export interface ToolEnd {
  code: number;
  /** As a shell would run it, secrets masked. */
  command: string;
  /** All that it printed, the end of it where that was much. */
  output: string;
}

const GRACE_MS = 3_000;
const LONGEST = 1_000_000;

/** An empty one, that only its owner reads. */
export function startLog(path: string): void {
  writeFileSync(path, "", { mode: 0o600 });
}

/** Throws `interrupted` once it has ended after an abort, `failed` where the system cannot run it. */
export async function runTool(tool: Tool, place: ToolPlace, onLine: (line: string) => void): Promise<ToolEnd> {
  const command = formatCommand(tool.argv, tool.variables);
  if (place.signal?.aborted) throw interrupted(command);
  keep(place.log, `$ ${command}`);
  mkdirSync(place.temporary, { recursive: true, mode: 0o700 });
  const child = spawn(tool, place);
  using _ = endOnAbort(child, place.signal);
  let output = "";
  const take = (line: string): void => {
    const masked = maskUrls(line);
    keep(place.log, masked);
    output = `${output}${masked}\n`.slice(-LONGEST);
    if (masked.trim() !== "") onLine(masked.trim());
  };
  const readers = [child.stdout, child.stderr].map((stream) => {
    const lines = lineSplitter(take);
    return { ...readOutput(stream, lines.add), flush: lines.flush };
  });
  const code = await awaitChild(child.exited, readers);
  for (const reader of readers) reader.flush();
  keep(place.log, `exit ${code}`);
  if (place.signal?.aborted) {
    // what it had started may take longer to end, or not have heard
    await endLeftovers(place.folder);
    throw interrupted(command);
  }
  return { code, command, output };
}

/** On a full disk without the log: that it is full the tool itself will say. */
function keep(log: string, line: string): void {
  try {
    appendFileSync(log, `${line}\n`, { mode: 0o600 });
  } catch {
    // what it prints is told all the same
  }
}

function spawn(tool: Tool, { cwd, folder, temporary }: ToolPlace) {
  try {
    // a session of its own, so that all of it can be ended; with the terminal's keys it is ended by us
    return Bun.spawn([...tool.argv], {
      cwd,
      env: { ...tool.env, ...tool.variables, TMPDIR: temporary, [MARK]: folder },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
  } catch (cause) {
    throw new PythonEnvError("failed", `Cannot run "${tool.argv[0]}": ${(cause as Error).message}`, { cause });
  }
}

function interrupted(command: string): PythonEnvError {
  return new PythonEnvError("interrupted", "Cannot make the Python environment: interrupted", {
    details: [command],
    hint: "The next call goes on from there",
  });
}

/** Asks first: pip removes its temporary folders. */
function endOnAbort(child: { pid: number; exited: Promise<number> }, signal: AbortSignal | undefined): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(child.pid, "SIGTERM");
    timer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), GRACE_MS);
  };
  signal?.addEventListener("abort", end, { once: true });
  return {
    [Symbol.dispose]: () => {
      signal?.removeEventListener("abort", end);
      clearTimeout(timer);
    },
  };
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // it has just ended
  }
}

/** Progress that is written over itself (`\r`) counts as lines. */
function lineSplitter(take: (line: string) => void): { add: (text: string) => void; flush: () => void } {
  let rest = "";
  return {
    add: (text) => {
      const lines = (rest + text).split(/\r?\n|\r/);
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    },
    flush: () => {
      if (rest !== "") take(rest);
      rest = "";
    },
  };
}
