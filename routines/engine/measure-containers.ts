#!/usr/bin/env bun
/**
 * What the containers of a project use: processor and memory, as the engine counts them.
 *
 *   bun routines/engine/measure-containers.ts --project harbor --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import type { Engine } from "./connect-engine.ts";
import { type Container, listContainers } from "./list-containers.ts";

export interface MeasureContainersOptions extends UseEngineOptions {
  project: string;
  /** Processor use is measured over this long. */
  overMs: number;
}

export interface ContainerUsage extends Pick<Container, "service" | "runtime" | "state"> {
  /** Of one core, in percent. */
  cpuPercent: number;
  memoryBytes: number;
  processes: number;
}

/** As the engine's API has it (ContainerStats); the cache that the kernel can take back is named differently by cgroup 1 and 2. */
interface Stats {
  cpu_stats: { cpu_usage: { total_usage: number } };
  memory_stats: { usage?: number; stats?: { inactive_file?: number; total_inactive_file?: number } };
  pids_stats: { current?: number };
}

/** Of those that run. */
export async function measureContainers(options: MeasureContainersOptions): Promise<ContainerUsage[]> {
  return useEngine(options, async (engine) => {
    const containers = (await listContainers({ engine, project: options.project, details: false })).filter(
      ({ state }) => state === "running",
    );
    const ask = (): Promise<Stats[]> => Promise.all(containers.map(({ id }) => readStats(engine, id, options.signal)));
    const startMs = performance.now();
    const before = await ask();
    await Bun.sleep(options.overMs);
    const tookMs = performance.now() - startMs;
    const now = await ask();
    return containers.map(({ service, runtime, state }, index) => {
      const used = cpuMsOf(now[index]) - cpuMsOf(before[index]);
      return { service, runtime, state, cpuPercent: (Math.max(0, used) / tookMs) * 100, ...restOf(now[index]) };
    });
  });
}

function readStats(engine: Engine, id: string, signal: AbortSignal | undefined): Promise<Stats> {
  return engine.get<Stats>(`/containers/${id}/stats`, { stream: false, "one-shot": true }, signal);
}

function cpuMsOf(stats: Stats | undefined): number {
  return (stats?.cpu_stats.cpu_usage.total_usage ?? 0) / 1e6;
}

function restOf(stats: Stats | undefined): Pick<ContainerUsage, "memoryBytes" | "processes"> {
  const { usage = 0, stats: parts } = stats?.memory_stats ?? {};
  const cache = parts?.total_inactive_file ?? parts?.inactive_file ?? 0;
  return { memoryBytes: Math.max(0, usage - cache), processes: stats?.pids_stats.current ?? 0 };
}

export const command = defineCommand({
  meta: { name: "measure-containers", description: "What the containers of a project use" },
  args: { ...projectArg, ...jsonArg },
  async run({ args }) {
    const used = await measureContainers({ project: args.project, overMs: 500, env: process.env, home: findHome(process.env) });
    const line = (it: ContainerUsage): string => `${it.service}\t${it.cpuPercent.toFixed(1)} %\t${(it.memoryBytes / 1e6).toFixed(1)} MB`;
    emit(used, { json: args.json, render: (them) => them.map(line).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
