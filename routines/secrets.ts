#!/usr/bin/env bun
/**
 * `harbor secrets`: keys, tokens and passwords of the configuration, kept apart from it: in a file for its owner alone, or in the
 * system's keychain.
 *
 *   bun routines/secrets.ts ls
 */
import {
  type Configuration,
  checkValue,
  KEY,
  noteIfUp,
  readConfiguration,
  showSecretsArg,
  warnOfEnvironment,
  workspaceArg,
} from "./_configuration.ts";
import { askSecret } from "./_script/ask-secret.ts";
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runNamed } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import { findKey, unknownKey } from "./config/find-key.ts";
import { isSecretKey } from "./config/list-keys.ts";
import { listSettings, type Setting } from "./config/list-settings.ts";
import { handleOf } from "./config/name-variable.ts";
import { openSecrets } from "./config/read-secrets.ts";
import { maskSettings } from "./config/show-settings.ts";
import { moveSecrets, STORES, storeOf, wordStore } from "./config/write-secrets.ts";
import { writeSettings } from "./config/write-settings.ts";
import { note } from "./stack/say.ts";

interface SecretRow extends Pick<Setting, "name" | "key" | "value" | "origin"> {
  /** Made by Harbor at the first start of its service. */
  generated: boolean;
  /** Taken by its service at its very first start alone. */
  once: boolean;
  description: string | null;
}

const ls = defineCommand({
  meta: {
    name: "ls",
    description: "Show which secrets are set, and where each is kept",
    examples: ["harbor secrets", "harbor secrets ls --all", "harbor secrets ls --show-secrets --json"],
  },
  args: {
    all: { type: "boolean", description: "Those that are not set as well" },
    ...showSecretsArg,
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    if (args["show-secrets"]) await openSecrets(findHome(process.env));
    const { home, keys, values, workspace } = readConfiguration(args.workspace);
    const secrets = listSettings({ keys, values, workspace, all: true }).filter(({ name }) => isSecretKey(name, keys));
    const shown = maskSettings(secrets, keys, args["show-secrets"]).filter(({ value }) => args.all || (value !== null && value !== ""));
    const rows = shown.map(({ name, key, value, origin }): SecretRow => {
      const { generate, isTakenOnce = false, description = null } = keys.get(name)?.declared ?? {};
      return { name, key, value, origin, generated: generate !== undefined, once: isTakenOnce, description: description ?? null };
    });
    if (rows.length === 0 && !args.json) note(`no secret is set; they would be kept in ${wordStore(home)}`);
    emit(rows, { json: args.json, render: renderSecrets });
  },
});

function renderSecrets(rows: readonly SecretRow[]): string {
  const cells = rows.map(({ key, value, origin, description }) => [
    key,
    JSON.stringify(value ?? "").slice(1, -1),
    origin,
    description ?? "",
  ]);
  return rows.length === 0 ? "" : table([["KEY", "VALUE", "KEPT IN", "DESCRIPTION"], ...cells]).join("\n");
}

const set = defineCommand({
  meta: {
    name: "set",
    description: "Set a secret: typed unseen on the terminal, or from stdin; never from the command line",
    examples: ["harbor secrets set hf_token", "harbor secrets set webui.openai_key < key.txt"],
  },
  changes: "done",
  args: {
    key: { type: "positional", description: KEY, required: true, completes: "secret" },
    value: { type: "positional", description: "Only -, which is stdin anyway: a value here would be in the list of processes" },
    force: { type: "boolean", description: "Also a key that no file names" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const typed = String(args.key);
    if (args.value !== undefined && args.value !== "-") {
      throw new HarborError(`Cannot take a secret from the command line: whoever is on this host could read it there`, {
        exit: "usage",
        hint: `Type it unseen: harbor secrets set ${typed}; or hand a file over: harbor secrets set ${typed} < FILE`,
      });
    }
    const configuration = readConfiguration(args.workspace);
    const { home, keys, record } = configuration;
    const { name, known } = findKey(typed, keys);
    if (known === undefined && !args.force) throw unknownKey(typed, keys, "Set it all the same with --force");
    const key = known?.key ?? name;
    refuseOther(name, key, configuration);
    const value = await askSecret(key);
    if (value === "")
      throw new HarborError(`Cannot set ${key} to nothing`, { exit: "usage", hint: `\`harbor secrets unset ${key}\` takes it out` });
    checkValue(name, value, configuration);
    const { store } = await writeSettings({ home, changes: new Map([[name, value]]), isSecret: () => true });
    if (args.json) return emit({ name, store }, { json: true, render: String });
    note(`${key} is set (${store})`);
    warnOfEnvironment(name, value);
    const handle = handleOf(name, record?.services ?? []);
    if (handle !== undefined) noteIfUp(handle, record);
  },
});

/** What listings would show has to be somewhere else. */
function refuseOther(name: string, key: string, { keys }: Pick<Configuration, "keys">): void {
  if (isSecretKey(name, keys)) return;
  throw new HarborError(`Cannot keep ${key} as a secret: it is none, by its name or by what its folder says`, {
    exit: "usage",
    hint: keys.has(name) ? `\`harbor config set ${key}\` sets it` : "Call it …_KEY, …_TOKEN or …_PASSWORD, or declare it: { secret: true }",
  });
}

const unset = defineCommand({
  meta: {
    name: "unset",
    description: "Take secrets out, wherever they are kept",
    examples: ["harbor secrets unset hf_token"],
  },
  changes: "done",
  args: {
    keys: { type: "positional", description: KEY, required: true, multiple: true, completes: "secret" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const { home, keys, values } = readConfiguration(args.workspace);
    const names = args.keys.map((typed) => ({ typed, ...findKey(typed, keys) }));
    const unknown = names.find(({ name, known }) => known === undefined && !values.names().has(name));
    if (unknown !== undefined) throw unknownKey(unknown.typed, keys);
    const changes = new Map(names.map(({ name }) => [name, undefined]));
    const { changed } = await writeSettings({ home, changes, isSecret: () => true });
    if (args.json) return emit({ unset: changed }, { json: true, render: String });
    for (const { name, known } of names) note(`${known?.key ?? name} ${changed.includes(name) ? "is taken out" : "was not set"}`);
  },
});

const store = defineCommand({
  meta: {
    name: "store",
    description: "Show where secrets are kept, or move them: to a file for its owner alone, or to the system's keychain",
    examples: ["harbor secrets store", "harbor secrets store keychain", "harbor secrets store file"],
  },
  changes: ({ where }) => (where === undefined ? undefined : "done"),
  args: {
    where: { type: "positional", description: "file or keychain", completes: STORES },
    forget: { type: "boolean", description: "To a file: without those of a keychain that cannot be had; they have to be set anew" },
    ...jsonArg,
  },
  async run({ args }) {
    const home = findHome(process.env);
    if (args.where === undefined) {
      return emit(
        { store: storeOf(home), place: wordStore(home) },
        { json: args.json, render: ({ store: it, place }) => `${it}\t${place}` },
      );
    }
    const to = STORES.find((known) => known === args.where);
    if (to === undefined) {
      throw new HarborError(`Cannot keep secrets in "${args.where}": there is no such store`, {
        exit: "usage",
        hint: `Use one of ${STORES.join(", ")}`,
      });
    }
    if (args.forget && to !== "file")
      throw new HarborError("Cannot forget secrets on the way to the keychain: --forget is for `store file`", { exit: "usage" });
    const count = await moveSecrets({ home, to, forgets: args.forget });
    if (args.json) return emit({ store: to, place: wordStore(home), secrets: count }, { json: true, render: String });
    note(`${count} ${count === 1 ? "secret is" : "secrets are"} in ${wordStore(home)} now, where new ones go as well`);
  },
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  set: async () => ({ command: set }),
  unset: async () => ({ command: unset }),
  rotate: () => import("./_secrets-rotate.ts"),
  store: async () => ({ command: store }),
};

export const command = defineCommand({
  meta: {
    name: "secrets",
    description: "Keep keys, tokens and passwords, in a file or in the system's keychain; replace those that Harbor made",
    examples: ["harbor secrets", "harbor secrets set hf_token", "harbor secrets rotate litellm --restart", "harbor secrets store keychain"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest.length === 0 || rest[0]?.startsWith("-") ? ["ls", ...rest] : rest, "harbor secrets"),
});

if (import.meta.main) await runScript(command);
