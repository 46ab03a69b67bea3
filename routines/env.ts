#!/usr/bin/env bun
/**
 * `harbor env`: the variables that a service gets, natively or in a container, and where each comes from.
 *
 *   bun routines/env.ts ollama --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { explainEnvironment, type ServiceEnvironment } from "./compose/explain-environment.ts";
import { makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { findHome } from "./config/find-home.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { whatRuns } from "./stack/what-runs.ts";

/** One table; a service of several containers has one for each. */
function render(services: readonly ServiceEnvironment[]): string {
  const blocks = services.map(({ service, runtime, variables }) => {
    const rows = variables.map((it) => [it.name, it.origin, JSON.stringify(it.value).slice(1, -1)]);
    const lines = rows.length === 0 ? [] : table([["NAME", "FROM", "VALUE"], ...rows]);
    return [...(services.length > 1 ? [`${service} (${runtime})`] : []), ...lines].join("\n");
  });
  return blocks.join("\n\n");
}

const { names: _, ...selection } = selectionArgs;

export const command = defineCommand({
  meta: {
    name: "env",
    description: "Show the variables that a service gets, and where each comes from",
    examples: [
      "harbor env ollama",
      "harbor env ollama -x ollama            What it would get natively",
      "harbor env webui -x ollama --json      What it gets beside a native Ollama",
    ],
  },
  args: {
    handle: { type: "positional", description: "Service handle", required: true },
    ...selection,
    "show-secrets": { type: "boolean", description: "Show the values of keys, tokens and passwords" },
    ...jsonArg,
  },
  async run({ args }) {
    const env = process.env;
    const home = findHome(env);
    const handle = String(args.handle);
    const record = readStack(home);
    const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
    const made = await makePlan({ args: { ...args, names: [handle] }, env, workspace, running: whatRuns(record) });
    warn(made.selection.warnings);
    const services = explainEnvironment({ made, handle, environment: env, showsSecrets: args["show-secrets"] });
    if (services.every(({ variables }) => variables.length === 0) && !args.json) note(`${handle} gets no variables`);
    emit(services, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
