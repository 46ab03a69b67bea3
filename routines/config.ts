#!/usr/bin/env bun
/**
 * `harbor config`: the user's configuration, `$HARBOR_HOME/config.env`, which holds only what differs from the defaults.
 *
 *   bun routines/config.ts set ollama.runtime native
 */
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runNamed } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { maskSecret } from "./_script/secret-name.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import { findKey, unknownKey } from "./config/find-key.ts";
import { type Key, listKeys } from "./config/list-keys.ts";
import { listSettings, type Setting } from "./config/list-settings.ts";
import { handleOf } from "./config/name-variable.ts";
import { readValues, type Values } from "./config/read-values.ts";
import { checkRuntime, runtimeVariable } from "./config/runtime-preference.ts";
import { writeValues } from "./config/write-values.ts";
import { readKind } from "./engine/detect-engine-kind.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack, type StackRecord } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { describeService } from "./workspace/describe-service.ts";
import type { Workspace } from "./workspace/find-workspace.ts";
import { listHandles } from "./workspace/list-handles.ts";

const workspaceArg = { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" } } as const;
const KEY = "A key: ollama.host_port, or HARBOR_OLLAMA_HOST_PORT";

interface Configuration {
  home: string;
  record: StackRecord | undefined;
  workspace: Workspace;
  keys: Map<string, Key>;
  values: Values;
}

/** All that the subcommands look at. */
function readConfiguration(directory: string | undefined): Configuration {
  const home = findHome(process.env);
  const record = readStack(home);
  const { workspace } = findStackWorkspace({ home, record, directory });
  return { home, record, workspace, keys: listKeys({ workspace }), values: readValues({ workspace, env: process.env }) };
}

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
      throw unknownKey(typed, configuration.keys, "Set it all the same with --force, where a program of yours reads it");
    }
    checkValue(name, value, configuration.workspace);
    const { file } = await writeValues({ home: configuration.home, changes: new Map([[name, value]]) });
    const shown = maskSecret(name, value);
    if (args.json) return emit({ name, value: shown, file }, { json: true, render: String });
    note(`${known?.key ?? name} is ${shown === "" ? "empty" : shown} (${file})`);
    sayWhatElse(name, value, configuration);
  },
});

/** One word, or one after `--` where it begins with a dash. */
async function readValue(word: string | undefined, rest: readonly string[]): Promise<string> {
  const [value, ...more] = [...(word === undefined ? [] : [word]), ...rest];
  if (value === undefined || more.length > 0) {
    const state = value === undefined ? "the value is missing" : `it takes one value, not "${more[0]}" as well`;
    throw new HarborError(`Cannot set a value: ${state}`, {
      exit: "usage",
      hint: "Put a value of several words in quotes; an empty one is ''",
    });
  }
  return value === "-" && rest.length === 0 ? (await Bun.stdin.text()).replace(/\r?\n$/, "") : value;
}

/** Values that Harbor itself reads must be right; any other is the service's. Throws `usage`. */
function checkValue(name: string, value: string, workspace: Workspace): void {
  if (name === "HARBOR_ENGINE_KIND") readKind(value);
  const handle = listHandles(workspace).find((candidate) => runtimeVariable(candidate) === name);
  if ((handle === undefined && name !== runtimeVariable()) || value === "") return;
  const runtime = checkRuntime(value, `runtime "${value}"`);
  if (handle === undefined || runtime === "auto" || describeService(handle, workspace).runtimes.includes(runtime)) return;
  const lacks = runtime === "native" ? `contract (${handle}_native.yml)` : `definition (compose.${handle}.yml)`;
  throw new HarborError(`Cannot prefer "${handle}" ${runtime}: it has no ${lacks}`, { hint: "`harbor ls` shows what each can run on" });
}

/** What stands in the way of the new value, or has to be done for it. */
function sayWhatElse(name: string, value: string, { record }: Configuration): void {
  if (process.env[name] !== undefined && process.env[name] !== value) warn([`${name} is set in the environment too, which goes first`]);
  const handle = handleOf(name, record?.services ?? []);
  if (handle === undefined) return;
  const isRuntime = name === runtimeVariable(handle);
  const runtime = record?.natives.includes(handle) ? "native" : "container";
  if (!isRuntime) note(`${handle} is up: the next \`harbor up\` applies it`);
  else if (value !== "auto" && value !== "" && value !== runtime) {
    note(`${handle} is up and stays on what it runs on; \`harbor up ${value === "native" ? "-x" : "-c"} ${handle}\` moves it`);
  }
}

const get = defineCommand({
  meta: {
    name: "get",
    description: "Print a value, the default where none is set",
    examples: ["harbor config get ollama.host_port", "harbor config get HARBOR_DATA --json"],
  },
  args: { key: { type: "positional", description: KEY, required: true }, ...workspaceArg, ...jsonArg },
  run({ args }) {
    const { keys, values } = readConfiguration(args.workspace);
    const { name, known } = findKey(String(args.key), keys);
    const found = values.find(name);
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
    const { file, changed } = await writeValues({ home, changes: new Map(names.map(({ name }) => [name, undefined])) });
    if (args.json) return emit({ unset: changed, file }, { json: true, render: String });
    const left = readValues({ workspace, env: process.env });
    for (const { name, known } of names) {
      const { origin } = left.find(name) ?? {};
      const now = origin === undefined ? `the default holds${known?.default ? `: ${known.default}` : ""}` : `${origin} sets it`;
      note(changed.includes(name) ? `${known?.key ?? name} is out of ${file}; ${now}` : `${known?.key ?? name} is not in ${file}; ${now}`);
    }
  },
});

const ls = defineCommand({
  meta: {
    name: "ls",
    description: "Show what differs from the defaults, and where it is set",
    examples: ["harbor config ls", "harbor config ls --all", "harbor config ls --show-secrets --json"],
  },
  args: {
    all: { type: "boolean", description: "Every key there is, with its default" },
    "show-secrets": { type: "boolean", description: "Show the values of keys, tokens and passwords" },
    ...workspaceArg,
    ...jsonArg,
  },
  run({ args }) {
    const { keys, values, workspace } = readConfiguration(args.workspace);
    const settings = listSettings({ keys, values, workspace, all: args.all });
    const shown = args["show-secrets"] ? settings : settings.map((it) => ({ ...it, value: it.value && maskSecret(it.name, it.value) }));
    if (shown.length === 0 && !args.json) note("nothing differs from the defaults; `harbor config ls --all` shows them");
    emit(shown, { json: args.json, render });
  },
});

function render(settings: readonly Setting[]): string {
  if (settings.length === 0) return "";
  const rows = settings.map((it) => [it.key, JSON.stringify(it.value ?? "").slice(1, -1), it.origin]);
  return table([["KEY", "VALUE", "SET IN"], ...rows]).join("\n");
}

const commands: CommandTable = {
  set: async () => ({ command: set }),
  get: async () => ({ command: get }),
  unset: async () => ({ command: unset }),
  ls: async () => ({ command: ls }),
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
