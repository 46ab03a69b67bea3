/**
 * argv → typed arguments of a command, strictly: an unknown option is an error that suggests the
 * nearest (citty accepts it silently), `-x a -x b,c` gives three values, words after `--` stay apart.
 * Written out because node:util, whose parseArgs would do most of it, takes 1.4 ms to load.
 */
import type { ArgSpecs, ArgValues } from "./command.ts";
import { HarborError } from "./error.ts";
import { nearest } from "./nearest.ts";
import { OPTION_ALIASES } from "./verb-aliases.ts";

export interface ParsedArgs<A extends ArgSpecs> {
  args: ArgValues<A>;
  rest: string[];
}

/**
 * `program` is what a person types before `argv`: `harbor up`, `bun routines/up.ts`; `takesRest` says that words may stand after
 * `--`. Throws `usage` for an unknown option, a missing value, or a missing or superfluous word.
 */
export function parseCommandArgs<A extends ArgSpecs>(argv: readonly string[], specs: A, program: string, takesRest = false): ParsedArgs<A> {
  const split = argv.indexOf("--");
  const { values, positionals } = readWords(split === -1 ? argv : argv.slice(0, split), { specs, program, takesRest });
  const args: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(specs)) {
    const given = values.get(key);
    if (spec.type === "boolean") args[key] = given !== undefined;
    else if (spec.type === "positional") args[key] = takePositional(positionals, key, spec, program);
    else if (spec.multiple) args[key] = splitLists(given ?? []);
    else args[key] = given?.at(-1) ?? spec.default;
  }
  if (positionals.length > 0) {
    throw usage(`it takes no word "${positionals[0]}"`, program);
  }
  return { args: args as ArgValues<A>, rest: split === -1 ? [] : argv.slice(split + 1) };
}

interface Words {
  /** Option → each value it was given with; a boolean's are empty. */
  values: Map<string, string[]>;
  positionals: string[];
}

function readWords(words: readonly string[], of: Omit<Reading, "found">): Words {
  const found: Words = { values: new Map(), positionals: [] };
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (!isOption(word, of.specs)) found.positionals.push(word);
    else if (word.startsWith("--")) readLong(word, queue, { ...of, found });
    else readShort(word, queue, { ...of, found });
  }
  return found;
}

/** `-1` is a number, no option having a digit for its letter; `--ctx-size 4096` in one word is a value in quotes. */
function isOption(word: string, specs: ArgSpecs): boolean {
  if (word === "-" || !word.startsWith("-") || /^-\d/.test(word)) return false;
  if (word.startsWith("--")) return !/^[^=]*\s/.test(word);
  return !/\s/.test(word) || Object.values(specs).some((spec) => spec.type !== "positional" && spec.alias === word[1]);
}

interface Reading {
  specs: ArgSpecs;
  program: string;
  takesRest: boolean;
  found: Words;
}

/** `--option`, `--option value`, `--option=value`. */
function readLong(word: string, queue: string[], reading: Reading): void {
  const equals = word.indexOf("=");
  const key = keyOf(word.slice(2, equals === -1 ? undefined : equals), reading.specs);
  const spec = Object.hasOwn(reading.specs, key) ? reading.specs[key] : undefined;
  if (spec === undefined || spec.type === "positional") throw unknownOption(word, reading);
  const value = equals === -1 ? undefined : word.slice(equals + 1);
  if (spec.type === "boolean" && value !== undefined) {
    throw usage(`"--${key}" takes no value, but has "${value}"`, reading.program);
  }
  record(reading, key, spec.type === "boolean" ? "" : (value ?? takeValue(`--${key}`, queue, reading)));
}

/** An option's own name for another that it has. */
function keyOf(typed: string, specs: ArgSpecs): string {
  const other = Object.hasOwn(OPTION_ALIASES, typed) ? OPTION_ALIASES[typed] : undefined;
  return other === undefined || Object.hasOwn(specs, typed) || !Object.hasOwn(specs, other) ? typed : other;
}

/** `-x`, `-x value`, `-xvalue`, and several in one word: `-ab`. */
function readShort(word: string, queue: string[], reading: Reading): void {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at];
    const [key, spec] = Object.entries(reading.specs).find(([, it]) => it.type !== "positional" && it.alias === letter) ?? [];
    if (key === undefined || spec === undefined) throw unknownOption(word, reading);
    if (spec.type === "boolean") {
      record(reading, key, "");
      continue;
    }
    const attached = word.slice(at + 1);
    record(reading, key, attached === "" ? takeValue(`-${letter}`, queue, reading) : attached);
    return;
  }
}

function record({ found }: Reading, key: string, value: string): void {
  const before = found.values.get(key);
  if (before === undefined) found.values.set(key, [value]);
  else before.push(value);
}

/** A value that looks like an option is most often a forgotten value; `--option=-value` says it is meant. */
function takeValue(option: string, queue: string[], { program }: Reading): string {
  const value = queue[0];
  if (value === undefined || /^-[^\d]/.test(value)) throw usage(`"${option}" needs a value`, program);
  queue.shift();
  return value;
}

function unknownOption(word: string, { specs, program, takesRest }: Reading): HarborError {
  const known = Object.keys(specs).filter((key) => specs[key]?.type !== "positional");
  const guess = nearest(word.replace(/^-+/, "").split("=")[0] ?? "", known);
  const suggestion = guess === undefined ? "" : `; did you mean "--${guess}"?`;
  const more = takesRest && guess === undefined ? `; a word that is none of its options goes after --: … -- ${word}` : "";
  return usage(`it has no option "${word}"${suggestion}`, program, more);
}

function takePositional(positionals: string[], key: string, spec: { required?: boolean; multiple?: true }, program: string): unknown {
  if (spec.required && positionals.length === 0) throw usage(`<${key}> is missing`, program);
  return spec.multiple ? positionals.splice(0) : positionals.shift();
}

function splitLists(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",")).filter((value) => value !== "");
}

function usage(what: string, program: string, more = ""): HarborError {
  const name = /[^ /]+?(?=(?:\.ts)?$)/.exec(program)?.[0] ?? program;
  return new HarborError(`Cannot run "${name}": ${what}`, { exit: "usage", hint: `Run \`${program} --help\`${more}` });
}
