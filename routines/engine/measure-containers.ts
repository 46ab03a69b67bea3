#!/usr/bin/env bun
/**
 * What the containers of a project use: processor, memory and network, as the engine counts them.
 *
 *   bun routines/engine/measure-containers.ts --project harbor --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { pause } from "../_script/pause.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import type { Engine } from "./connect-engine.ts";
import { type Container, listContainers } from "./list-containers.ts";

export interface MeasureContainersOptions extends UseEngineOptions {
  project: string;
  /** Processor use is measured over this long. */
  overMs: number;
  /** Ask for the pids as well: one more question for each container. */
  hasPids?: boolean;
}

export interface ContainerUsage extends Pick<Container, "service" | "runtime" | "state"> {
  /** Of one core, in percent. */
  cpuPercent: number;
  memoryBytes: number;
  processes: number;
  /** Over its own network interfaces; null where it has none, as in the host's network. */
  receivedBytesPerSecond: number | null;
  sentBytesPerSecond: number | null;
  /** Of this host; empty where they were not asked for, and where the engine has processes of its own. */
  pids: number[];
}

/** As the engine's API has it (ContainerStats); the cache that the kernel can take back is named differently by cgroup 1 and 2. */
interface Stats {
  cpu_stats: { cpu_usage: { total_usage: number } };
  memory_stats: { usage?: number; stats?: { inactive_file?: number; total_inactive_file?: number } };
  pids_stats: { current?: number };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }>;
}

/** Of those that run, from the first look to the second. */
export async function measureContainers(options: MeasureContainersOptions): Promise<ContainerUsage[]> {
  return useEngine(options, async (engine) => {
    const containers = (await listContainers({ engine, project: options.project, details: false })).filter(
      ({ state }) => state === "running",
    );
    const ask = (): Promise<(Stats | undefined)[]> => Promise.all(containers.map(({ id }) => readStats(engine, id, options.signal)));
    const startMs = performance.now();
    const before = await ask();
    await pause(options.overMs, options.signal, "measure further");
    const tookMs = performance.now() - startMs;
    const now = await ask();
    const pids = await Promise.all(containers.map(({ id }) => (options.hasPids ? readPids(engine, id, options.signal) : [])));
    return containers.flatMap(({ service, runtime, state }, index) => {
      if (before[index] === undefined || now[index] === undefined) return [];
      const used = cpuMsOf(now[index]) - cpuMsOf(before[index]);
      const cpuPercent = (Math.max(0, used) / tookMs) * 100;
      const rates = ratesOf(before[index], now[index], tookMs);
      return { service, runtime, state, cpuPercent, ...restOf(now[index]), ...rates, pids: pids[index] ?? [] };
    });
  });
}

/** Pids in a virtual machine name nothing of this host. */
async function readPids(engine: Engine, id: string, signal: AbortSignal | undefined): Promise<number[]> {
  if (engine.kind !== "linux" && engine.kind !== "rootless") return [];
  try {
    const top = await engine.get<{ Titles: string[]; Processes: string[][] | null }>(
      `/containers/${id}/top`,
      { ps_args: "-o pid" },
      signal,
    );
    const column = top.Titles.indexOf("PID");
    return (top.Processes ?? []).map((cells) => Number(cells[column])).filter(Number.isInteger);
  } catch {
    return []; // it has ended meanwhile
  }
}

function ratesOf(
  before: Stats | undefined,
  now: Stats | undefined,
  tookMs: number,
): Pick<ContainerUsage, "receivedBytesPerSecond" | "sentBytesPerSecond"> {
  if (now?.networks === undefined) return { receivedBytesPerSecond: null, sentBytesPerSecond: null };
  const sum = (stats: Stats | undefined, key: "rx_bytes" | "tx_bytes"): number =>
    Object.values(stats?.networks ?? {}).reduce((total, it) => total + it[key], 0);
  const rate = (key: "rx_bytes" | "tx_bytes"): number => (Math.max(0, sum(now, key) - sum(before, key)) / tookMs) * 1000;
  return { receivedBytesPerSecond: rate("rx_bytes"), sentBytesPerSecond: rate("tx_bytes") };
}

/** Undefined where it has ended: the engine says so, or breaks off in the middle of its answer. */
async function readStats(engine: Engine, id: string, signal: AbortSignal | undefined): Promise<Stats | undefined> {
  try {
    return await engine.get<Stats>(`/containers/${id}/stats`, { stream: false, "one-shot": true }, signal);
  } catch (error) {
    if (signal?.aborted || !(await hasEnded(engine, id, signal))) throw error;
    return undefined;
  }
}

function hasEnded(engine: Engine, id: string, signal: AbortSignal | undefined): Promise<boolean> {
  return engine.get<{ State?: { Running?: boolean } }>(`/containers/${id}/json`, {}, signal).then(
    ({ State }) => State?.Running === false,
    (error: { statusCode?: number }) => error.statusCode === 404,
  );
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
