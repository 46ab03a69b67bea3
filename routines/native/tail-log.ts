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
  /** No more than this much of its end, for a message that must stay short whatever a line holds. */
  maxBytes?: number;
}

const BLOCK_BYTES = 64 * 1024;
const LINE_END = 0x0a;

/** Empty where there is no such file. */
export function tailLog(options: TailLogOptions): string[] {
  if (options.lines <= 0) return [];
  const lines = readEnd(options).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-options.lines).map((line) => line.replace(/\r$/, ""));
}

/** Enough of the end to hold that many lines, from the start of a line on. */
function readEnd({ file, lines, from = 0, maxBytes = Number.POSITIVE_INFINITY }: TailLogOptions): string {
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
    const lowest = Math.max(first, size - maxBytes);
    const { start, bytes } = readBackwards(fd, lowest, size, lines);
    const text = bytes.toString("utf8");
    const whole = start === first ? 0 : text.indexOf("\n") + 1;
    return text.slice(whole === text.length ? 0 : whole); // the end of an endless line is better than nothing
  } finally {
    closeSync(fd);
  }
}

/** Block by block, until more line ends are in it than lines are wanted: the first line may be a part of one. */
function readBackwards(fd: number, lowest: number, size: number, lines: number): { start: number; bytes: Buffer } {
  const blocks: Buffer[] = [];
  let start = size;
  for (let ends = 0; start > lowest && ends <= lines; ) {
    const length = Math.min(BLOCK_BYTES, start - lowest);
    start -= length;
    const buffer = Buffer.alloc(length);
    const block = buffer.subarray(0, readSync(fd, buffer, 0, length, start));
    for (let at = block.indexOf(LINE_END); at !== -1; at = block.indexOf(LINE_END, at + 1)) ends++;
    blocks.push(block);
  }
  return { start, bytes: Buffer.concat(blocks.reverse()) };
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
