#!/usr/bin/env bun
/**
 * `harbor top`: what each service uses, processor, memory, GPU and network, native and container alike; live on a terminal.
 *
 *   bun routines/top.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit, writeAll } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { checkKnown, isUp, notUp } from "./stack/check-known.ts";
import { currentStack } from "./stack/current-stack.ts";
import { measureStack, type ServiceUsage } from "./stack/measure-stack.ts";
import { renderUsage } from "./stack/render-usage.ts";
import { NOTHING_IS_UP, note } from "./stack/say.ts";

const OVER_MS = { once: 500, live: 2_000 };
/** Home, then each line up to its end, then what is left below: nothing flickers. */
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const SCREEN = { enter: "\x1b[?1049h\x1b[?25l", leave: "\x1b[?25h\x1b[?1049l" };

async function showLive(measure: (overMs: number) => Promise<ServiceUsage[]>, signal: AbortSignal): Promise<void> {
  writeAll(1, SCREEN.enter);
  try {
    for (let overMs = OVER_MS.once; !signal.aborted; overMs = OVER_MS.live) {
      const lines = [...renderUsage(await measure(overMs)).split("\n"), "", "Ctrl-C ends this; services go on"];
      writeAll(1, `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}\n`).join("")}${CLEAR_BELOW}`);
    }
  } catch (error) {
    // Ctrl-C is how it ends
    if (!(error instanceof HarborError) || error.exit !== "interrupted") throw error;
  } finally {
    writeAll(1, SCREEN.leave);
  }
}

export const command = defineCommand({
  meta: {
    name: "top",
    description: "Show live what services use: processor, memory, GPU, network",
    examples: ["harbor top", "harbor top ollama", "harbor top --once", "harbor top --json"],
  },
  args: {
    handles: { type: "positional", description: "Only these services", multiple: true, completes: "running" },
    once: { type: "boolean", description: "Print it once, as happens anyway where the output is no terminal" },
    ...jsonArg,
  },
  async run({ args }) {
    const { home, project, record } = currentStack(process.env);
    const { handles } = args;
    checkKnown(handles, home, record);
    if (handles.length > 0 && !handles.some((it) => isUp(it, record))) throw notUp("measure", handles);
    if (record === undefined && !args.json) note(NOTHING_IS_UP);
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const measure = (overMs: number): Promise<ServiceUsage[]> => measureStack({ home, env: process.env, project, overMs, signal, handles });
    if (args.once || args.json || !process.stdout.isTTY || record === undefined)
      emit(await measure(OVER_MS.once), { json: args.json, render: renderUsage });
    else await showLive(measure, signal);
  },
});

if (import.meta.main) await runScript(command);
