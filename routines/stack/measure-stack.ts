/** What each service of the stack uses right now: processor, memory, GPU and network, native and container alike. */
import { pause } from "../_script/pause.ts";
import type { Env } from "../config/read-values.ts";
import type { ContainerUsage } from "../engine/measure-containers.ts";
import { type GpuUsage, measureGpu } from "../host/measure-gpu.ts";
import { measureTraffic, readConnections } from "../native/measure-traffic.ts";
import { readRecord } from "../native/process-record.ts";
import { findRunning } from "../supervisor/connect-supervisor.ts";
import { listServices } from "../supervisor/list-services.ts";
import { readStack, stateOf } from "./read-stack.ts";

export interface MeasureStackOptions {
  home: string;
  env: Env;
  project: string;
  /** Processor use is measured over this long. */
  overMs: number;
  signal: AbortSignal;
  /** Only these; all that run when left out or empty. */
  handles?: readonly string[];
}

export interface ServiceUsage {
  handle: string;
  runtime: "container" | "native";
  state: string;
  /** Of one core, in percent. */
  cpuPercent: number;
  memoryBytes: number;
  /** Of one GPU, in percent; null where nobody tells. */
  gpuPercent: number | null;
  gpuMemoryBytes: number | null;
  /** Of a native service over the TCP connections that are open; null where nobody tells. */
  receivedBytesPerSecond: number | null;
  sentBytesPerSecond: number | null;
  processes: number;
}

/** With the processes that the GPU's driver would know it by. */
interface Measured extends Omit<ServiceUsage, "gpuPercent" | "gpuMemoryBytes"> {
  pids: readonly number[];
}

/** Sorted by handle. Throws `interrupted`; `missing` where there are containers and no engine answers. */
export async function measureStack(options: MeasureStackOptions): Promise<ServiceUsage[]> {
  const { handles = [] } = options;
  const [gpu, natives, containers] = await Promise.all([
    measureGpu({ path: options.env.PATH, signal: options.signal }),
    measureNatives(options),
    measureContainers(options),
  ]);
  return [...natives, ...containers]
    .filter(({ handle }) => handles.length === 0 || handles.includes(handle.replace(/ \(proxy\)$/, "")))
    .map(({ pids, ...measured }) => ({ ...measured, ...gpuOf(pids, gpu) }))
    .sort((a, b) => (a.handle < b.handle ? -1 : a.handle > b.handle ? 1 : 0));
}

/** A process that uses none is on no list: with a tool that answers, that is nothing at all. */
function gpuOf(pids: readonly number[], gpu: Map<number, GpuUsage> | undefined): Pick<ServiceUsage, "gpuPercent" | "gpuMemoryBytes"> {
  const used = pids.flatMap((pid) => gpu?.get(pid) ?? []);
  const sum = (values: readonly (number | null)[]): number | null =>
    values.every((it) => it === null) ? null : values.reduce<number>((total, it) => total + (it ?? 0), 0);
  return { gpuPercent: sum(used.map((it) => it.percent)), gpuMemoryBytes: sum(used.map((it) => it.memoryBytes)) };
}

async function measureNatives({ home, env, overMs, signal }: MeasureStackOptions): Promise<Measured[]> {
  const states = new Map((await listServices({ home, env })).map((it) => [it.handle, it.state]));
  const client = findRunning({ home, env });
  if (client === undefined) return [];
  const [used, connections] = await Promise.all([client.usage(), readConnections()]);
  const before = new Map(used.map((it) => [it.handle, it.cpuMs]));
  const startMs = performance.now();
  await pause(overMs, signal, "measure further");
  const [now, connectionsNow] = await Promise.all([client.usage(), readConnections()]);
  const tookMs = performance.now() - startMs;
  const records = now.map(({ handle }) => readRecord(stateOf(home).directory, handle) ?? { mark: "" });
  const processes = measureTraffic(records, connections, connectionsNow);
  return now.map(({ handle, cpuMs, memoryBytes, processes: count }, index): Measured => {
    const usedMs = Math.max(0, cpuMs - (before.get(handle) ?? cpuMs));
    const { pids = [], traffic = null } = processes[index] ?? {};
    const rate = (bytes: number | undefined): number | null => (bytes === undefined ? null : (Math.max(0, bytes) / tookMs) * 1000);
    return {
      handle,
      runtime: "native",
      state: states.get(handle) ?? "",
      cpuPercent: (usedMs / tookMs) * 100,
      memoryBytes,
      receivedBytesPerSecond: rate(traffic?.receivedBytes),
      sentBytesPerSecond: rate(traffic?.sentBytes),
      processes: count,
      pids,
    };
  });
}

async function measureContainers({ home, env, project, overMs, signal }: MeasureStackOptions): Promise<Measured[]> {
  if (readStack(home)?.hasContainers !== true) return [];
  const { measureContainers: measure } = await import("../engine/measure-containers.ts");
  const used: ContainerUsage[] = await measure({ home, env, project, overMs, signal, hasPids: true });
  return used.map(({ service, runtime, ...measured }) => ({
    ...measured,
    handle: runtime === "container" ? service : `${service} (proxy)`,
    runtime: "container",
  }));
}
