/** What services use → a table; columns that no service has anything for are left out. */
import { formatSize } from "../_script/size.ts";
import { table } from "../_script/table.ts";
import type { ServiceUsage } from "./measure-stack.ts";

interface Column {
  title: string;
  /** Undefined where nobody tells. */
  cell: (usage: ServiceUsage) => string | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: "SERVICE", cell: (it) => it.handle },
  { title: "RUNS AS", cell: (it) => it.runtime },
  { title: "STATE", cell: (it) => it.state },
  { title: "CPU", cell: (it) => `${it.cpuPercent.toFixed(1)} %` },
  { title: "MEMORY", cell: (it) => formatSize(it.memoryBytes) },
  { title: "GPU", cell: (it) => percent(it.gpuPercent) },
  { title: "GPU MEMORY", cell: (it) => size(it.gpuMemoryBytes) },
  { title: "IN", cell: (it) => rate(it.receivedBytesPerSecond) },
  { title: "OUT", cell: (it) => rate(it.sentBytesPerSecond) },
  { title: "PROCESSES", cell: (it) => String(it.processes) },
];

export function renderUsage(used: readonly ServiceUsage[]): string {
  if (used.length === 0) return "";
  const columns = COLUMNS.filter(({ cell }) => used.some((it) => cell(it) !== undefined));
  return table([columns.map((it) => it.title), ...used.map((it) => columns.map(({ cell }) => cell(it) ?? "-"))]).join("\n");
}

function percent(value: number | null): string | undefined {
  return value === null ? undefined : `${value.toFixed(0)} %`;
}

function size(value: number | null): string | undefined {
  return value === null ? undefined : formatSize(value);
}

function rate(value: number | null): string | undefined {
  return value === null ? undefined : `${formatSize(Math.round(value))}/s`;
}
