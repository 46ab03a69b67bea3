#!/usr/bin/env bun
/**
 * The last lines of a log file, without reading all of it.
 *
 *   bun routines/native/tail-log.ts ~/.harbor/state/native/ollama/log --lines 50
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";

export interface TailLogOptions {
  file: string;
  lines: number;
  /** Nothing before this byte: where the latest start begins. */
  from?: number;
}

const READ_BYTES = 64 * 1024;

/** Empty where there is no such file. */
export function tailLog(options: TailLogOptions): string[] {
  const text = readEnd(options.file, options.from ?? 0);
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return options.lines <= 0 ? [] : lines.slice(-options.lines).map((line) => line.replace(/\r$/, ""));
}

/** At most the last 64 KiB, from the start of a line on. */
function readEnd(file: string, from: number): string {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new HarborError(`Cannot read log "${file}": ${(cause as Error).message}`, { cause });
  }
  try {
    const size = fstatSync(fd).size;
    const first = from > size ? 0 : from; // it was cut since
    const start = Math.max(first, size - READ_BYTES);
    const buffer = Buffer.alloc(size - start);
    const count = readSync(fd, buffer, 0, buffer.length, start);
    const text = buffer.toString("utf8", 0, count);
    return start === first ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    closeSync(fd);
  }
}

export const command = defineCommand({
  meta: {
    name: "tail-log",
    description: "The last lines of a log file",
    examples: ["harbor routine tail-log ~/.harbor/state/native/ollama/log"],
  },
  args: {
    ...jsonArg,
    file: { type: "positional", description: "Log file", required: true },
    lines: { type: "string", description: "How many", alias: "n", valueHint: "N", default: "20" },
  },
  run({ args }) {
    const lines = Number(args.lines);
    if (!Number.isInteger(lines) || lines < 0) throw new HarborError(`Cannot read ${args.lines} lines: it is no number`, { exit: "usage" });
    emit(tailLog({ file: String(args.file), lines }), { json: args.json, render: (it) => it.join("\n") });
  },
});

if (import.meta.main) await runScript(command);
