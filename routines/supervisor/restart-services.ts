#!/usr/bin/env bun
/**
 * Restart native services as they were started, and wait until each is ready again.
 *
 *   bun routines/supervisor/restart-services.ts ollama
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { supervisorPaths } from "./_paths.ts";
import { connectSupervisor } from "./connect-supervisor.ts";
import type { ServiceReport } from "./report.ts";
import { startFailure } from "./start-failure.ts";

export interface RestartServicesOptions {
  home: string;
  env: Env;
  handles: readonly string[];
  signal: AbortSignal;
  onReport?: (report: ServiceReport) => void;
}

/** Throws what the first of them fails of, or `interrupted`: it goes on all the same. */
export async function restartServices({ home, env, handles, signal, onReport }: RestartServicesOptions): Promise<ServiceReport[]> {
  const client = connectSupervisor({ home, env });
  if (client === undefined || handles.length === 0) return [];
  const latest = new Map<string, ServiceReport>();
  for await (const line of client.restart({ handles: [...handles] }, signal)) {
    if (line.kind !== "report") continue;
    latest.set(line.report.handle, line.report);
    onReport?.(line.report);
    if (line.report.state === "failed") throw await startFailure(line.report, supervisorPaths(home).directory);
  }
  if (signal.aborted) throw new HarborError("Cannot wait for the restart: interrupted", { exit: "interrupted" });
  return [...latest.values()];
}

export const command = defineCommand({
  meta: { name: "restart-services", description: "Restart native services", examples: ["harbor routine restart-services ollama"] },
  args: { ...jsonArg, handles: { type: "positional", description: "Service handles", required: true, multiple: true } },
  async run({ args }) {
    using interrupt = listenForInterrupt();
    const { handles } = args;
    const restarted = await restartServices({ home: findHome(process.env), env: process.env, handles, signal: interrupt.signal });
    emit(restarted, { json: args.json, render: (them) => them.map((it) => `${it.handle}\t${it.state}\tpid ${it.pid}`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
