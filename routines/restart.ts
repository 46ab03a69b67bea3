#!/usr/bin/env bun
/**
 * `harbor restart`: end services and start them again, as they were started.
 *
 *   bun routines/restart.ts ollama
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { runControl } from "./stack/control-stack.ts";

export const command = defineCommand({
  meta: {
    name: "restart",
    description: "Restart services as they were started",
    examples: ["harbor restart", "harbor restart ollama"],
  },
  changes: "tried",
  args: { handles: { type: "positional", description: "Only these services", multiple: true }, ...jsonArg },
  async run({ args }) {
    const done = await runControl("restart", args.handles, args.json);
    emit(done, { json: args.json, render: (them) => them.map((it) => `${it.handle}: restarted`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
