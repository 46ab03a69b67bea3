#!/usr/bin/env bun
/**
 * The lines of a log file as they are written, after its last few.
 *
 *   bun routines/native/follow-log.ts ~/.harbor/state/native/ollama/log
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { defineCommand } from "../_script/command.ts";
import { emitText } from "../_script/emit.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { runScript } from "../_script/script.ts";
import { tailLog } from "./tail-log.ts";

export interface FollowLogOptions {
  file: string;
  /** How many of the lines that are there already. */
  lines: number;
  signal: AbortSignal;
}

const POLL_MS = 100;
const LINE_END = 0x0a;

/** Ends when aborted; a file that is cut or not there yet is read from its start. */
export async function* followLog({ file, lines, signal }: FollowLogOptions): AsyncGenerator<string> {
  let position = sizeOf(file);
  yield* tailLog({ file, lines });
  while (!signal.aborted) {
    const size = sizeOf(file);
    if (size < position) position = 0;
    if (size > position) {
      const chunk = readFrom(file, position);
      // up to the last line end only: what follows may be half a line, or half a character
      const end = chunk.lastIndexOf(LINE_END) + 1;
      position += end;
      yield* chunk
        .toString("utf8", 0, Math.max(0, end - 1))
        .split("\n")
        .slice(0, end === 0 ? 0 : undefined);
    }
    await pause(signal);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function readFrom(file: string, position: number): Buffer {
  const fd = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(fstatSync(fd).size - position);
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, position));
  } finally {
    closeSync(fd);
  }
}

/** Polling rather than watching: the same on every file system, network and container mounts among them. */
function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, POLL_MS);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}

export const command = defineCommand({
  meta: { name: "follow-log", description: "Print the lines of a log file as they come" },
  args: { file: { type: "positional", description: "Log file", required: true } },
  async run({ args }) {
    using interrupt = listenForInterrupt();
    for await (const line of followLog({ file: args.file ?? "", lines: 20, signal: interrupt.signal })) emitText(line);
  },
});

if (import.meta.main) await runScript(command);
