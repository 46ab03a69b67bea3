/** `harbor config search`: the keys that words are found in, with what their folders say of them. */
import { readConfiguration, showSecretsArg, workspaceArg } from "./_configuration.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { findHome } from "./config/find-home.ts";
import { isSecretKey, type Key } from "./config/list-keys.ts";
import { listSettings, type Setting } from "./config/list-settings.ts";
import { openSecrets } from "./config/read-secrets.ts";
import { maskSettings, renderSettings, withDeclaration } from "./config/show-settings.ts";
import { note } from "./stack/say.ts";

/** All that is looked through; a secret's value is not, for a word could be tried against it. */
function textOf({ name, key, value, default: byDefault }: Setting, keys: ReadonlyMap<string, Key>): string {
  const values = isSecretKey(name, keys) ? [] : [value, byDefault];
  const declared = keys.get(name)?.declared;
  return [name, key, ...values, declared?.description, ...(declared?.choices ?? [])].join("\n").toLowerCase();
}

export const command = defineCommand({
  meta: {
    name: "search",
    description: "Find keys by words in their names, values, defaults and descriptions",
    examples: ["harbor config search port", "harbor config search speaches model", "harbor config search token --json"],
  },
  args: {
    words: { type: "positional", description: "All of them have to be found", required: true, multiple: true },
    ...showSecretsArg,
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    if (args["show-secrets"]) await openSecrets(findHome(process.env));
    const { keys, values, workspace } = readConfiguration(args.workspace);
    const words = args.words.map((word) => word.toLowerCase());
    const found = listSettings({ keys, values, workspace, all: true }).filter((setting) => {
      const text = textOf(setting, keys);
      return words.every((word) => text.includes(word));
    });
    const settings = maskSettings(found, keys, args["show-secrets"]);
    if (settings.length === 0 && !args.json) note("no key has all of these words; `harbor config ls --all` shows every key");
    emit(
      settings.map((it) => withDeclaration(it, keys)),
      { json: args.json, render: (them) => renderSettings(them, keys) },
    );
  },
});
