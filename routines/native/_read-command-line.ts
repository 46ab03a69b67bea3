/** What a contract runs: `executable` and `daemon_args`, or a whole command line as one text or one list. */

import { splitFirstWord, splitWords } from "../_script/split-words.ts";
import type { Fields } from "./_contract-fields.ts";
import type { CommandLine } from "./_written.ts";

/** Collects a problem where nothing says what to run, or two places say different things. */
export function readCommandLine(fields: Fields): CommandLine {
  const executable = fields.text("executable");
  const args = checkQuotes(fields, "daemon_args");
  const older = readProgram(fields, "daemon_command");
  if (older === undefined) {
    if (!fields.has("executable") && !fields.has("daemon_command"))
      fields.problem(undefined, '"executable" is missing: the program to run');
    return { executable: executable ?? "", args: args ?? [] };
  }
  if (executable !== undefined && executable !== older.executable) {
    fields.problem("daemon_command", `"daemon_command" runs "${older.executable}", but "executable" is "${executable}"; keep one of them`);
  }
  if (args !== undefined && wordsOf(args).join("\0") !== wordsOf(older.args).join("\0")) {
    fields.problem("daemon_command", '"daemon_command" and "daemon_args" give different arguments; keep "executable" and "daemon_args"');
  }
  return { executable: executable ?? older.executable, args: args ?? older.args };
}

/** A program with its arguments under one key; of a text, what follows its first word is split once it is filled in. */
export function readProgram(fields: Fields, key: string): CommandLine | undefined {
  const value = checkQuotes(fields, key);
  if (value === undefined) return undefined;
  const split = typeof value === "string" ? splitFirstWord(value) : { first: value[0] ?? "", rest: value.slice(1) };
  if (split === undefined || split.first === "") return fields.problem(key, `"${key}" names no program`);
  return { executable: split.first, args: split.rest };
}

function checkQuotes(fields: Fields, key: string): string[] | string | undefined {
  const value = fields.words(key);
  if (typeof value === "string" && splitWords(value) === undefined) return fields.problem(key, `a quote in "${key}" is never closed`);
  return value;
}

function wordsOf(args: string[] | string): string[] {
  return typeof args === "string" ? (splitWords(args) ?? []) : args;
}
