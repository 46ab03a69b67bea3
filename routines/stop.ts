#!/usr/bin/env bun
/**
 * `harbor stop`: end services and leave them part of the stack: the next `harbor up` starts them again.
 *
 *   bun routines/stop.ts ollama
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { runControl } from "./stack/control-stack.ts";

export const command = defineCommand({
  meta: {
    name: "stop",
    description: "Stop services without taking them down; the next up starts them again",
    examples: ["harbor stop", "harbor stop ollama"],
  },
  changes: "tried",
  args: { handles: { type: "positional", description: "Only these services", multiple: true }, ...jsonArg },
  async run({ args }) {
    const done = await runControl("stop", args.handles, args.json);
    emit(done, { json: args.json, render: (them) => them.map((it) => `${it.handle}: stopped`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
