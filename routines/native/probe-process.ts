#!/usr/bin/env bun
/**
 * Ask a native service once, by its contract's own question, whether it answers.
 *
 *   bun routines/native/probe-process.ts ollama --json
 */
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { probePort } from "./_probe.ts";
import { findProcess, type NativeProcess } from "./list-processes.ts";

export interface ProcessHealth {
  health: "healthy" | "unhealthy";
  /** What was seen instead of the answer that was asked for. */
  reason?: string;
}

const TIMEOUT_MS = 1_000;

/** Unhealthy as well when the process is gone. */
export async function probeProcess(process: NativeProcess): Promise<ProcessHealth> {
  if (process.state !== "running") return { health: "unhealthy", reason: `process ${process.pid} has ended` };
  const reason = await probePort({ port: process.port, ready: process.ready, timeoutMs: TIMEOUT_MS });
  return reason === undefined ? { health: "healthy" } : { health: "unhealthy", reason };
}

export const command = defineCommand({
  meta: {
    name: "probe-process",
    description: "Ask a native service once whether it answers",
    examples: ["harbor routine probe-process ollama"],
  },
  args: {
    ...jsonArg,
    handle: { type: "positional", description: "Service handle", required: true },
    state: { type: "string", description: "State directory", valueHint: "DIR" },
  },
  async run({ args }) {
    const handle = String(args.handle);
    const found = findProcess({ handle, stateDirectory: args.state ?? join(findHome(process.env), "state") });
    if (found === undefined) throw new HarborError(`Cannot probe "${handle}": it was not started`, { exit: "unknown" });
    emit(
      { handle, ...(await probeProcess(found)) },
      { json: args.json, render: (it) => [it.handle, it.health, it.reason].filter(Boolean).join("\t") },
    );
  },
});

if (import.meta.main) await runScript(command);
