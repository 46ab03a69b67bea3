#!/usr/bin/env bun
/**
 * The lines of a native service's log, then those that come: across starts, rotation and keepers.
 *
 *   bun routines/native/follow-log.ts ~/.harbor/state/native/ollama
 */
import { defineCommand } from "../_script/command.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { runScript } from "../_script/script.ts";
import type { LogEntry } from "./_log-format.ts";
import { LogView, type LogViewOptions } from "./_log-view.ts";
import { spoolFolder } from "./_spools.ts";
import { Waker } from "./_wake.ts";
import { emitEntry, readViewArgs, viewArgs } from "./read-log.ts";

export interface FollowedLog {
  /** What is there, whole lines alone; ends. */
  history: AsyncGenerator<LogEntry>;
  /** What comes after it, to be read once the history is; ends when aborted. */
  live: (signal: AbortSignal) => AsyncGenerator<LogEntry>;
}

/** In two parts, so that several logs can be put in order before they go on as lines come. */
export function followLog(options: LogViewOptions): FollowedLog {
  const view = new LogView(options);
  return { history: view.history(), live: (signal) => goOn(view, options.folder, signal) };
}

async function* goOn(view: LogView, folder: string, signal: AbortSignal): AsyncGenerator<LogEntry> {
  const waker = new Waker(spoolFolder(folder));
  const end = (): void => waker.close();
  signal.addEventListener("abort", end);
  try {
    while (!signal.aborted) {
      let hasFound = false;
      for await (const entry of view.news()) {
        hasFound = true;
        yield entry;
        if (signal.aborted) return;
      }
      await waker.next(hasFound);
    }
  } finally {
    signal.removeEventListener("abort", end);
    waker.close();
  }
}

export const command = defineCommand({
  meta: { name: "follow-log", description: "Print the lines of a native service's log as they come" },
  args: viewArgs,
  async run({ args }) {
    using interrupt = listenForInterrupt();
    const { history, live } = followLog(readViewArgs(args));
    for await (const entry of history) if (!emitEntry(entry, args.json)) return;
    for await (const entry of live(interrupt.signal)) if (!emitEntry(entry, args.json)) return;
  },
});

if (import.meta.main) await runScript(command);
