#!/usr/bin/env bun
/**
 * What each process uses of the GPUs, as the driver's own tool tells: nvidia-smi for NVIDIA, rocm-smi for AMD. macOS has
 * none that tells it by process.
 *
 *   bun routines/host/measure-gpu.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";
import { table } from "../_script/table.ts";

export interface GpuUsage {
  /** Of one GPU's processors over the last second, of all GPUs together; null where the tool does not tell. */
  percent: number | null;
  memoryBytes: number | null;
}

export interface MeasureGpuOptions {
  /** Along which the tools are looked for. */
  path?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A driver that hangs must not hang what asks. */
const TIMEOUT_MS = 4_000;

/** By process. Undefined where no tool is there, or none that answers. */
export async function measureGpu({
  path = process.env.PATH ?? "",
  signal,
}: MeasureGpuOptions = {}): Promise<Map<number, GpuUsage> | undefined> {
  const find = (name: string): string | null => Bun.which(name, { PATH: path });
  const nvidia = find("nvidia-smi");
  if (nvidia !== null) return measureNvidia((words) => readOutput([nvidia, ...words], signal));
  const rocm = find("rocm-smi");
  if (rocm === null) return undefined;
  const text = await readOutput([rocm, "--showpids", "--json"], signal);
  return text === undefined ? undefined : parseRocmPids(text);
}

type Ask = (words: readonly string[]) => Promise<string | undefined>;

/** The monitor tells utilisation, of the first GPUs alone and not of every kind of them; the query tells memory of all. */
async function measureNvidia(ask: Ask): Promise<Map<number, GpuUsage> | undefined> {
  const [monitored, queried] = await Promise.all([
    ask(["pmon", "-c", "1", "-s", "um"]),
    ask(["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]),
  ]);
  if (monitored === undefined && queried === undefined) return undefined;
  const usage = parsePmon(monitored ?? "");
  for (const [pid, memoryBytes] of parseComputeApps(queried ?? ""))
    usage.set(pid, { percent: usage.get(pid)?.percent ?? null, memoryBytes });
  return usage;
}

async function readOutput(words: readonly string[], signal: AbortSignal | undefined): Promise<string | undefined> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const child = Bun.spawn([...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    const text = await child.stdout.text();
    return (await child.exited) === 0 ? text : undefined;
  } catch {
    return undefined; // it cannot be run after all
  }
}

const MIB = 2 ** 20;

/** `nvidia-smi pmon`: the columns that it has are named in its first line, and change with the driver. */
export function parsePmon(text: string): Map<number, GpuUsage> {
  const lines = text.split("\n").map((line) => line.trim());
  const names = (lines.find((line) => line.startsWith("#")) ?? "").slice(1).trim().split(/\s+/);
  const usage = new Map<number, GpuUsage>();
  for (const line of lines.filter((it) => it !== "" && !it.startsWith("#"))) {
    const cells = line.split(/\s+/);
    const read = (name: string): number | null => numberOf(cells[names.indexOf(name)]);
    const pid = read("pid");
    if (pid === null) continue; // a GPU without a process has a line of dashes
    const memory = read("fb");
    const before = usage.get(pid);
    usage.set(pid, {
      percent: add(before?.percent, read("sm")),
      memoryBytes: add(before?.memoryBytes, memory === null ? null : memory * MIB),
    });
  }
  return usage;
}

/** Lines of `pid, MiB`; one for each GPU that the process uses. */
export function parseComputeApps(text: string): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const line of text.split("\n")) {
    const [pid, memory] = line.split(",").map((cell) => numberOf(cell.trim()));
    if (pid === null || pid === undefined || memory === null || memory === undefined) continue;
    bytes.set(pid, (bytes.get(pid) ?? 0) + memory * MIB);
  }
  return bytes;
}

/** `{"system": {"PID4242": "name, GPUs, bytes of memory, …"}}`; a host on which nothing uses a GPU has a warning instead. */
export function parseRocmPids(text: string): Map<number, GpuUsage> {
  const usage = new Map<number, GpuUsage>();
  for (const [key, fields] of Object.entries(readSystem(text))) {
    const pid = numberOf(/^PID(\d+)$/.exec(key)?.[1]);
    const cells = String(fields).split(",");
    // a name may have commas: the other four come last
    if (pid !== null) usage.set(pid, { percent: null, memoryBytes: numberOf(cells.at(-3)?.trim()) });
  }
  return usage;
}

function readSystem(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) as { system?: Record<string, unknown> }).system ?? {};
  } catch {
    return {};
  }
}

/** Null for a dash, `N/A`, and what is not there. */
function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : null;
}

function add(a: number | null | undefined, b: number | null): number | null {
  return a === null || a === undefined ? b : a + (b ?? 0);
}

export const command = defineCommand({
  meta: { name: "measure-gpu", description: "What each process uses of the GPUs" },
  args: { ...jsonArg },
  async run({ args }) {
    const usage = [...((await measureGpu()) ?? [])].map(([pid, it]) => ({ pid, ...it }));
    const row = ({ pid, percent, memoryBytes }: GpuUsage & { pid: number }): string[] => [
      String(pid),
      percent === null ? "-" : `${percent} %`,
      memoryBytes === null ? "-" : formatSize(memoryBytes),
    ];
    emit(usage, { json: args.json, render: (them) => table(them.map(row)).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
