#!/usr/bin/env bun
/**
 * `harbor logs`: what services print, native and container alike.
 *
 *   bun routines/logs.ts ollama --tail 50
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { currentStack } from "./stack/current-stack.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { printLogs } from "./stack/follow-stack.ts";
import type { StackRecord } from "./stack/read-stack.ts";
import { readStackLogs } from "./stack/read-stack-logs.ts";
import { NOTHING_IS_UP, note } from "./stack/say.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

export const command = defineCommand({
  meta: {
    name: "logs",
    description: "Show what services print",
    examples: ["harbor logs", "harbor logs -f ollama webui", "harbor logs --tail 100 --json webui"],
  },
  args: {
    handles: { type: "positional", description: "Service handles; all that run when left out", multiple: true },
    follow: { type: "boolean", alias: "f", description: "Go on as lines come, until Ctrl-C" },
    tail: { type: "string", alias: "n", description: "How many lines of each service", valueHint: "N", default: "20" },
    ...jsonArg,
  },
  async run({ args }) {
    const { home, project, record } = currentStack(process.env);
    const tail = Number(args.tail);
    if (!Number.isInteger(tail) || tail < 0) throw new HarborError(`Cannot show "${args.tail}" lines: it is no number`, { exit: "usage" });
    for (const handle of args.handles) checkKnown(handle, home, record);
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const lines = readStackLogs({ home, env: process.env, project, handles: args.handles, tail, follow: args.follow, signal });
    if (args.json) {
      for await (const line of lines) emitText(JSON.stringify(line));
      return;
    }
    const count = await printLogs(lines, { hasPrefix: args.handles.length !== 1 });
    if (count > 0 || signal.aborted) return;
    const idle = args.handles.filter((handle) => !record?.services.includes(handle));
    if (record === undefined) note(NOTHING_IS_UP);
    else note(idle.length > 0 ? `not running: ${idle.join(", ")}` : "no lines yet");
  },
});

/** A service, or a companion of one that is up. */
function checkKnown(name: string, home: string, record: StackRecord | undefined): void {
  checkHandle(name);
  if (record?.services.includes(name) || record?.planned.some((it) => it.containers.includes(name))) return;
  const handles = listHandles(findStackWorkspace({ home, record }).workspace);
  if (!handles.includes(name)) throwUnknown(name, handles);
}

if (import.meta.main) await runScript(command);
