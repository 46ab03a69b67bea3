/** Values that are about to change: shown as a diff of the file would be, with secrets masked, and asked for. */
import { requireConsent } from "./_script/confirm.ts";
import { emitText } from "./_script/emit.ts";
import type { Key } from "./config/list-keys.ts";
import { changesBetween } from "./config/merge-edited.ts";
import type { Changes } from "./config/rewrite-env-file.ts";
import { maskValue } from "./config/show-settings.ts";

/** As `--json` prints it. */
export interface ValueChange {
  name: string;
  key: string;
  /** Null where it was not set; a secret masked. */
  from: string | null;
  /** Null where it is taken out. */
  to: string | null;
}

export interface DescribeOptions {
  before: ReadonlyMap<string, string>;
  keys: ReadonlyMap<string, Key>;
  showsSecrets: boolean;
}

/** In the order given. */
export function describeChanges(changes: Changes, { before, keys, showsSecrets }: DescribeOptions): ValueChange[] {
  const show = (name: string, value: string | undefined): string | null =>
    value === undefined ? null : showsSecrets ? value : maskValue(name, value, keys);
  return [...changes].map(([name, value]) => {
    const key = keys.get(name)?.key ?? name;
    return { name, key, from: show(name, before.get(name)), to: show(name, value) };
  });
}

/** From one whole configuration to another, by key. */
export function describeDifference(after: ReadonlyMap<string, string>, options: DescribeOptions): ValueChange[] {
  return describeChanges(changesBetween(options.before, after), options).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

export function renderChanges(changes: readonly ValueChange[]): string {
  return changes
    .flatMap(({ key, from, to }) => [
      ...(from === null ? [] : [`- ${key}=${oneLine(from)}`]),
      ...(to === null ? [] : [`+ ${key}=${oneLine(to)}`]),
    ])
    .join("\n");
}

/** Escapes what a terminal would take for commands, and what shows text in another order than it has. */
function oneLine(value: string): string {
  return JSON.stringify(value)
    .slice(1, -1)
    .replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

export function countValues(count: number): string {
  return `${count} ${count === 1 ? "value" : "values"}`;
}

export interface AskOptions {
  args: { yes: boolean; "dry-run": boolean; json: boolean };
  question: string;
  /** For who cannot be asked. */
  hint: string;
}

/** The arguments of a verb that shows first and asks then. */
export const askArgs = {
  yes: { type: "boolean", alias: "y", description: "Do not ask" },
  "dry-run": { type: "boolean", description: "Only show what would change" },
} as const;

/** Shows them, and whether to go on; throws `usage` where nobody can be asked, `failed` where the answer is no. */
export function askForChanges(changes: readonly ValueChange[], { args, question, hint }: AskOptions): boolean {
  const isAsked = !args.yes && !args["dry-run"] && changes.length > 0;
  if (!args.json) emitText(renderChanges(changes));
  if (isAsked) requireConsent({ question, hint, json: args.json, refusal: "Nothing was changed" });
  return !args["dry-run"];
}
