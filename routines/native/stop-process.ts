#!/usr/bin/env bun
/**
 * Stop a native service: its process and all that it started. Already stopped is fine.
 *
 *   bun routines/native/stop-process.ts ollama --json
 */
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { withLock } from "../_script/lock.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { endSession } from "./end-session.ts";
import { readRecord, recordPaths, removeRecord } from "./process-record.ts";

export interface StopProcessOptions {
  handle: string;
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  /** Removes its log as well. */
  forget?: boolean;
  /** Instead of the contract's `stop.grace`. */
  graceMs?: number | undefined;
  /** Cuts the grace short. */
  signal?: AbortSignal | undefined;
  lockWaitMs?: number | undefined;
}

export interface StoppedProcess {
  handle: string;
  /** False where nothing ran. */
  wasRunning: boolean;
  /** Whether it had to be killed after the grace. */
  wasKilled: boolean;
}

/** Signals only processes that are known to be the service's: a reused pid is left alone. */
export async function stopProcess(options: StopProcessOptions): Promise<StoppedProcess> {
  const { handle, stateDirectory } = options;
  const paths = recordPaths(stateDirectory, handle);
  const stop = async (): Promise<StoppedProcess> => {
    const record = readRecord(stateDirectory, handle);
    const ended =
      record === undefined
        ? { count: 0, wasKilled: false }
        : await endSession({ record, graceMs: options.graceMs, signal: options.signal });
    removeRecord(stateDirectory, handle, { log: options.forget === true });
    return { handle, wasRunning: ended.count > 0, wasKilled: ended.wasKilled };
  };
  return withLock(paths.lock, stop, { purpose: `stopping ${handle}`, waitMs: options.lockWaitMs });
}

export const command = defineCommand({
  meta: { name: "stop-process", description: "Stop a native service", examples: ["harbor routine stop-process ollama"] },
  args: {
    ...jsonArg,
    handle: { type: "positional", description: "Service handle", required: true },
    state: { type: "string", description: "State directory", valueHint: "DIR" },
    forget: { type: "boolean", description: "Remove its log as well" },
  },
  async run({ args }) {
    const stateDirectory = args.state ?? join(findHome(process.env), "state");
    const stopped = await stopProcess({ handle: String(args.handle), stateDirectory, forget: args.forget });
    emit(stopped, {
      json: args.json,
      render: (it) => `${it.handle}\t${it.wasRunning ? (it.wasKilled ? "killed" : "stopped") : "was not running"}`,
    });
  },
});

if (import.meta.main) await runScript(command);
