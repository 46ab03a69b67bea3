/**
 * What is said to a person: everything on stderr, through consola, loaded at the first word
 * (2 ms that `harbor plan` does not pay; its core alone: the rest, which is not used here, takes 10 more).
 */
import type { ConsolaInstance, LogObject } from "consola";
import { writeAll } from "./emit.ts";
import { printableLines } from "./printable.ts";

/** consola's numbers: all that is of interest, and warnings alone. */
const LEVEL = { all: 3, warnings: 1 } as const;

let instance: ConsolaInstance | undefined;
let level: number = LEVEL.all;

/** The shared logger. consola's own reporters frame warnings with blank lines and badges; here a line is a line, as errors are. */
export function log(): ConsolaInstance {
  if (instance === undefined) {
    const { createConsola } = require("consola/core") as typeof import("consola/core");
    instance = createConsola({ level, reporters: [{ log: report }] });
  }
  return instance;
}

/** From here on warnings alone are said. */
export function beQuiet(): void {
  level = LEVEL.warnings;
  if (instance !== undefined) instance.level = level;
}

export function isQuiet(): boolean {
  return level === LEVEL.warnings;
}

function report({ type, args }: LogObject): void {
  const text = printableLines(args.map(String).join(" "));
  writeAll(2, `${type === "warn" ? "harbor: warning: " : ""}${text}\n`);
}
