/**
 * Change an env file of the user's: the lines of the keys named, and no other line. One at a time across commands, and
 * whole: a reader, and whoever is killed in the middle, leaves the old file or the new one.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { sweepLeftovers } from "../_script/sweep-leftovers.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { commentStart, type EnvEntry, readEntries } from "./_env-entries.ts";
import { formatEnvValue, parseEnv } from "./parse-env.ts";

/** Name → its new value; undefined takes it out. */
export type Changes = ReadonlyMap<string, string | undefined>;

export interface ChangeEnvFileOptions {
  file: string;
  /** A function is given the values of the file as nobody else can change them meanwhile. */
  changes: Changes | ((values: ReadonlyMap<string, string>) => Changes);
}

export interface WrittenValues {
  file: string;
  /** Of the names, those of which the file says something else now. */
  changed: string[];
}

/** Throws `usage` for what is no name or can be no value; with the line where the file cannot be read. */
export function changeEnvFile({ file, changes: given }: ChangeEnvFileOptions): Promise<WrittenValues> {
  const written: WrittenValues = { file, changed: [] };
  const change = (before: string): string => {
    const changes = typeof given === "function" ? given(parseEnv(before, { file })) : given;
    const after = applyChanges(before, changes, file);
    written.changed = [...changes.keys()].filter((name) => linesOf(before, name, file) !== linesOf(after, name, file));
    return after;
  };
  return rewriteEnvFile(file, change).then(() => written);
}

/** The whole text anew, out of what it is; not touched where it stays the same. A link stays one. */
export function rewriteEnvFile(path: string, change: (before: string) => string): Promise<void> {
  const rewrite = (): void => {
    sweepLeftovers(path);
    const file = followLink(path);
    const before = readFileOrNothing(file);
    const after = change(before);
    if (after !== before) writeFileWhole(file, after);
  };
  return withLock(`${path}.lock`, rewrite, { purpose: "harbor config" });
}

/** Those who keep their configuration elsewhere have a link in its place, which stays one. */
export function followLink(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** The text with other values; throws as `changeEnvFile` does. */
export function applyChanges(text: string, changes: Changes, file: string): string {
  for (const [name, value] of changes) checkEntry(name, value);
  return [...changes].reduce((before, [name, value]) => changeLine(before, name, value, file), text);
}

/** Throws `usage` for what is no name of a variable, or what no variable can hold. */
export function checkEntry(name: string, value: string | undefined): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new HarborError(`Cannot use "${name}" as a key: it is no name of a variable`, {
      exit: "usage",
      hint: "Write it like HARBOR_OLLAMA_HOST_PORT or ollama.host_port",
    });
  }
  if (value === undefined || (!value.includes("\0") && value.isWellFormed())) return;
  const what = value.includes("\0") ? "a variable cannot hold a NUL character" : "it is no text of Unicode";
  throw new HarborError(`Cannot set ${name}: ${what}`, {
    exit: "usage",
    hint: "Put what is no text into a file, and its path into the value",
  });
}

export function readFileOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new HarborError(`Cannot read "${file}": ${(error as Error).message}`, { cause: error });
  }
}

/** The last of several entries counts, so that is the one changed; a value taken out takes all of them along. */
function changeLine(text: string, name: string, value: string | undefined, file: string): string {
  const lines = text.split("\n");
  const entries = entriesOf(text, name, file);
  const last = entries.at(-1);
  if (value === undefined) {
    for (const { first, last: end } of entries.toReversed()) lines.splice(first, end - first + 1);
    return lines.join("\n");
  }
  if (last !== undefined) {
    lines.splice(last.first, last.last - last.first + 1, `${last.head}${formatEnvValue(value)}${tailOf(last)}`);
    return lines.join("\n");
  }
  const gap = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${text}${gap}${name}=${formatEnvValue(value)}\n`;
}

function entriesOf(text: string, name: string, file: string): EnvEntry[] {
  return readEntries(text, file).filter(({ key }) => key === name);
}

function linesOf(text: string, name: string, file: string): string {
  return JSON.stringify(entriesOf(text, name, file).map(({ head, quote, raw, tail }) => [head, quote, raw, tail]));
}

/** A comment behind the value. */
function tailOf({ quote, raw, tail }: EnvEntry): string {
  if (quote !== undefined) return tail;
  const comment = commentStart(raw);
  return comment === -1 ? "" : raw.slice(comment);
}
