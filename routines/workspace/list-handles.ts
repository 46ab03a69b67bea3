#!/usr/bin/env bun
/**
 * The handles of all services in a workspace, and whether one name is among them.
 *
 *   bun routines/workspace/list-handles.ts
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findWorkspace, type Workspace } from "./find-workspace.ts";

const HANDLE = /^[a-z0-9][a-z0-9-]*$/;
const SERVICE_FILE = /^compose\.(.+)\.(?:ya?ml|ts)$/;

/** Every handle, sorted. */
export function listHandles(workspace: Workspace): string[] {
  const handles = new Set<string>();
  for (const layer of workspace.layers) {
    if (layer.kind === "flat") addFlat(layer.root, handles);
    else for (const entry of readEntries(layer.root)) if (HANDLE.test(entry)) handles.add(entry);
  }
  return [...handles].sort();
}

/** Whether there is a folder of this name; asks for it alone, however many there are. In a flat workspace whatever a file names is one. */
export function hasService(workspace: Workspace, handle: string): boolean {
  return workspace.layout === "flat" || workspace.layers.some((layer) => existsSync(join(layer.root, handle)));
}

/** A flat workspace also knows selectors that only cross files name (`mcp-server-time`). */
function addFlat(root: string, handles: Set<string>): void {
  const capabilities: readonly string[] = BUILT_IN_CAPABILITIES;
  for (const folder of [root, join(root, "services")]) {
    for (const entry of readEntries(folder, true)) {
      for (const word of namesIn(entry)) if (!capabilities.includes(word)) handles.add(word);
      if (existsSync(join(folder, entry, `${entry}_native.yml`))) handles.add(entry);
    }
  }
}

function namesIn(file: string): string[] {
  const words = SERVICE_FILE.exec(file)?.[1]?.split(".") ?? [];
  return words[0] === "x" ? words.slice(1) : words;
}

/** Names of folders; with `files`, of everything. */
function readEntries(folder: string, files = false): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => files || entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name);
  } catch {
    return []; // this layer is not there
  }
}

/** Whether a text can be a service's name at all. */
export function isHandle(name: string): boolean {
  return HANDLE.test(name);
}

/** Throws `usage` for what is no name at all (`../x`), before it gets near a path. */
export function checkHandle(name: string): void {
  if (isHandle(name)) return;
  const lower = name.toLowerCase().replaceAll("_", "-");
  throw new HarborError(`Cannot use "${name}" as a service: a handle has only the letters a-z, digits and dashes`, {
    exit: "usage",
    hint: isHandle(lower) ? `Write it "${lower}"` : "Run `harbor ls` to see the handles",
  });
}

/** Throws `unknown`, with the nearest known name. */
export function throwUnknown(name: string, known: readonly string[]): never {
  const guess = nearest(name, known);
  const suggestion = guess === undefined ? "" : `; did you mean "${guess}"?`;
  const state = known.includes(name) ? `: its folder holds neither compose.${name}.yml nor ${name}_native.yml` : suggestion;
  throw new HarborError(`Cannot find service "${name}"${state}`, { exit: "unknown", hint: "Run `harbor ls` to see the handles" });
}

export const command = defineCommand({
  meta: { name: "list-handles", description: "List the handles of all services" },
  args: { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" }, ...jsonArg },
  run({ args }) {
    const workspace = findWorkspace({ home: findHome(process.env), directory: args.workspace });
    emit(listHandles(workspace), { json: args.json, render: (handles) => handles.join("\n") });
  },
});

if (import.meta.main) await runScript(command);
