/** What can go wrong with an environment, in classes that a caller can tell apart, and how a failed command is shown. */
import { type Exit, HarborError, type HarborErrorOptions } from "../_script/error.ts";
import { maskUrls } from "../_script/secret-name.ts";

export type PythonEnvProblem =
  /** No interpreter that fits, or none at all. */
  | "no-python"
  /** The interpreter makes no environments (Debian without python3-venv). */
  | "no-venv"
  /** The index cannot be reached, or does not let us in. */
  | "network"
  /** There is no such package or version, or two requirements contradict each other. */
  | "unresolvable"
  /** A package refuses this Python, and could not be changed. */
  | "requires-python"
  /** Building a package from source failed. */
  | "build"
  /** No space left. */
  | "disk"
  | "permission"
  /** The folder holds something that is not ours. */
  | "occupied"
  /** Another process works on it, and did not end. */
  | "locked"
  | "interrupted"
  /** None of these: the tool's own words say what. */
  | "failed";

const EXITS: Partial<Record<PythonEnvProblem, Exit>> = {
  "no-python": "missing",
  "no-venv": "missing",
  locked: "timeout",
  interrupted: "interrupted",
};

/** `details` hold the command, its exit code and its last lines, where a command failed. */
export class PythonEnvError extends HarborError {
  readonly kind: PythonEnvProblem;

  constructor(kind: PythonEnvProblem, message: string, options: HarborErrorOptions = {}) {
    const exit = options.exit ?? EXITS[kind];
    super(message, exit === undefined ? options : { ...options, exit });
    this.name = "PythonEnvError";
    this.kind = kind;
  }
}

/** One line that a shell would run, secrets masked: variables first. */
export function formatCommand(argv: readonly string[], variables: Readonly<Record<string, string>> = {}): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(maskUrls(value))}`);
  return [...assignments, ...argv.map((word) => quote(maskUrls(word)))].join(" ");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
