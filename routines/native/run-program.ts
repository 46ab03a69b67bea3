/** A contract's program with a person's own arguments, in the service's environment and folder, in place of ours. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { handOver } from "../_script/hand-over.ts";
import { importEnvironment } from "./_harbor-imports.ts";
import { requireFolder, requireProgram, unrunnable } from "./_require-program.ts";
import { buildEnvironment } from "./environment.ts";
import { isRunByBun } from "./find-program.ts";
import type { NativeSpec } from "./start-process.ts";

export interface RunProgramOptions {
  spec: Pick<NativeSpec, "handle" | "contract" | "argv" | "cwd" | "env" | "install">;
  /** Instead of the contract's own arguments. */
  words: readonly string[];
  /** Where the host's part of the environment comes from. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** What a program needs to write on a terminal; a service has none. */
const TERMINAL = ["TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR", "COLUMNS", "LINES"];

/** Its exit code; 128 and the signal's number where one ended it. Throws `missing` as a start does. */
export async function runProgram({ spec, words, environment }: RunProgramOptions): Promise<number> {
  const terminal = Object.fromEntries(TERMINAL.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
  const env = { ...buildEnvironment(environment), ...terminal, ...spec.env };
  requireFolder(spec, "run");
  const argv = requireProgram({ spec, argv: [spec.argv[0] ?? "", ...words], path: env.PATH ?? "", action: "run" });
  using imports = scratchImports(spec.argv, env);
  return await handOver({ argv, cwd: spec.cwd, env: { ...env, ...imports.env } }).catch((cause: unknown) => {
    throw unrunnable(spec, argv[0] ?? "", cause as NodeJS.ErrnoException, "run");
  });
}

/** What a program that runs as `bun` may import, by a folder that is gone once it has ended: the service may run as well. */
function scratchImports(argv: readonly string[], env: Readonly<Record<string, string>>): Disposable & { env: Record<string, string> } {
  if (!isRunByBun(argv[0])) return { env: {}, [Symbol.dispose]: () => undefined };
  const folder = mkdtempSync(join(env.TMPDIR || "/tmp", "harbor-run-"));
  return { env: importEnvironment({ argv, env, folder }), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
