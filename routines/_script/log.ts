/**
 * What is said to a person: everything on stderr, through consola, loaded at the first word
 * (13 ms that `harbor plan` does not pay).
 */
import type { ConsolaInstance, LogObject } from "consola";
import { writeAll } from "./emit.ts";

let instance: ConsolaInstance | undefined;

/** The shared logger. consola's own reporters frame warnings with blank lines and badges; here a line is a line, as errors are. */
export function log(): ConsolaInstance {
  if (instance === undefined) {
    const { createConsola } = require("consola") as typeof import("consola");
    instance = createConsola({ level: 3, reporters: [{ log: report }] });
  }
  return instance;
}

function report({ type, args }: LogObject): void {
  const text = args.map(String).join(" ");
  writeAll(2, `${type === "warn" ? "harbor: warning: " : ""}${text}\n`);
}
