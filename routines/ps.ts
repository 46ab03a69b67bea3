#!/usr/bin/env bun
/**
 * `harbor ps`: what runs, on what, how healthy, at which URL.
 *
 *   bun routines/ps.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { currentStack } from "./stack/current-stack.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { observeStack, type ServiceStatus } from "./stack/observe-stack.ts";
import { showsColours } from "./stack/print-logs.ts";
import type { StackRecord } from "./stack/read-stack.ts";
import { NOTHING_IS_UP, note, warn } from "./stack/say.ts";
import { wordReach, wordState } from "./stack/word-state.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

interface Shown {
  services: readonly ServiceStatus[];
  hasColours: boolean;
}

function render({ services, hasColours }: Shown): string {
  if (services.length === 0) return "";
  const rows = services.map((it) => [
    it.handle,
    it.runtime,
    it.state,
    it.health || "-",
    it.urls.join(" ") || "-",
    [it.pid === null ? "" : `pid ${it.pid}`, it.container ?? ""].filter((text) => text !== "").join(", ") || "-",
  ]);
  const [head = "", ...lines] = table([["SERVICE", "RUNS AS", "STATE", "HEALTH", "URL", "PROCESS, CONTAINER"], ...rows]);
  const painted = hasColours ? lines.map((line, index) => paint(line, services[index]?.health)) : lines;
  return [head, ...painted, ...services.flatMap((it) => [wordState(it) ?? [], wordReach(it)].flat())].join("\n");
}

const COLOURS: Readonly<Record<string, number>> = { degraded: 33, unhealthy: 31 };

/** The whole line, so that it is seen among many: yellow for a warning, red for what does not work. */
function paint(line: string, health = ""): string {
  const colour = COLOURS[health];
  return colour === undefined ? line : `\x1b[${colour}m${line}\x1b[0m`;
}

/** What does not run may at least be a service. */
function checkKnown(handle: string, home: string, record: StackRecord | undefined): void {
  checkHandle(handle);
  const handles = listHandles(findStackWorkspace({ home, record }).workspace);
  if (!handles.includes(handle)) throwUnknown(handle, handles);
}

export const command = defineCommand({
  meta: { name: "ps", description: "Show what runs, on what and at which URL", examples: ["harbor ps", "harbor ps webui --json"] },
  args: { handles: { type: "positional", description: "Only these services", multiple: true, completes: "running" }, ...jsonArg },
  async run({ args }) {
    const { home, project, record } = currentStack(process.env);
    const { services, engineError } = await observeStack({ home, env: process.env, project, needsEngine: false });
    const shown = args.handles.length === 0 ? services : services.filter((it) => args.handles.includes(it.handle));
    // with nothing recorded, an engine that is not there has nothing to show either
    if (engineError !== undefined && (record !== undefined || engineError.exit !== "missing")) warn([engineError.message]);
    for (const handle of args.handles) if (!services.some((it) => it.handle === handle)) checkKnown(handle, home, record);
    if (shown.length === 0 && !args.json) note(services.length === 0 ? NOTHING_IS_UP : `not running: ${args.handles.join(", ")}`);
    const hasColours = !args.json && showsColours(process.env);
    emit(shown, { json: args.json, render: (them) => render({ services: them, hasColours }) });
  },
});

if (import.meta.main) await runScript(command);
