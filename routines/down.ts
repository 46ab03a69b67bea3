#!/usr/bin/env bun
/**
 * `harbor down`: stop services; without names, all of the project. Never another service.
 *
 *   bun routines/down.ts webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { withLock } from "./_script/lock.ts";
import { runScript } from "./_script/script.ts";
import { currentStack } from "./stack/current-stack.ts";
import { createProgress } from "./stack/progress.ts";
import { stateOf } from "./stack/read-stack.ts";
import { type StoppedService, stopStack } from "./stack/stop-stack.ts";
import { tellServices } from "./stack/tell-services.ts";
import { removeEmptyState } from "./stack/write-stack.ts";

function render(stopped: readonly StoppedService[]): string {
  return stopped.map((it) => `${it.handle}: ${wordEnd(it)}`).join("\n");
}

function wordEnd({ runtime, wasKilled }: StoppedService): string {
  if (runtime === "connected") return "no longer part of the stack; its server goes on";
  return wasKilled ? "killed after its grace" : "stopped";
}

export const command = defineCommand({
  meta: { name: "down", description: "Stop services; all of them without names", examples: ["harbor down", "harbor down webui"] },
  changes: "tried",
  args: {
    handles: { type: "positional", description: "Only these services and their companions", multiple: true, completes: "running" },
    ...jsonArg,
  },
  async run({ args }) {
    const env = process.env;
    const { home } = currentStack(env);
    using interrupt = listenForInterrupt();
    const progress = createProgress(args.json);
    const stop = (): Promise<StoppedService[]> => {
      const { project, record } = currentStack(env);
      return stopStack({ home, project, record, env, handles: args.handles, progress });
    };
    const stopped = await withLock(stateOf(home).lock, stop, { signal: interrupt.signal, purpose: "harbor down" });
    removeEmptyState(home);
    await tellServices({ cause: "down", home, env, signal: interrupt.signal, progress });
    if (stopped.length === 0) progress.say("harbor", "nothing to stop");
    emit(stopped, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
