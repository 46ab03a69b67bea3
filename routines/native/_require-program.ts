/** What a contract's command line needs to be there, and the errors where it is not: for a start, and for a run by hand. */
import { statSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { findProgram } from "./find-program.ts";
import type { NativeSpec } from "./start-process.ts";

type Spec = Pick<NativeSpec, "handle" | "contract" | "cwd" | "install">;

export interface RequireProgramOptions {
  spec: Spec;
  argv: readonly string[];
  /** The service's own PATH. */
  path: string;
  /** For the message: `Cannot <action> "x"`. */
  action: "start" | "run";
}

/** The command line with its program's whole path. Throws `missing` with the contract's way to install it. */
export function requireProgram({ spec, argv, path, action }: RequireProgramOptions): string[] {
  const found = findProgram({ argv, cwd: spec.cwd, path });
  if ("argv" in found) return found.argv;
  throw new HarborError(`Cannot ${action} "${spec.handle}": ${found.reason}`, { exit: "missing", hint: found.hint ?? installHint(spec) });
}

/** Throws `failed` where the working directory is not there. */
export function requireFolder({ handle, cwd, contract }: Spec, action: RequireProgramOptions["action"]): void {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new HarborError(`Cannot ${action} "${handle}": its working directory "${cwd}" does not exist`, { at: { file: contract } });
}

/** The program is there, so that to install it would not help. */
export function unrunnable(
  { handle }: Spec,
  program: string,
  cause: NodeJS.ErrnoException,
  action: RequireProgramOptions["action"],
): HarborError {
  const [state, hint] =
    cause.code === "ENOEXEC"
      ? ["it is in no format that this system runs", "Use a build of it for this system, or begin a script with a line like #!/bin/sh"]
      : cause.code === "ENOENT"
        ? ["the interpreter that it asks for is not there", "Install that interpreter, or name another in the script's first line"]
        : [cause.message, `Check ${program}`];
  return new HarborError(`Cannot ${action} "${handle}": the system cannot run "${program}": ${state}`, { cause, exit: "missing", hint });
}

function installHint({ install, contract }: Spec): string {
  const way = install[process.platform] ?? install.any;
  return way === undefined ? `Install it; ${contract} does not say how` : `Install it: ${way.trim()}`;
}
