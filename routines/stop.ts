#!/usr/bin/env bun
/**
 * `harbor stop`: end services and leave them part of the stack: the next `harbor up` starts them again.
 *
 *   bun routines/stop.ts ollama
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { withLock } from "./_script/lock.ts";
import { runScript } from "./_script/script.ts";
import { type ControlledService, controlStack } from "./stack/control-stack.ts";
import { currentStack } from "./stack/current-stack.ts";
import { createProgress } from "./stack/progress.ts";
import { stateOf } from "./stack/read-stack.ts";
import { removeEmptyState } from "./stack/write-stack.ts";

export const command = defineCommand({
  meta: {
    name: "stop",
    description: "Stop services without taking them down; the next up starts them again",
    examples: ["harbor stop", "harbor stop ollama"],
  },
  args: { handles: { type: "positional", description: "Only these services", multiple: true }, ...jsonArg },
  async run({ args }) {
    const env = process.env;
    const { home } = currentStack(env);
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const progress = createProgress(args.json);
    const work = (): Promise<ControlledService[]> =>
      controlStack({ action: "stop", ...currentStack(env), env, handles: args.handles, signal, progress });
    const done = await withLock(stateOf(home).lock, work, { signal, purpose: "harbor stop" }).finally(() => removeEmptyState(home));
    if (done.length === 0) progress.say("harbor", "nothing runs that could be stopped");
    emit(done, { json: args.json, render: (them) => them.map((it) => `${it.handle}: stopped`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
