#!/usr/bin/env bun
/**
 * Stop native services: each process and all that it started, those that depend on others first. Already stopped is fine.
 *
 *   bun routines/supervisor/stop-services.ts ollama --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { connectSupervisor, dismissSupervisor } from "./connect-supervisor.ts";
import type { ServiceReport } from "./report.ts";

export interface StopServicesOptions {
  home: string;
  env: Env;
  /** All when empty. */
  handles: readonly string[];
  /** Removes their logs as well. */
  forget: boolean;
  /** Ends the waiting, and nothing else. */
  signal?: AbortSignal | undefined;
}

export interface StoppedService {
  handle: string;
  /** Whether it had to be killed after its grace. */
  wasKilled: boolean;
}

/**
 * Those that were there. Throws `failed` naming the pids that even SIGKILL did not end, once the others are stopped;
 * `interrupted` once aborted: they end all the same.
 */
export async function stopServices({ home, env, handles, forget, signal }: StopServicesOptions): Promise<StoppedService[]> {
  const client = connectSupervisor({ home, env });
  if (client === undefined) return [];
  const latest = new Map<string, ServiceReport>();
  for await (const line of client.stop({ handles: [...handles], forget }, signal)) {
    if (line.kind === "report") latest.set(line.report.handle, line.report);
  }
  if (signal?.aborted)
    throw new HarborError("Cannot wait for the stop: interrupted", {
      exit: "interrupted",
      hint: "They end all the same; `harbor ps` shows it",
    });
  if (forget) await dismissSupervisor({ home, env });
  const failed = [...latest.values()].find(({ state, isGone }) => state === "failed" && !isGone);
  if (failed !== undefined) throw stopFailure(failed);
  const again = [...latest.values()].find(({ isWanted, isGone }) => isWanted && !isGone);
  if (again !== undefined) throw new HarborError(`Cannot stop "${again.handle}": somebody has started it again meanwhile`);
  return [...latest.values()].map(({ handle, wasKilled }) => ({ handle, wasKilled }));
}

/** Some of its processes are left; or nobody knows whether any runs. */
function stopFailure({ handle, why, problem }: ServiceReport): HarborError {
  const hint = problem?.hint === undefined ? {} : { hint: problem.hint };
  return new HarborError(`Cannot stop "${handle}": ${why}`, hint);
}

export const command = defineCommand({
  meta: { name: "stop-services", description: "Stop native services", examples: ["harbor routine stop-services ollama"] },
  args: {
    ...jsonArg,
    handles: { type: "positional", description: "Service handles; all when left out", multiple: true },
    forget: { type: "boolean", description: "Remove their logs as well" },
  },
  async run({ args }) {
    const stopped = await stopServices({ home: findHome(process.env), env: process.env, handles: args.handles, forget: args.forget });
    emit(stopped, {
      json: args.json,
      render: (them) => them.map((it) => `${it.handle}\t${it.wasKilled ? "killed" : "stopped"}`).join("\n"),
    });
  },
});

if (import.meta.main) await runScript(command);
