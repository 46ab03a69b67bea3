/** A systemctl of the test's own, first on a PATH: it notes what it is asked, and answers as told. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface StandIn {
  /** The PATH with it in front. */
  path: string;
  /** The command lines it was called with. */
  calls: () => string[];
}

/** `answer` is a shell script; `$*` is what was asked. */
export function standIn(folder: string, answer: string, program = "systemctl"): StandIn {
  const bin = join(folder, "bin");
  const log = join(folder, "calls");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, program), `#!/bin/sh\nprintf '%s\\n' "$*" >>'${log}'\n${answer}\n`);
  chmodSync(join(bin, program), 0o755);
  const calls = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []);
  return { path: `${bin}:${process.env.PATH ?? ""}`, calls };
}

/** An instance that runs, and knows our unit. */
export const ANSWERS = 'case "$*" in *show*) echo active ;; esac';
/** As where none was started. */
export const SILENT = "echo 'Failed to connect to bus: No medium found' >&2; exit 1";
