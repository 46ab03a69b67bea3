/** `harbor config import`: many values at once, shown and asked for, all of them or none. */
import { readFileSync } from "node:fs";
import { type Configuration, checkValue, readConfiguration, readFileValues, showSecretsArg, workspaceArg } from "./_configuration.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { readText } from "./_script/read-text.ts";
import { askArgs, askForChanges, countValues, describeChanges } from "./_show-changes.ts";
import { findKey, unknownKey } from "./config/find-key.ts";
import { isSecretKey } from "./config/list-keys.ts";
import { readImport } from "./config/read-import.ts";
import { KEYCHAIN, openSecrets, secretsFile } from "./config/read-secrets.ts";
import { wordStore } from "./config/write-secrets.ts";
import { writeSettings } from "./config/write-settings.ts";
import { configFile } from "./config/write-values.ts";
import { note } from "./stack/say.ts";
import type { Workspace } from "./workspace/find-workspace.ts";

/** What the user's own files say, the secrets apart from them included. */
function valuesIn(home: string, workspace: Workspace, names: readonly string[]): Map<string, string> {
  const own = new Set([configFile(home), KEYCHAIN, secretsFile(home)]);
  const values = readFileValues(workspace);
  return new Map(
    names.flatMap((name) => {
      const { value, origin = "" } = values.find(name) ?? {};
      return value !== undefined && own.has(origin) ? [[name, value] as const] : [];
    }),
  );
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
    ...askArgs,
    force: { type: "boolean", description: "Also keys that no file names" },
    ...showSecretsArg,
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const configuration = readConfiguration(args.workspace);
    const incoming = readIncoming(String(args.file), args.force, configuration);
    const { home, keys, values, workspace } = configuration;
    const file = configFile(home);
    const isSecret = (name: string): boolean => isSecretKey(name, keys);
    const sealed = [...incoming.keys()].some((name) => isSecret(name) && values.find(name)?.origin === KEYCHAIN);
    if (sealed) await openSecrets(home);
    const before = valuesIn(home, workspace, [...incoming.keys()]);
    const changed = new Map([...incoming].filter(([name, value]) => before.get(name) !== value));
    const changes = describeChanges(changed, { before, keys, showsSecrets: args["show-secrets"] });
    const places = changes.some(({ name }) => isSecret(name)) ? `${file}, secrets in ${wordStore(home)}` : file;
    const goesOn = askForChanges(changes, {
      args,
      question: `Set ${countValues(changes.length)} in ${places}?`,
      hint: "Say --yes to take them unasked, --dry-run only to see them",
    });
    if (goesOn) await writeSettings({ home, changes: incoming, isSecret });
    if (args.json) return emit({ file, changes, written: goesOn }, { json: true, render: String });
    if (changes.length === 0) note("nothing to change: all of it is set so already");
    else note(`${goesOn ? "set" : "not set, for --dry-run"}: ${countValues(changes.length)} in ${places}`);
  },
});
