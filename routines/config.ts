#!/usr/bin/env bun
/**
 * `harbor config`: the user's configuration, `$HARBOR_HOME/config.env`, which holds only what differs from the defaults.
 *
 *   bun routines/config.ts set ollama.runtime native
 */
import {
  type Configuration,
  checkValue,
  KEY,
  noteIfUp,
  readConfiguration,
  readValue,
  showSecretsArg,
  warnOfEnvironment,
  workspaceArg,
} from "./_configuration.ts";
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runNamed } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { findHome } from "./config/find-home.ts";
import { findKey, unknownKey } from "./config/find-key.ts";
import { isSecretKey } from "./config/list-keys.ts";
import { listSettings } from "./config/list-settings.ts";
import { handleOf } from "./config/name-variable.ts";
import { KEYCHAIN, openSecrets } from "./config/read-secrets.ts";
import { readValues } from "./config/read-values.ts";
import { runtimeVariable } from "./config/runtime-preference.ts";
import { maskSettings, maskValue, problemsOf, renderSettings, withDeclaration } from "./config/show-settings.ts";
import { placeOf, writeSettings } from "./config/write-settings.ts";
import { note, warn } from "./stack/say.ts";

const set = defineCommand({
  meta: {
    name: "set",
    description: "Set a value, for the next `harbor up`",
    examples: [
      "harbor config set ollama.runtime native",
      "harbor config set runtime auto",
      "harbor config set HARBOR_OLLAMA_HOST_PORT 11500",
      "harbor config set vllm.extra_args -- --max-model-len=8192",
      "harbor config set hf_token - < token.txt",
    ],
  },
  changes: "done",
  takesRest: true,
  args: {
    key: { type: "positional", description: KEY, required: true },
    value: {
      type: "positional",
      description: "Its value; - reads it from stdin, so that a secret is in no process list",
      completes: "key-value",
    },
    force: { type: "boolean", description: "Also a key that no file names" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args, rest }) {
    const configuration = readConfiguration(args.workspace);
    const typed = String(args.key);
    const { name, known } = findKey(typed, configuration.keys);
    const value = await readValue(args.value, rest);
    if (known === undefined && !args.force) {
      throw unknownKey(
        typed,
        configuration.keys,
        "Set it all the same with --force; a variable of one service alone: harbor env <handle> set",
      );
    }
    checkValue(name, value, configuration);
    const { home, keys } = configuration;
    const isSecret = (it: string): boolean => isSecretKey(it, keys);
    await writeSettings({ home, changes: new Map([[name, value]]), isSecret });
    const said = maskValue(name, value, keys);
    const file = placeOf(name, { home, isSecret });
    if (args.json) return emit({ name, value: said, file }, { json: true, render: String });
    note(`${known?.key ?? name} is ${said === "" ? "empty" : said} (${file})`);
    sayWhatElse(name, value, configuration);
  },
});

/** What stands in the way of the new value, or has to be done for it. */
function sayWhatElse(name: string, value: string, { record }: Configuration): void {
  warnOfEnvironment(name, value);
  const handle = handleOf(name, record?.services ?? []);
  if (handle === undefined) return;
  const isRuntime = name === runtimeVariable(handle);
  const runtime = record?.connected?.includes(handle) ? "connected" : record?.natives.includes(handle) ? "native" : "container";
  if (!isRuntime) noteIfUp(handle, record);
  else if (value !== "auto" && value !== "" && value !== runtime) {
    const move =
      value === "connected" ? `harbor down ${handle} && harbor up ${handle}` : `harbor up ${value === "native" ? "-x" : "-c"} ${handle}`;
    note(`${handle} is up and stays on what it runs on; \`${move}\` moves it`);
  }
}

const get = defineCommand({
  meta: {
    name: "get",
    description: "Print a value, the default where none is set",
    examples: ["harbor config get ollama.host_port", "harbor config get HARBOR_DATA --json"],
  },
  args: { key: { type: "positional", description: KEY, required: true }, ...workspaceArg, ...jsonArg },
  async run({ args }) {
    const { home, keys, values, workspace } = readConfiguration(args.workspace);
    const { name, known } = findKey(String(args.key), keys);
    let found = values.find(name);
    if (found?.origin === KEYCHAIN) {
      await openSecrets(home);
      found = readValues({ workspace, env: process.env }).find(name);
    }
    if (known === undefined && found === undefined) throw unknownKey(String(args.key), keys);
    const setting = { name, value: found?.value ?? known?.default ?? null, origin: found?.origin ?? "default" };
    emit(setting, { json: args.json, render: ({ value }) => value ?? "" });
  },
});

const unset = defineCommand({
  meta: {
    name: "unset",
    description: "Take a value out, so that the default holds",
    examples: ["harbor config unset ollama.runtime", "harbor config unset data ollama.host_port"],
  },
  changes: "done",
  args: {
    keys: { type: "positional", description: KEY, required: true, multiple: true, completes: "set-key" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const { home, keys, values, workspace } = readConfiguration(args.workspace);
    const names = args.keys.map((typed) => ({ typed, ...findKey(typed, keys) }));
    const unknown = names.find(({ name, known }) => known === undefined && !values.names().has(name));
    if (unknown !== undefined) throw unknownKey(unknown.typed, keys);
    const isSecret = (name: string): boolean => isSecretKey(name, keys);
    const { file, changed } = await writeSettings({ home, changes: new Map(names.map(({ name }) => [name, undefined])), isSecret });
    if (args.json) return emit({ unset: changed, file }, { json: true, render: String });
    const left = readValues({ workspace, env: process.env });
    for (const { name, known } of names) {
      const { origin } = left.find(name) ?? {};
      const now = origin === undefined ? `the default holds${known?.default ? `: ${known.default}` : ""}` : `${origin} sets it`;
      const place = placeOf(name, { home, isSecret });
      note(`${known?.key ?? name} is ${changed.includes(name) ? "out of" : "not in"} ${place}; ${now}`);
    }
  },
});

const ls = defineCommand({
  meta: {
    name: "ls",
    description: "Show what differs from the defaults, and where it is set",
    examples: ["harbor config ls", "harbor config ls --all --long", "harbor config ls --show-secrets --json"],
  },
  args: {
    all: { type: "boolean", description: "Every key there is, with its default" },
    long: { type: "boolean", alias: "l", description: "With the type and the description of each, where its folder declares them" },
    ...showSecretsArg,
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    if (args["show-secrets"]) await openSecrets(findHome(process.env));
    const { keys, values, workspace } = readConfiguration(args.workspace);
    const settings = maskSettings(listSettings({ keys, values, workspace, all: args.all }), keys, args["show-secrets"]);
    if (settings.length === 0 && !args.json) note("nothing differs from the defaults; `harbor config ls --all` shows them");
    if (args.long) warn(problemsOf(keys));
    emit(args.long ? settings.map((it) => withDeclaration(it, keys)) : settings, {
      json: args.json,
      render: (them) => renderSettings(them, args.long ? keys : undefined),
    });
  },
});

const commands: CommandTable = {
  set: async () => ({ command: set }),
  get: async () => ({ command: get }),
  unset: async () => ({ command: unset }),
  ls: async () => ({ command: ls }),
  search: () => import("./_config-search.ts"),
  edit: () => import("./_config-edit.ts"),
  path: () => import("./_config-path.ts"),
  export: () => import("./_config-export.ts"),
  import: () => import("./_config-import.ts"),
};

export const command = defineCommand({
  meta: {
    name: "config",
    description: "Set, show and take back what differs from the defaults",
    examples: ["harbor config set ollama.runtime native", "harbor config get ollama.host_port", "harbor config ls"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest, "harbor config"),
});

if (import.meta.main) await runScript(command);
