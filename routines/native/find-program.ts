/** A command line → the program it means, by the rules of a contract: on the service's own PATH, or by path from its folder. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";

export interface ProgramPlace {
  argv: readonly string[];
  cwd: string;
  /** The service's own PATH. */
  path: string;
}

export type FoundProgram = { argv: string[] } | MissingProgram;

export interface MissingProgram {
  /** Why it cannot be run, to follow a name and a colon. */
  reason: string;
  /** What would help where it is there and is no program; where it is not there, to install it does. */
  hint?: string;
}

/** Whether the bun that runs Harbor is to run it: as `bun`, or a file of TypeScript by its path, such as `./manager.ts`. */
export function isRunByBun(program: string | undefined): boolean {
  return program === "bun" || (program?.includes("/") === true && program.endsWith(".ts"));
}

/** That bun may be on nobody's PATH. It reads no `.env`, and fetches no package that it misses. */
export function findProgram({ argv, cwd, path }: ProgramPlace): FoundProgram {
  const [program = "", ...args] = argv;
  if (isRunByBun(program)) {
    const file = program === "bun" ? [] : [resolve(cwd, program)];
    const absent = file.find((it) => !existsSync(it));
    if (absent !== undefined) return { reason: `there is no program "${program}"` };
    return { argv: [process.execPath, "--no-env-file", "--no-install", ...file, ...args] };
  }
  const found = Bun.which(program, { PATH: path, cwd });
  if (found !== null) return { argv: [found, ...args] };
  if (!program.includes("/")) return { reason: `"${program}" is not installed, or not on PATH` };
  const file = resolve(cwd, program);
  if (!existsSync(file)) return { reason: `there is no program "${program}"` };
  const hint = statSync(file).isDirectory() ? "Name the program itself: this is a folder" : `Make it executable: chmod +x ${program}`;
  return { reason: `"${program}" is no program that can be run`, hint };
}
