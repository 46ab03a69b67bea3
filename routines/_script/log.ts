/**
 * What is said to a person: everything on stderr, through consola, loaded at the first word
 * (13 ms that `harbor plan` does not pay).
 */
import type { ConsolaInstance } from "consola";

let instance: ConsolaInstance | undefined;

/** The shared logger; consola's own default would send `info` and `success` to stdout. */
export function log(): ConsolaInstance {
  if (instance === undefined) {
    const { createConsola } = require("consola") as typeof import("consola");
    instance = createConsola({ stdout: process.stderr, stderr: process.stderr, formatOptions: { date: false } });
  }
  return instance;
}
