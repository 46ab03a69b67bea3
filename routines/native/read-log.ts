#!/usr/bin/env bun
/**
 * The lines of a native service's log in the order they were written: of the rotated files, of the current
 * one, and of what its process wrote since. Needs no keeper; works beside one.
 *
 *   bun routines/native/read-log.ts ~/.harbor/state/native/ollama --tail 50
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { readCount } from "../_script/count.ts";
import { emitLine } from "../_script/emit.ts";
import { readPattern } from "../_script/pattern.ts";
import { runScript } from "../_script/script.ts";
import { readSince } from "../_script/since.ts";
import type { LogEntry, LogStream } from "./_log-format.ts";
import { LogView, type LogViewOptions } from "./_log-view.ts";

export type { LogEntry, LogStream } from "./_log-format.ts";
export type { LogViewOptions } from "./_log-view.ts";

/** What there is at the call, also a last line without an end; nothing where there is no log. */
export function readLog(options: LogViewOptions): AsyncGenerator<LogEntry> {
  return new LogView(options).history({ hasPartial: true });
}

export interface LastLinesOptions {
  folder: string;
  lines: number;
  /** Of this start alone. */
  run?: number | undefined;
  /** No more than this much, for a message that must stay short whatever a line holds. */
  maxChars?: number;
}

/** What a process said last, in order of time. Of both streams there is something, where both said something: why it ended may be further back on one of them. */
export async function lastLines({ folder, lines, run, maxChars = Number.POSITIVE_INFINITY }: LastLinesOptions): Promise<string[]> {
  const read = (stream: LogStream): Promise<LogEntry[]> => Array.fromAsync(readLog({ folder, tail: lines, run, stream }));
  const [out, err] = [await read("out"), await read("err")];
  const half = Math.ceil(lines / 2);
  const entries = [...last(out, Math.max(half, lines - err.length)), ...last(err, Math.max(lines - half, lines - out.length))];
  return within(
    entries.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).map((entry) => entry.text),
    maxChars,
  );
}

function last<T>(items: readonly T[], count: number): T[] {
  return items.slice(Math.max(0, items.length - count));
}

/** The end of it. */
function within(lines: readonly string[], maxChars: number): string[] {
  const kept: string[] = [];
  let left = maxChars;
  for (const line of lines.toReversed()) {
    if (left <= 0) break;
    kept.unshift(line.slice(-left));
    left -= line.length + 1;
  }
  return kept;
}

/** Options of the commands that show a log. */
export const viewArgs = {
  ...jsonArg,
  folder: { type: "positional", description: "Folder of the service in the state", required: true },
  tail: { type: "string", description: "The last N lines, or all", alias: "n", valueHint: "N", default: "20" },
  since: { type: "string", description: "From this time on, or this long ago", valueHint: "TIME" },
  grep: { type: "string", description: "Only lines that match", valueHint: "REGEX" },
} as const;

interface ViewValues {
  folder: string;
  tail: string;
  since: string | undefined;
  grep: string | undefined;
}

export function readViewArgs({ folder, tail, since, grep }: ViewValues): LogViewOptions {
  return {
    folder,
    tail: readCount("--tail", tail),
    sinceMs: since === undefined ? undefined : readSince(since),
    grep: grep === undefined ? undefined : readPattern("--grep", grep),
  };
}

/** False where nobody reads it any more. */
export function emitEntry({ time, stream, text }: LogEntry, isJson: boolean): boolean {
  return emitLine(isJson ? JSON.stringify({ time, stream, text }) : `${time} ${stream} ${text}`);
}

export const command = defineCommand({
  meta: {
    name: "read-log",
    description: "The lines of a native service's log",
    examples: ["harbor routine read-log ~/.harbor/state/native/ollama --tail 50"],
  },
  args: viewArgs,
  async run({ args }) {
    for await (const entry of readLog(readViewArgs(args))) if (!emitEntry(entry, args.json)) return;
  },
});

if (import.meta.main) await runScript(command);
