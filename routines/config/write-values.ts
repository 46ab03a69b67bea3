#!/usr/bin/env bun
/**
 * Change values of `$HARBOR_HOME/config.env`: the lines of the keys named, and no other line. One at a time across
 * commands, and whole: a reader sees the old file or the new one.
 *
 *   bun routines/config/write-values.ts HARBOR_OLLAMA_HOST_PORT=11500 --unset HARBOR_DATA
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { runScript } from "../_script/script.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { commentStart, type EnvEntry, readEntries } from "./_env-entries.ts";
import { findHome } from "./find-home.ts";
import { formatEnvValue } from "./parse-env.ts";

export interface WriteValuesOptions {
  home: string;
  /** Name → its new value; undefined takes it out. */
  changes: ReadonlyMap<string, string | undefined>;
}

export interface WrittenValues {
  file: string;
  /** Of the names, those of which the file says something else now. */
  changed: string[];
}

/** The user's configuration. */
export function configFile(home: string): string {
  return join(home, "config.env");
}

/** Throws `usage` for what is no name; with the line where the file cannot be read. */
export async function writeValues({ home, changes }: WriteValuesOptions): Promise<WrittenValues> {
  for (const name of changes.keys()) checkName(name);
  const path = configFile(home);
  const write = (): WrittenValues => {
    // a link, as those who keep their configuration elsewhere have it, stays one
    const file = existsSync(path) ? realpathSync(path) : path;
    const before = readFileOrNothing(file);
    const after = [...changes].reduce((text, [name, value]) => changeLine(text, name, value, file), before);
    const changed = [...changes.keys()].filter((name) => linesOf(before, name, file) !== linesOf(after, name, file));
    if (after !== before) writeFileWhole(file, after);
    return { file: path, changed };
  };
  return withLock(`${path}.lock`, write, { purpose: "harbor config" });
}

function checkName(name: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  throw new HarborError(`Cannot use "${name}" as a key: it is no name of a variable`, {
    exit: "usage",
    hint: "Write it like HARBOR_OLLAMA_HOST_PORT or ollama.host_port",
  });
}

function readFileOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new HarborError(`Cannot read "${file}": ${(error as Error).message}`, { cause: error });
  }
}

/** The last of several entries counts, so that is the one changed; a value taken out takes all of them along. */
function changeLine(text: string, name: string, value: string | undefined, file: string): string {
  const lines = text.split("\n");
  const entries = entriesOf(text, name, file);
  const last = entries.at(-1);
  if (value === undefined) {
    for (const { first, last: end } of entries.toReversed()) lines.splice(first, end - first + 1);
    return lines.join("\n");
  }
  if (last !== undefined) {
    lines.splice(last.first, last.last - last.first + 1, `${last.head}${formatEnvValue(value)}${tailOf(last)}`);
    return lines.join("\n");
  }
  const gap = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${text}${gap}${name}=${formatEnvValue(value)}\n`;
}

function entriesOf(text: string, name: string, file: string): EnvEntry[] {
  return readEntries(text.split(/\r?\n/), file).filter(({ key }) => key === name);
}

function linesOf(text: string, name: string, file: string): string {
  return JSON.stringify(entriesOf(text, name, file).map(({ head, quote, raw, tail }) => [head, quote, raw, tail]));
}

/** A comment behind the value. */
function tailOf({ quote, raw, tail }: EnvEntry): string {
  if (quote !== undefined) return tail;
  const comment = commentStart(raw);
  return comment === -1 ? "" : raw.slice(comment);
}

export const command = defineCommand({
  meta: {
    name: "write-values",
    description: "Change values of config.env",
    examples: ["harbor routine write-values HARBOR_OLLAMA_HOST_PORT=11500", "harbor routine write-values --unset HARBOR_DATA"],
  },
  args: {
    ...jsonArg,
    values: { type: "positional", description: "NAME=value", multiple: true },
    unset: { type: "string", description: "Take a value out", valueHint: "NAME", multiple: true },
  },
  async run({ args }) {
    const changes = new Map<string, string | undefined>(args.unset.map((name) => [name, undefined]));
    for (const pair of args.values) {
      if (!pair.includes("="))
        throw new HarborError(`Cannot set "${pair}": it has no value`, { exit: "usage", hint: `Write ${pair}=value` });
      changes.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const written = await writeValues({ home: findHome(process.env), changes });
    emit(written, { json: args.json, render: ({ changed }) => changed.join("\n") });
  },
});

if (import.meta.main) await runScript(command);
