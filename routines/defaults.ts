#!/usr/bin/env bun
/**
 * `harbor defaults`: the services that every `harbor up` starts.
 *
 *   bun routines/defaults.ts add ollama webui
 */
import { findPlace, readConfigured, requireHandle, workspaceArg } from "./_configuration.ts";
import { type ChangedList, changeList, emitList } from "./_list-value.ts";
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runNamed } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { addItems, removeItems } from "./config/change-list.ts";
import { BUILT_IN_CAPABILITIES } from "./host/capabilities.ts";
import { note } from "./stack/say.ts";

const NAME = "HARBOR_SERVICES_DEFAULT";

function split(list: string): string[] {
  return list
    .split(/[;,]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function report({ items, isChanged, file }: ChangedList, json: boolean): void {
  if (json) {
    emit({ defaults: items, file }, { json, render: String });
    return;
  }
  const state = items.length === 0 ? "no default services" : `default services: ${items.join(", ")}`;
  note(`${state}${isChanged ? "" : ", as before"} (${file})`);
}

const ls = defineCommand({
  meta: { name: "ls", description: "Show the default services", examples: ["harbor defaults", "harbor defaults ls --json"] },
  args: { ...workspaceArg, ...jsonArg },
  run({ args }) {
    const { values } = readConfigured(args.workspace);
    const nothing = "there are no default services; `harbor defaults add <handle>` makes one";
    emitList(split(values.get(NAME) ?? ""), { json: args.json, nothing });
  },
});

const add = defineCommand({
  meta: {
    name: "add",
    description: "Have every `harbor up` start these as well",
    examples: ["harbor defaults add ollama webui"],
  },
  changes: "done",
  args: { handles: { type: "positional", description: "Service handles", required: true, multiple: true }, ...workspaceArg, ...jsonArg },
  async run({ args }) {
    const place = findPlace(args.workspace);
    for (const handle of args.handles) checkService(handle, place.workspace);
    report(await changeList({ place, name: NAME, split, change: (items) => addItems(items, args.handles) }), args.json);
  },
});

function checkService(handle: string, workspace: Parameters<typeof requireHandle>[1]): void {
  if (BUILT_IN_CAPABILITIES.some((capability) => capability === handle)) {
    throw new HarborError(`Cannot make "${handle}" a default service: it is a capability`, {
      exit: "usage",
      hint: `harbor config set capabilities_default ${handle}`,
    });
  }
  requireHandle(handle, workspace);
}

const rm = defineCommand({
  meta: {
    name: "rm",
    description: "Take default services out, by handle or by number",
    examples: ["harbor defaults rm webui", "harbor defaults rm 0"],
  },
  changes: "done",
  args: {
    handles: { type: "positional", description: "Handles, or numbers as `harbor defaults` shows them", required: true, multiple: true },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const place = findPlace(args.workspace);
    const change = (items: readonly string[]): string[] => removeItems(items, args.handles, "the default services");
    report(await changeList({ place, name: NAME, split, change }), args.json);
  },
});

const clear = defineCommand({
  meta: { name: "clear", description: "Take all of them out", examples: ["harbor defaults clear"] },
  changes: "done",
  args: { ...workspaceArg, ...jsonArg },
  async run({ args }) {
    report(await changeList({ place: findPlace(args.workspace), name: NAME, split, change: () => [] }), args.json);
  },
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  add: async () => ({ command: add }),
  rm: async () => ({ command: rm }),
  clear: async () => ({ command: clear }),
};

export const command = defineCommand({
  meta: {
    name: "defaults",
    description: "Show and change the services that every `harbor up` starts",
    examples: ["harbor defaults", "harbor defaults add ollama webui", "harbor defaults rm webui", "harbor defaults clear"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, withLs(rest), "harbor defaults"),
});

/** Alone, or with options alone, it shows them. */
function withLs(words: readonly string[]): readonly string[] {
  return words[0] === undefined || words[0].startsWith("-") ? ["ls", ...words] : words;
}

if (import.meta.main) await runScript(command);
