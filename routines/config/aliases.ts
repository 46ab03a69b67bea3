/**
 * Command lines of the user's own, by name: `$HARBOR_HOME/aliases.json`, words as they are. They are no part of the
 * configuration, so that no profile or import that comes from elsewhere can bring a command along.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { writeFileWhole } from "../_script/write-file.ts";

/** Name → its words, the program first; by name. */
export type Aliases = ReadonlyMap<string, readonly string[]>;

export function aliasesFile(home: string): string {
  return join(home, "aliases.json");
}

/** Throws for a file that holds anything else. */
export function readAliases(home: string): Aliases {
  const file = aliasesFile(home);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw new HarborError(`Cannot read "${file}": ${(error as Error).message}`, { cause: error });
  }
  return parseAliases(text, file);
}

function parseAliases(text: string, file: string): Aliases {
  const hint = 'It is a JSON object of names, each with a list of words: { "hi": ["echo", "hello"] }';
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch (cause) {
    throw new HarborError(`Cannot read the aliases: ${(cause as Error).message}`, { at: { file }, cause, hint });
  }
  const entries = typeof object === "object" && object !== null ? Object.entries(object as Record<string, unknown>) : [];
  const wrong = entries.find(([, words]) => !isWords(words));
  if (wrong !== undefined) throw new HarborError(`Cannot read the alias "${wrong[0]}": it is no list of words`, { at: { file }, hint });
  return new Map(entries as [string, string[]][]);
}

function isWords(words: unknown): words is string[] {
  return Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === "string");
}

/** Throws `usage` for what cannot be typed as the name of one. */
export function checkAliasName(name: string): void {
  if (/^[A-Za-z0-9][\w.-]*$/.test(name)) return;
  throw new HarborError(`Cannot use "${name}" as an alias: a name has letters, digits, dots, dashes and underscores alone`, {
    exit: "usage",
  });
}

/** One at a time across commands; `change` is given what holds then. Gives what holds now. */
export function changeAliases(home: string, change: (aliases: Aliases) => Aliases): Promise<Aliases> {
  const path = aliasesFile(home);
  const write = (): Aliases => {
    const before = readAliases(home);
    const after = new Map([...change(before)].sort(([a], [b]) => (a < b ? -1 : 1)));
    const text = `${JSON.stringify(Object.fromEntries(after), null, 2)}\n`;
    // those who keep their configuration elsewhere have a link here
    if (after.size > 0 || before.size > 0) writeFileWhole(existsSync(path) ? realpathSync(path) : path, text);
    return after;
  };
  return withLock(`${path}.lock`, write, { purpose: "harbor alias" });
}
