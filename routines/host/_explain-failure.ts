/** A failed command of an installer → the error that a person reads: what, why, the command, its last lines, the next step. */
import { type Diagnosis, diagnose } from "./_diagnose.ts";
import { PythonEnvError, type PythonEnvProblem } from "./_env-error.ts";
import type { ToolEnd } from "./_run-tool.ts";

export interface FailureOptions {
  end: ToolEnd;
  /** What could not be done: `install "speaches"`. */
  action: string;
  /** Where the full output is. */
  log: string;
  isOffline: boolean;
  diagnosis?: Diagnosis;
}

const LAST_LINES = 40;

const HINTS: Partial<Record<PythonEnvProblem, string>> = {
  network: "Check the network, the proxy (HTTPS_PROXY) and the index (PIP_INDEX_URL or UV_INDEX_URL), then try again: what is done is kept",
  unresolvable: "Check the name and the version; a package without wheels for this Python may have some for another: name it with --python",
  build: "The last lines say what the build lacks: most often a compiler, a header package, or another Python with ready-made wheels",
  disk: "Free some space where the environment and the installer's cache are, then try again",
  permission: "Check who owns the folder of the environment, and those of the caches",
  "no-python": "Install that Python, or let uv fetch it",
  "no-venv": "Install the venv module of that Python: on Debian and Ubuntu `apt install python3-venv`",
  "requires-python": "Use a Python that it asks for (--python), or name its source (--source)",
};

const LOGIN_HINT = "Check the name and the password in the index's address, or those that ~/.netrc has for it";
const OFFLINE_HINT =
  "Offline only local files and the tool's cache are used: put the wheels into a folder and name that as a find-links folder";

export function explainFailure({ end, action, log, isOffline, diagnosis = diagnose(end.output) }: FailureOptions): PythonEnvError {
  const { kind, reason } = diagnosis;
  const lines = end.output.split("\n").filter((line) => line.trim() !== "");
  return new PythonEnvError(kind, `Cannot ${action}: ${reason}`, {
    hint: hintFor(diagnosis, isOffline) ?? `Read the whole log: ${log}`,
    details: detailsOf(end, lines, log),
  });
}

function hintFor({ kind, reason }: Diagnosis, isOffline: boolean): string | undefined {
  if (isOffline && (kind === "unresolvable" || kind === "network")) return OFFLINE_HINT;
  return kind === "network" && /\b40[13]\b/.test(reason) ? LOGIN_HINT : HINTS[kind];
}

function detailsOf({ command, code }: ToolEnd, lines: readonly string[], log: string): string[] {
  return [`command: ${command}`, `exit code: ${code}`, ...lines.slice(-LAST_LINES).map((line) => `| ${line}`), `log: ${log}`];
}

const KINDS: Readonly<Record<string, PythonEnvProblem>> = {
  ENOSPC: "disk",
  EDQUOT: "disk",
  EACCES: "permission",
  EPERM: "permission",
  EROFS: "permission",
  // a file where a folder should be
  ENOTDIR: "permission",
  EEXIST: "permission",
};

/** An error of the file system in the same classes; others as they are. */
export function asEnvError(error: unknown): unknown {
  if (error instanceof PythonEnvError || !(error instanceof Error)) return error;
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  const kind = KINDS[code ?? ""];
  if (kind === undefined) return error;
  return new PythonEnvError(kind, `Cannot make the Python environment: ${message}`, { hint: HINTS[kind] ?? "", cause: error });
}
