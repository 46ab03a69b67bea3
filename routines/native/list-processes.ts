#!/usr/bin/env bun
/**
 * The native services that were started and not stopped since, the ended ones among them.
 *
 *   bun routines/native/list-processes.ts --json
 */
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { isAlive } from "../_script/process-identity.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { addressOf } from "./_spec.ts";
import { listRecordHandles, type ProcessRecord, readRecord } from "./process-record.ts";

export interface NativeProcess extends ProcessRecord {
  /** `exited` also where another process has its pid by now. */
  state: "running" | "exited";
}

/** By handle; empty where nothing was ever started. */
export function listProcesses(options: { stateDirectory: string }): NativeProcess[] {
  return listRecordHandles(options.stateDirectory).flatMap(
    (handle) => findProcess({ handle, stateDirectory: options.stateDirectory }) ?? [],
  );
}

/** One of them; undefined where it was never started, or was stopped. */
export function findProcess(options: { handle: string; stateDirectory: string }): NativeProcess | undefined {
  const record = readRecord(options.stateDirectory, options.handle);
  return record === undefined ? undefined : { ...record, state: isAlive(record) ? "running" : "exited" };
}

export const command = defineCommand({
  meta: {
    name: "list-processes",
    description: "The native services that were started",
    examples: ["harbor routine list-processes --json"],
  },
  args: { ...jsonArg, state: { type: "string", description: "State directory", valueHint: "DIR" } },
  run({ args }) {
    const processes = listProcesses({ stateDirectory: args.state ?? join(findHome(process.env), "state") });
    const line = (it: NativeProcess): string =>
      `${it.handle}\t${it.state}\tpid ${it.pid}\t${it.port === undefined ? "-" : `${addressOf(it)}:${it.port}`}`;
    emit(processes, { json: args.json, render: (all) => all.map(line).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
