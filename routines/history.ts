#!/usr/bin/env bun
/**
 * `harbor history`: what was changed with `harbor`, when, and how it ended; no secrets.
 *
 *   bun routines/history.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { readCount } from "./_script/count.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import { clearHistory, type HistoryEntry, readHistory } from "./history/history-file.ts";
import { note } from "./stack/say.ts";

const DEFAULT_TAIL = "50";

function render(entries: readonly HistoryEntry[]): string {
  const line = ({ command, words }: HistoryEntry): string => ["harbor", command, ...words.map(quote)].join(" ");
  const when = (time: string): string => time.replace("T", " ").replace(/\.\d+Z$/, "Z");
  return table(entries.map((it) => [when(it.time), it.exit === 0 ? "" : `exit ${it.exit}`, line(it)])).join("\n");
}

/** As a shell would take it. */
function quote(word: string): string {
  return /^[\w./:@=,+*~…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export const command = defineCommand({
  meta: {
    name: "history",
    description: "Show what was changed with harbor, when, and how it ended",
    examples: ["harbor history", "harbor history --tail all --json", "harbor history clear"],
  },
  args: {
    action: { type: "positional", description: "clear: forget it all" },
    tail: { type: "string", alias: "n", description: "The last N, or all", valueHint: "N", default: DEFAULT_TAIL },
    ...jsonArg,
  },
  async run({ args }) {
    const home = findHome(process.env);
    if (args.action === "clear") return clear(home, args.json);
    if (args.action !== undefined) {
      throw new HarborError(`Cannot run "history": it knows no "${args.action}"`, {
        exit: "usage",
        hint: "harbor history, or harbor history clear",
      });
    }
    const count = readCount("--tail", args.tail);
    const entries = readHistory(home);
    if (entries.length === 0 && !args.json) note("there is no history yet");
    emit(count === undefined ? entries : entries.slice(Math.max(0, entries.length - count)), { json: args.json, render });
  },
});

async function clear(home: string, json: boolean): Promise<void> {
  const cleared = await clearHistory(home);
  if (json) emit({ cleared }, { json, render: String });
  else note(cleared === 0 ? "there is no history" : `${cleared} ${cleared === 1 ? "entry is" : "entries are"} forgotten`);
}

if (import.meta.main) await runScript(command);
