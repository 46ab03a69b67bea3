#!/usr/bin/env bun
/**
 * `harbor cmd`: the docker compose command line for a selection, ready to be run or added to. Writes
 * the merged file that it names under `state/cmd/`, apart from that of the running stack.
 *
 *   bun routines/cmd.ts -x ollama webui -- ps
 */
import { join } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { quoteWord } from "./_script/quote-word.ts";
import { runScript } from "./_script/script.ts";
import { type MadePlan, projectDirectoryOf } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import type { Env } from "./config/read-values.ts";
import { composeArgv, findOverruled } from "./engine/run-compose.ts";
import { planStart } from "./stack/plan-start.ts";
import { stateOf } from "./stack/read-stack.ts";
import { warn } from "./stack/say.ts";
import { writeComposeFiles } from "./stack/write-stack.ts";

/** The words of `docker compose …` for a plan whose files are on disk. */
export function composeWords(made: MadePlan, more: readonly string[], env: Env): string[] {
  const { workspace, project } = made.plan;
  const files = writeComposeFiles(made, join(stateOf(workspace.home).directory, "cmd"));
  // compose takes the environment's value before the file's
  const unset = findOverruled(files.envFile, env).flatMap((name) => ["-u", name]);
  const program = [...(unset.length === 0 ? [] : ["env", ...unset]), "docker", "compose"];
  return composeArgv({ program, args: more, project, ...files, projectDirectory: projectDirectoryOf(workspace) });
}

export const command = defineCommand({
  meta: {
    name: "cmd",
    description: "Print the docker compose command line of a selection",
    examples: ["harbor cmd webui", "harbor cmd -x ollama webui -- config --services", 'eval "$(harbor cmd webui -- ps)"'],
  },
  takesRest: true,
  args: { ...selectionArgs, ...jsonArg },
  async run({ args, rest }) {
    const made = await planStart({ args, env: process.env });
    warn(made.selection.warnings);
    emit(composeWords(made, rest, process.env), { json: args.json, render: (words) => words.map(quoteWord).join(" ") });
  },
});

if (import.meta.main) await runScript(command);
