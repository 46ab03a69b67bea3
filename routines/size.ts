#!/usr/bin/env bun
/**
 * `harbor size`: what takes the disk, by service and in all.
 *
 *   bun routines/size.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { formatSize } from "./_script/size.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { type MeasuredStorage, measureStorage, type ServiceStorage, type Storage } from "./stack/measure-storage.ts";
import { readStack } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

const COLUMNS = ["images", "containers", "volumes", "models", "environments", "data", "logs"] as const;

/** Columns of which nobody has anything are left out. */
function render({ services, total }: MeasuredStorage, isDetailed: boolean): string {
  if (services.length === 0) return "";
  const columns = COLUMNS.filter((column) => (total[column] ?? 0) > 0);
  const row = (name: string, it: Storage): string[] => [name, ...columns.map((column) => cell(it[column])), formatSize(it.total)];
  const lines = table([
    ["SERVICE", ...columns.map((column) => column.toUpperCase()), "TOTAL"],
    ...services.map((it) => row(`${it.handle}${it.isGone ? " (no such service)" : ""}`, it)),
    ...(services.length > 1 ? [row("in all", total)] : []),
  ]);
  const shared =
    (total.shared ?? 0) > 0
      ? ["", `Layers that images share: ${formatSize(total.shared ?? 0)}, in the total once and in no service's`]
      : [];
  return [...lines, ...shared, ...(isDetailed ? services.flatMap(detailsOf) : [])].join("\n");
}

function cell(bytes: number | null): string {
  return bytes === null || bytes === 0 ? "-" : formatSize(bytes);
}

/** Each image and folder. */
function detailsOf({ handle, imageList, folders }: ServiceStorage): string[] {
  const rows = [
    ...imageList.map((it) => [`  image${it.isCurrent ? "" : ", of another version"}`, formatSize(it.bytes), it.image]),
    ...folders.map((it) => [`  ${it.use}`, formatSize(it.bytes), it.path]),
  ];
  return rows.length === 0 ? [] : ["", handle, ...table(rows)];
}

/** A service, or the folder of one that is gone. */
function checkNames(handles: readonly string[], known: readonly string[], services: readonly ServiceStorage[]): void {
  const lost = handles.find((handle) => !known.includes(handle) && services.find((it) => it.handle === handle)?.total === 0);
  if (lost !== undefined) throwUnknown(lost, known);
}

export const command = defineCommand({
  meta: {
    name: "size",
    description: "Show what takes the disk: images, models, data, environments, logs",
    examples: ["harbor size", "harbor size ollama webui", "harbor size --json"],
  },
  args: {
    handles: { type: "positional", description: "Only these services, with each image and folder", multiple: true },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    const { env } = process;
    const { handles } = args;
    for (const handle of handles) checkHandle(handle);
    const home = findHome(env);
    const record = readStack(home);
    const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
    const measured = await measureStorage({ workspace, record, env, handles });
    checkNames(handles, listHandles(workspace), measured.services);
    const { services, total, unreadable, engineError } = measured;
    if (engineError !== undefined) warn([`images, containers and volumes are not counted: ${engineError.message}`]);
    if (unreadable.length > 0)
      warn([`not counted, for they may not be read: ${unreadable.slice(0, 5).join(", ")}${unreadable.length > 5 ? ", …" : ""}`]);
    if (services.length === 0 && !args.json) note("nothing is stored yet");
    emit({ services, total, unreadable }, { json: args.json, render: () => render(measured, handles.length > 0) });
  },
});

if (import.meta.main) await runScript(command);
