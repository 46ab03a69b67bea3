#!/usr/bin/env bun
/**
 * `harbor stats`: what services use, once; `harbor top` shows it live.
 *
 *   bun routines/stats.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { checkKnown, notUp } from "./stack/check-known.ts";
import { currentStack } from "./stack/current-stack.ts";
import { measureStack } from "./stack/measure-stack.ts";
import { renderUsage } from "./stack/render-usage.ts";
import { NOTHING_IS_UP, note } from "./stack/say.ts";

const OVER_MS = 500;

export const command = defineCommand({
  meta: {
    name: "stats",
    description: "Show once what services use: processor, memory, GPU, network",
    examples: ["harbor stats", "harbor stats ollama webui", "harbor stats --json"],
  },
  args: { handles: { type: "positional", description: "Only these services", multiple: true, completes: "running" }, ...jsonArg },
  async run({ args }) {
    const { handles } = args;
    const { home, project, record } = currentStack(process.env);
    checkKnown(handles, home, record);
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const used = await measureStack({ home, env: process.env, project, overMs: OVER_MS, signal, handles });
    if (used.length === 0 && handles.length > 0) throw notUp("measure", handles);
    if (used.length === 0 && !args.json) note(NOTHING_IS_UP);
    emit(used, { json: args.json, render: renderUsage });
  },
});

if (import.meta.main) await runScript(command);
