#!/usr/bin/env bun
/**
 * `harbor find`: files by words of their paths: of services, the configuration, data and models.
 *
 *   bun routines/find.ts gemma gguf
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { readCount } from "./_script/count.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { nearest } from "./_script/nearest.ts";
import { runScript } from "./_script/script.ts";
import { formatSize } from "./_script/size.ts";
import { table } from "./_script/table.ts";
import { currentStack } from "./stack/current-stack.ts";
import { type FoundFile, findFiles, PLACES, type Place } from "./stack/find-files.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { note } from "./stack/say.ts";

const DEFAULT_LIMIT = "200";

function readPlaces(names: readonly string[]): Place[] {
  return names.map((name) => {
    const place = PLACES.find((it) => it === name);
    if (place !== undefined) return place;
    const guess = nearest(name, PLACES);
    const suggestion = guess === undefined ? "" : `; did you mean "${guess}"?`;
    throw new HarborError(`Cannot look in "${name}": it is no such place${suggestion}`, {
      exit: "usage",
      hint: `It is one of ${PLACES.join(", ")}`,
    });
  });
}

function render(files: readonly FoundFile[]): string {
  return table(files.map((it) => [it.place, formatSize(it.bytes), it.path])).join("\n");
}

export const command = defineCommand({
  meta: {
    name: "find",
    description: "Find files of services, of the configuration, data and models",
    examples: ["harbor find gemma gguf", "harbor find '*.safetensors' --in models", "harbor find ollama compose --json"],
  },
  args: {
    words: {
      type: "positional",
      description: "All of them in the path; one with * or ? is a pattern of the name",
      required: true,
      multiple: true,
    },
    in: {
      type: "string",
      description: "Only there: services, configuration, data, models",
      valueHint: "PLACE",
      multiple: true,
      completes: PLACES,
    },
    limit: { type: "string", alias: "n", description: "At most so many, or all", valueHint: "N", default: DEFAULT_LIMIT },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  run({ args }) {
    const { env } = process;
    const limit = readCount("--limit", args.limit) ?? Number.POSITIVE_INFINITY;
    const { home, record } = currentStack(env);
    const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
    const files: FoundFile[] = [];
    let isCut = false;
    for (const file of findFiles({ words: args.words, workspace, env, places: readPlaces(args.in) })) {
      isCut = files.length >= limit;
      if (isCut) break;
      files.push(file);
    }
    emit(files, { json: args.json, render });
    if (isCut) note(`these are the first ${limit}; more words find less, --limit all shows all`);
    else if (files.length === 0 && !args.json) note("no file is like that");
  },
});

if (import.meta.main) await runScript(command);
