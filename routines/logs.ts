#!/usr/bin/env bun
/**
 * `harbor logs`: what services print, native and container alike.
 *
 *   bun routines/logs.ts ollama --tail 50
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { readCount } from "./_script/count.ts";
import { emitLine } from "./_script/emit.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { readPattern } from "./_script/pattern.ts";
import { runScript } from "./_script/script.ts";
import { readSince } from "./_script/since.ts";
import { checkKnown, isUp, notUp } from "./stack/check-known.ts";
import { currentStack } from "./stack/current-stack.ts";
import { printLogs, showsColours } from "./stack/print-logs.ts";
import type { StackRecord } from "./stack/read-stack.ts";
import { type LogLine, readStackLogs } from "./stack/read-stack-logs.ts";
import { NOTHING_IS_UP, note } from "./stack/say.ts";

/** Of each service, where neither a number nor a time is asked for. */
const DEFAULT_TAIL = "20";

export const command = defineCommand({
  meta: {
    name: "logs",
    description: "Show what services print",
    examples: [
      "harbor logs",
      "harbor logs -f ollama webui",
      "harbor logs --since 10m --grep 'error|warn' -i",
      "harbor logs --tail 100 --json webui",
    ],
  },
  args: {
    handles: { type: "positional", description: "Service handles; all that run when left out", multiple: true, completes: "running" },
    follow: { type: "boolean", alias: "f", description: "Go on as lines come, until Ctrl-C" },
    tail: { type: "string", alias: "n", description: "The last N lines of each service, or all; 20 without --since", valueHint: "N" },
    since: { type: "string", description: "Nothing older: 10m, 2h, 1d, or a time", valueHint: "TIME" },
    grep: { type: "string", alias: "g", description: "Only lines that match", valueHint: "REGEX" },
    "ignore-case": { type: "boolean", alias: "i", description: "For --grep, capital and small letters are the same" },
    timestamps: { type: "boolean", alias: "t", description: "With the time of each line" },
    ...jsonArg,
  },
  async run({ args }) {
    const { follow, since, grep, handles } = args;
    const view = {
      tail: args.tail === undefined && since !== undefined ? undefined : readCount("--tail", args.tail ?? DEFAULT_TAIL),
      sinceMs: since === undefined ? undefined : readSince(since),
      grep: grep === undefined ? undefined : readPattern("--grep", grep, args["ignore-case"]),
    };
    const { home, project, record } = currentStack(process.env);
    checkKnown(handles, home, record);
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const lines = readStackLogs({ home, env: process.env, project, handles, ...view, follow, signal });
    const isNarrow = since !== undefined || grep !== undefined;
    const count = await (args.json ? printJson(lines) : printForPerson(lines, args, record));
    if (count > 0 || signal.aborted) return;
    if (!isNarrow) requireUp(handles, record);
    if (!args.json) note(whyNone(handles, record, isNarrow));
  },
});

/** Until nobody reads them any more; gives the number of lines, as the next does. */
async function printJson(lines: AsyncIterable<LogLine>): Promise<number> {
  let count = 0;
  for await (const line of lines) {
    count++;
    if (!emitLine(JSON.stringify(line))) break;
  }
  return count;
}

interface ForPerson {
  handles: readonly string[];
  timestamps: boolean;
}

function printForPerson(
  lines: AsyncIterable<LogLine>,
  { handles, timestamps }: ForPerson,
  record: StackRecord | undefined,
): Promise<number> {
  const names = handles.length === 0 ? record?.services : handles;
  return printLogs(lines, { hasPrefix: handles.length !== 1, names, hasTimes: timestamps, hasColours: showsColours(process.env) });
}

/** Throws where nothing that was named is up, or has left a log. */
function requireUp(handles: readonly string[], record: StackRecord | undefined): void {
  if (handles.length > 0 && !handles.some((it) => isUp(it, record))) throw notUp("show the log of", handles);
}

function whyNone(handles: readonly string[], record: StackRecord | undefined, isNarrow: boolean): string {
  if (record === undefined) return NOTHING_IS_UP;
  const idle = handles.filter((handle) => !record.services.includes(handle));
  if (idle.length > 0) return `not running: ${idle.join(", ")}`;
  const elsewhere = handles.filter((handle) => record.connected?.includes(handle));
  if (elsewhere.length > 0) return `${elsewhere.join(", ")}: connected, so that the log is where the server runs`;
  return isNarrow ? "no such lines" : "no lines yet";
}

if (import.meta.main) await runScript(command);
