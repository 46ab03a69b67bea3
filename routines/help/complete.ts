#!/usr/bin/env bun
/**
 * What may stand where the cursor is: for the shells' completion scripts, which ask with every press of the tab key. Options and
 * subcommands are the commands' own definitions; no engine is asked.
 *
 *   harbor routine complete -- up web
 */
import { type CommandTable, type Completion, defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { globalOf } from "../_script/global-args.ts";
import { runScript } from "../_script/script.ts";
import { VERB_ALIASES } from "../_script/verb-aliases.ts";
import type { Env } from "../config/read-values.ts";
import { dynamicWords, type Place } from "./_dynamic-words.ts";
import { readLine } from "./_read-line.ts";
import { type CommandDescription, describeProgram, type OptionDescription, type ProgramDescription } from "./describe-commands.ts";

export interface Candidate {
  word: string;
  /** What it does; empty for a name. */
  description: string;
}

export interface Completions {
  candidates: Candidate[];
  /** What the shell knows better: names of files, or of folders alone. */
  paths: "file" | "directory" | null;
}

export interface CompleteOptions {
  program: ProgramDescription;
  /** All after `harbor`, up to the cursor; the last is the one that is being typed, perhaps empty. */
  words: readonly string[];
  env: Env;
}

/** In the order in which they are of use; only those that begin as the last word does. */
export function complete({ program, words, env }: CompleteOptions): Completions {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const start = before.findIndex((word) => globalOf(word) === undefined);
  if (start === -1) return startOf(program, current, env);
  const line = before.slice(start);
  const [first = "", ...rest] = line;
  if (first === "help") return inHelp(program.commands, rest, current);
  const verb = commandOf(program.commands, first);
  if (verb !== undefined) return inCommand({ program, command: verb, line: rest, current, env });
  // services first, the verb after them
  const at = line.findIndex((word) => word.startsWith("-") || commandOf(program.commands, word) !== undefined);
  const later = commandOf(program.commands, line[at] ?? "");
  if (at === -1) return only(current, describe(program.commands.filter((it) => it.takesService)));
  if (later === undefined) return NOTHING;
  const after = line.slice(at + 1);
  if (after.length === 0 && later.commands.length > 0) return only(current, describe(later.commands.filter((it) => it.takesService)));
  const sub = later.commands.some(({ name }) => name === after[0]) ? 1 : 0;
  return inCommand({ program, command: later, line: [...after.slice(0, sub), ...line.slice(0, at), ...after.slice(sub)], current, env });
}

const NOTHING: Completions = { candidates: [], paths: null };

/** A verb; a service, for a verb after it, where no verb begins so. */
function startOf(program: ProgramDescription, current: string, env: Env): Completions {
  if (current.startsWith("-")) return only(current, optionWords(program.options, []));
  const verbs = only(current, describe(program.commands));
  if (verbs.candidates.length > 0 || current === "") return verbs;
  return only(current, named(dynamicWords("handle", { env, directory: undefined, before: [], begins: current })));
}

/** `harbor help config get`: only commands. */
function inHelp(commands: readonly CommandDescription[], line: readonly string[], current: string): Completions {
  const [word, ...rest] = line;
  if (word === undefined) return only(current, describe(commands));
  return inHelp(commandOf(commands, word)?.commands ?? [], rest, current);
}

function commandOf(commands: readonly CommandDescription[], word: string): CommandDescription | undefined {
  const find = (name: string): CommandDescription | undefined => commands.find((it) => it.name === name);
  return find(word) ?? (Object.hasOwn(VERB_ALIASES, word) ? find(VERB_ALIASES[word] ?? "") : undefined);
}

interface Line {
  program: ProgramDescription;
  command: CommandDescription;
  /** After the command, before the word that is being typed. */
  line: readonly string[];
  current: string;
  env: Env;
}

function inCommand(at: Line): Completions {
  const { program, command, line, current } = at;
  if (command.commands.length === 0) return inLeaf(at);
  const start = line.findIndex((word) => globalOf(word) === undefined);
  const [first, ...rest] = start === -1 ? [] : line.slice(start);
  const byHandle = command.commands.filter(({ words }) => words[0]?.name === "handle");
  if (first === undefined) {
    if (current.startsWith("-")) return only(current, optionWords(program.options, line));
    const services =
      byHandle.length === 0 ? [] : named(dynamicWords("handle", { env: at.env, directory: undefined, before: [], begins: current }));
    return only(current, [...describe(command.commands), ...services]);
  }
  const sub = command.commands.find(({ name }) => name === first);
  if (sub !== undefined) return inCommand({ ...at, command: sub, line: rest });
  // `env <handle> set …` is `env set <handle> …`, and `env <handle>` alone lists
  const [second, ...after] = rest;
  const later = byHandle.find(({ name }) => name === second);
  if (later !== undefined) return inCommand({ ...at, command: later, line: [first, ...after] });
  if (second === undefined && !current.startsWith("-")) return only(current, describe(byHandle));
  const ls = byHandle.find(({ name }) => name === "ls");
  return ls === undefined ? NOTHING : inCommand({ ...at, command: ls, line });
}

function inLeaf(at: Line): Completions {
  const { program, command, line, current, env } = at;
  const options = [...command.options, ...program.options];
  const { positionals, given, open, isOver, directory } = readLine({ words: line, options, passesOn: command.passesOn });
  const place = { env, directory, before: positionals, begins: current };
  if (open !== undefined) return valuesOf(open.completes, { current, place, isList: open.isMultiple });
  if (isOver) {
    const isHandedOn = command.passesOn || command.takesRest;
    return isHandedOn ? { candidates: [], paths: "file" } : atPlace(at, positionals, place);
  }
  const attached = /^--([\w-]+)=(.*)$/s.exec(current);
  if (attached !== null) {
    const [, name, value = ""] = attached;
    const option = options.find((it) => it.name === name && it.takesValue);
    const found = valuesOf(option?.completes, { current: value, place, isList: option?.isMultiple === true });
    return { ...found, candidates: found.candidates.map((it) => ({ ...it, word: `--${name}=${it.word}` })) };
  }
  if (current.startsWith("-")) {
    const repeatable = new Set(options.filter((it) => it.isMultiple).map((it) => it.name));
    return only(
      current,
      optionWords(
        options,
        given.filter((name) => !repeatable.has(name)).map((name) => `--${name}`),
      ),
    );
  }
  return atPlace(at, positionals, place);
}

/** The word whose turn it is; of one that takes all that follow, none that stands there already. */
function atPlace({ command, current }: Line, positionals: readonly string[], place: Place): Completions {
  const index = Math.min(positionals.length, command.words.length - 1);
  const word = command.words[index];
  if (word === undefined || (positionals.length > index && !word.isMultiple)) return NOTHING;
  const found = valuesOf(word.completes, { current, place, isList: false });
  return { ...found, candidates: found.candidates.filter((it) => !word.isMultiple || !positionals.slice(index).includes(it.word)) };
}

interface ValueOptions {
  current: string;
  place: Place;
  /** Of several with commas between, the last is being typed. */
  isList: boolean;
}

function valuesOf(completes: Completion | undefined, { current, place, isList }: ValueOptions): Completions {
  if (completes === undefined) return NOTHING;
  if (completes === "file" || completes === "directory") return { candidates: [], paths: completes };
  const head = isList ? current.slice(0, current.lastIndexOf(",") + 1) : "";
  const taken = head.split(",");
  const words = dynamicWords(completes, place).filter((word) => !taken.includes(word));
  return only(current, named(words.map((word) => `${head}${word}`)));
}

function optionWords(options: readonly OptionDescription[], given: readonly string[]): Candidate[] {
  return options.map((it) => ({ word: `--${it.name}`, description: it.description })).filter((it) => !given.includes(it.word));
}

function describe(commands: readonly CommandDescription[]): Candidate[] {
  return commands.map(({ name, description }) => ({ word: name, description }));
}

/** Without those that nobody could type, of which a line break would be read as another answer. */
function named(words: readonly string[]): Candidate[] {
  return words.filter((word) => !/\p{Cc}/u.test(word)).map((word) => ({ word, description: "" }));
}

function only(current: string, candidates: readonly Candidate[]): Completions {
  return { candidates: candidates.filter(({ word }) => word.startsWith(current)), paths: null };
}

/** `word<TAB>description` a line; `:file` or `:directory` where the shell is to add what it finds. */
function render({ candidates, paths }: Completions): string {
  const lines = candidates.map(({ word, description }) => (description === "" ? word : `${word}\t${description}`));
  return [...lines, ...(paths === null ? [] : [`:${paths}`])].join("\n");
}

/** The words of `harbor routine complete` → the answer; for the small program that the launcher starts for it, too. */
export async function printCompletions(words: readonly string[], isJson: boolean, verbs?: CommandTable): Promise<void> {
  const program = await describeProgram(verbs);
  emit(complete({ program, words, env: process.env }), { json: isJson, render });
}

export const command = defineCommand({
  meta: {
    name: "complete",
    description: "List what may stand where the cursor is, for a shell",
    examples: ["harbor routine complete -- up we", "harbor routine complete --json -- config set ollama."],
  },
  takesRest: true,
  args: { ...jsonArg },
  run: ({ args, rest, verbs }) => printCompletions(rest, args.json, verbs),
});

if (import.meta.main) await runScript(command);
