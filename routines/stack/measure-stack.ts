/** What each service of the stack uses right now: processor and memory, native and container alike. */
import { HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import type { ContainerUsage } from "../engine/measure-containers.ts";
import { findRunning } from "../supervisor/connect-supervisor.ts";
import { listServices } from "../supervisor/list-services.ts";
import { readStack } from "./read-stack.ts";

export interface MeasureStackOptions {
  home: string;
  env: Env;
  project: string;
  /** Processor use is measured over this long. */
  overMs: number;
  signal: AbortSignal;
}

export interface ServiceUsage {
  handle: string;
  runtime: "container" | "native";
  state: string;
  /** Of one core, in percent. */
  cpuPercent: number;
  memoryBytes: number;
  processes: number;
}

/** Sorted by handle. Throws `interrupted`; `missing` where there are containers and no engine answers. */
export async function measureStack(options: MeasureStackOptions): Promise<ServiceUsage[]> {
  const [natives, containers] = await Promise.all([measureNatives(options), measureContainers(options)]);
  return [...natives, ...containers].sort((a, b) => (a.handle < b.handle ? -1 : a.handle > b.handle ? 1 : 0));
}

async function measureNatives({ home, env, overMs, signal }: MeasureStackOptions): Promise<ServiceUsage[]> {
  const states = new Map((await listServices({ home, env })).map((it) => [it.handle, it.state]));
  const client = findRunning({ home, env });
  if (client === undefined) return [];
  const before = new Map((await client.usage()).map((it) => [it.handle, it.cpuMs]));
  const startMs = performance.now();
  await pause(overMs, signal);
  const now = await client.usage();
  const tookMs = performance.now() - startMs;
  return now.map(({ handle, cpuMs, memoryBytes, processes }) => {
    const usedMs = Math.max(0, cpuMs - (before.get(handle) ?? cpuMs));
    return { handle, runtime: "native", state: states.get(handle) ?? "", cpuPercent: (usedMs / tookMs) * 100, memoryBytes, processes };
  });
}

async function measureContainers({ home, env, project, overMs, signal }: MeasureStackOptions): Promise<ServiceUsage[]> {
  if (readStack(home)?.hasContainers !== true) return [];
  const { measureContainers: measure } = await import("../engine/measure-containers.ts");
  const used: ContainerUsage[] = await measure({ home, env, project, overMs, signal });
  return used.map(({ service, runtime, state, cpuPercent, memoryBytes, processes }) => ({
    handle: runtime === "native" ? `${service} (proxy)` : service,
    runtime: "container",
    state,
    cpuPercent,
    memoryBytes,
    processes,
  }));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = (): void => resolve();
  signal.addEventListener("abort", end);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", end);
  if (signal.aborted) throw new HarborError("Cannot measure further: interrupted", { exit: "interrupted" });
}
