/** `harbor config import`: many values at once, shown and asked for, all of them or none. */
import { readFileSync } from "node:fs";
import { type Configuration, checkValue, readConfiguration, showSecretsArg, workspaceArg } from "./_configuration.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { requireConsent } from "./_script/confirm.ts";
import { emit, emitText } from "./_script/emit.ts";
import { readText } from "./_script/read-text.ts";
import { findKey, unknownKey } from "./config/find-key.ts";
import { parseEnv } from "./config/parse-env.ts";
import { readImport } from "./config/read-import.ts";
import { readFileOrNothing } from "./config/rewrite-env-file.ts";
import { maskValue } from "./config/show-settings.ts";
import { configFile, writeValues } from "./config/write-values.ts";
import { note } from "./stack/say.ts";

export interface ImportedValue {
  name: string;
  key: string;
  /** Null where it was not set; a secret masked. */
  from: string | null;
  to: string;
}

/** Variable → value. Throws for the first that cannot be, and for all that nothing names. */
function readIncoming(file: string, isForced: boolean, configuration: Configuration): Map<string, string> {
  const text = file === "-" ? readFileSync(0, "utf8") : readText(file, "configuration");
  const values = new Map<string, string>();
  const unknown: string[] = [];
  for (const [typed, value] of readImport(text, file === "-" ? "stdin" : file)) {
    const { name: spelled, known } = findKey(typed, configuration.keys);
    if (known === undefined) unknown.push(typed);
    // what no file names is a variable by that very name, as `harbor config export` writes it
    const name = known === undefined && /^[A-Za-z_]\w*$/.test(typed) ? typed : spelled;
    checkValue(name, value, configuration);
    values.set(name, value);
  }
  const [first, ...others] = unknown;
  if (first === undefined || isForced) return values;
  const more = others.length === 0 ? "" : `; nor ${others.join(", ")}`;
  throw unknownKey(first, configuration.keys, `Nothing was imported${more}. --force takes what no file names as well`);
}

/** Those that the file does not have so already. */
function compare(incoming: ReadonlyMap<string, string>, current: ReadonlyMap<string, string>): string[] {
  return [...incoming].filter(([name, value]) => current.get(name) !== value).map(([name]) => name);
}

interface DiffOptions extends Pick<Configuration, "keys"> {
  incoming: ReadonlyMap<string, string>;
  current: ReadonlyMap<string, string>;
  showsSecrets: boolean;
}

function describe(name: string, { incoming, current, keys, showsSecrets }: DiffOptions): ImportedValue {
  const show = (value: string): string => (showsSecrets ? value : maskValue(name, value, keys));
  const from = current.get(name);
  const key = keys.get(name)?.key ?? name;
  return { name, key, from: from === undefined ? null : show(from), to: show(incoming.get(name) ?? "") };
}

/** As a diff of the file would be, without its other lines. */
function renderDiff(values: readonly ImportedValue[]): string {
  return values
    .flatMap(({ key, from, to }) => [...(from === null ? [] : [`- ${key}=${oneLine(from)}`]), `+ ${key}=${oneLine(to)}`])
    .join("\n");
}

function values(count: number): string {
  return `${count} ${count === 1 ? "value" : "values"}`;
}

function oneLine(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

export const command = defineCommand({
  meta: {
    name: "import",
    description: "Take values over from an env or JSON file: shown first, then all of them or none",
    examples: [
      "harbor config import harbor.env",
      "harbor config import --yes settings.json",
      "harbor config export | ssh box harbor config import --yes -",
    ],
  },
  changes: "done",
  args: {
    file: { type: "positional", description: "NAME=value lines, or a JSON object; - for stdin", required: true },
    yes: { type: "boolean", alias: "y", description: "Do not ask" },
    "dry-run": { type: "boolean", description: "Only show what would change" },
    force: { type: "boolean", description: "Also keys that no file names" },
    ...showSecretsArg,
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const configuration = readConfiguration(args.workspace);
    const incoming = readIncoming(String(args.file), args.force, configuration);
    const file = configFile(configuration.home);
    const current = parseEnv(readFileOrNothing(file), { file });
    const options = { incoming, current, keys: configuration.keys, showsSecrets: args["show-secrets"] };
    const changes = compare(incoming, current).map((name) => describe(name, options));
    const isAsked = !args.yes && !args["dry-run"] && changes.length > 0;
    if (!args.json) emitText(renderDiff(changes));
    if (isAsked) {
      const hint = "Say --yes to take them unasked, --dry-run only to see them";
      requireConsent({ question: `Set ${values(changes.length)} in ${file}?`, hint, json: args.json, refusal: "Nothing was imported" });
    }
    if (!args["dry-run"]) await writeValues({ home: configuration.home, changes: incoming });
    if (args.json) return emit({ file, changes, written: !args["dry-run"] }, { json: true, render: String });
    if (changes.length === 0) note("nothing to change: all of it is set so already");
    else note(`${args["dry-run"] ? "not set, for --dry-run" : "set"}: ${values(changes.length)} in ${file}`);
  },
});
