#!/usr/bin/env bun
/**
 * `harbor models path`: where a model lies: the file that a program would be given, or the folder.
 *
 *   bun routines/models/find-model-path.ts llama3.2:1b
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { warn } from "../stack/say.ts";
import { findKnown } from "./_find-known.ts";
import { listModels } from "./list-models.ts";

export const command = defineCommand({
  meta: {
    name: "find-model-path",
    description: "Print the file or folder of a model",
    examples: ["harbor models path llama3.2:1b", "harbor models path Systran/faster-whisper-small --store speaches"],
  },
  args: {
    model: { type: "positional", description: "Its name, as `harbor models ls` shows it", required: true },
    store: { type: "string", alias: "s", description: "The store that is meant, where several have it", valueHint: "S" },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    const { models, stores, warnings } = await listModels({ env: process.env, directory: args.workspace });
    warn(warnings);
    const { listed } = findKnown(String(args.model), { models, stores, store: args.store, doing: "find" });
    const { name, store, path } = listed;
    if (path === null)
      throw new HarborError(`Cannot print the path of "${name}": ${store} keeps it on another machine, or in a folder of its own`);
    emit({ name, store, path }, { json: args.json, render: (it) => it.path });
  },
});

if (import.meta.main) await runScript(command);
