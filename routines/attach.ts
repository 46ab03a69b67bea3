#!/usr/bin/env bun
/**
 * `harbor attach`: what one service prints, as it comes, and what becomes of it; Ctrl-C leaves it running.
 *
 *   bun routines/attach.ts ollama
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { currentStack } from "./stack/current-stack.ts";
import { readStackLogs } from "./stack/read-stack-logs.ts";
import { note } from "./stack/say.ts";
import { watchService, wordContainerEnd } from "./stack/watch-service.ts";

const TAIL = 20;

export const command = defineCommand({
  meta: {
    name: "attach",
    description: "Follow one service: what it prints, and what becomes of it",
    examples: ["harbor attach ollama", "harbor attach --json ollama"],
  },
  args: { handle: { type: "positional", description: "Service handle", required: true, completes: "running" }, ...jsonArg },
  async run({ args }) {
    const { handle } = args;
    const { home, project } = currentStack(process.env);
    using interrupt = listenForInterrupt();
    const ended = new AbortController();
    const signal = AbortSignal.any([interrupt.signal, ended.signal]);
    const watched = watchService({ home, env: process.env, project, handle, signal, onChange: (text) => note(`${handle}: ${text}`) });
    // lines of a container come until it ends; a process's are awaited as long as it is kept
    watched.then(
      ({ runtime }) => runtime === "native" && ended.abort(),
      () => ended.abort(), // asked for after the lines
    );
    const lines = readStackLogs({ home, env: process.env, project, handles: [handle], tail: TAIL, follow: true, signal });
    for await (const line of lines) emitText(args.json ? JSON.stringify(line) : `${line.line}\n`);
    const fate = await watched;
    if (interrupt.signal.aborted) return;
    const end = fate.runtime === "native" ? fate.end : await wordContainerEnd({ home, env: process.env, project, handle });
    if (end === undefined) return;
    throw new HarborError(`Cannot follow "${handle}" further: ${end}`, { hint: `Start it again: harbor up ${handle}` });
  },
});

if (import.meta.main) await runScript(command);
