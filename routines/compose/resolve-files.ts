#!/usr/bin/env bun
/**
 * Selection + files → every file in merge order, in or out, each with its reason.
 *
 *   bun routines/compose/resolve-files.ts -x ollama webui
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { nearest } from "../_script/nearest.ts";
import { runScript } from "../_script/script.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import type { FileKind, ServiceFile } from "../workspace/list-files.ts";
import { hasService, listHandles } from "../workspace/list-handles.ts";
import { readSelection } from "./read-selection.ts";
import { selectionArgs } from "./selection-args.ts";

export interface ResolvedFile {
  path: string;
  kind: FileKind;
  included: boolean;
  reason: string;
}

/** What `resolveFiles` decides over, beside what it prints. */
export interface ResolvedServiceFile extends ResolvedFile {
  file: ServiceFile;
}

export interface ResolveFilesOptions {
  files: readonly ServiceFile[];
  /** The services selected, natives among them; `*` for all. */
  services: ReadonlySet<string> | "*";
  natives: ReadonlySet<string>;
  /** Those of the services for which a server of the user's own stands in, by handle. */
  connections: ReadonlyMap<string, unknown>;
  /** The capabilities selected. */
  capabilities: ReadonlySet<string>;
  /** Every word that is a capability and no service, selected or not. */
  knownCapabilities: ReadonlySet<string>;
  /** Where services are found: tells a name that is not selected from one that nothing has. */
  workspace: Workspace;
}

/**
 * Order: base; then fewer dots in the file name first; then names in byte order; a contract in the
 * place of the definition it replaces; modules last (they work on the merged model).
 * Source: ARCHITECTURE, "Order of files".
 */
export function resolveFiles(options: ResolveFilesOptions): ResolvedServiceFile[] {
  const keyed = options.files.map((file, index) => ({ file, index, key: sortKey(file) }));
  keyed.sort((a, b) => a.key.rank - b.key.rank || compareBytes(a.key.name, b.key.name) || a.index - b.index);
  return keyed.map(({ file }) => ({ path: file.path, kind: file.kind, ...decide(file, options), file }));
}

function sortKey(file: ServiceFile): { rank: number; name: string } {
  if (file.kind === "base") return { rank: -1, name: "" };
  const name = file.kind === "contract" ? `compose.${file.parts[0]}.yml` : file.name;
  const dots = name.split(".").length;
  return { rank: file.kind === "module" ? 1000 + dots : dots, name };
}

/** By code unit, which for file names is byte order but for astral characters; the same on every machine. */
function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type Decision = Pick<ResolvedFile, "included" | "reason">;

function decide(file: ServiceFile, options: ResolveFilesOptions): Decision {
  const handle = file.parts[0] ?? "";
  switch (file.kind) {
    case "base":
      return { included: true, reason: "the base file comes first" };
    case "contract":
      return decideContract(handle, options);
    case "definition":
      return decideDefinition(handle, options);
    default:
      return decideByParts(file, options);
  }
}

function decideContract(handle: string, options: ResolveFilesOptions): Decision {
  if (!isOwnerSelected(handle, options)) return { included: false, reason: `${handle} is not selected` };
  if (options.connections.has(handle)) return { included: false, reason: `${handle} is connected: no process of it runs here` };
  if (options.natives.has(handle)) return { included: true, reason: `${handle} runs natively: stands in for its definition` };
  return { included: false, reason: `${handle} runs in a container` };
}

function decideDefinition(handle: string, options: ResolveFilesOptions): Decision {
  if (!isOwnerSelected(handle, options)) return { included: false, reason: `${handle} is not selected` };
  if (options.connections.has(handle)) return { included: false, reason: `${handle} is connected: a proxy to its server takes this place` };
  if (options.natives.has(handle)) return { included: false, reason: `${handle} runs natively: its contract takes this place` };
  return { included: true, reason: `${handle} is selected` };
}

function decideByParts(file: ServiceFile, options: ResolveFilesOptions): Decision {
  const missing = file.parts.filter((part) => !isSelected(part, options));
  const services = file.parts.filter((part) => !options.knownCapabilities.has(part));
  const isEnough =
    missing.length === 0 ||
    (file.match === "any" && missing.length < services.length && missing.every((part) => !options.knownCapabilities.has(part)));
  if (!isEnough) {
    const unknown = missing.filter((part) => !options.knownCapabilities.has(part) && !hasService(options.workspace, part));
    if (unknown.length > 0) return { included: false, reason: unknown.map((part) => nothingIs(part, options.workspace)).join(", ") };
    const words = missing.map((part) => (options.knownCapabilities.has(part) ? `capability ${part}` : part));
    return { included: false, reason: `${words.join(", ")} ${words.length > 1 ? "are" : "is"} not selected` };
  }
  const present = file.parts.filter((part) => !missing.includes(part));
  const reason = `${present.join(", ")} ${present.length > 1 ? "are" : "is"} selected`;
  return { included: true, reason: file.kind === "capability" ? `${reason}${whatIsKept(services, options)}` : reason };
}

/** Of a capability file that is about no container. */
function whatIsKept(services: readonly string[], { natives, connections }: ResolveFilesOptions): string {
  const native = services.find((part) => natives.has(part));
  if (native !== undefined) return `; ${native} runs natively: its environment goes to the process, the rest is left out`;
  const connected = services.find((part) => connections.has(part));
  return connected === undefined ? "" : `; ${connected} is connected: what concerns it is left out`;
}

function nothingIs(part: string, workspace: Workspace): string {
  const guess = nearest(part, listHandles(workspace));
  return `there is no service "${part}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`;
}

/** Cross files that would be in, were there not one name in theirs that no service has. */
export function findSlips(resolved: readonly ResolvedServiceFile[], options: Selected): string[] {
  const { workspace, knownCapabilities } = options;
  const warnings: string[] = [];
  for (const { file, included } of resolved) {
    if (included || file.kind !== "cross") continue;
    const [part, ...others] = file.parts.filter((name) => !isSelected(name, options));
    if (part === undefined || others.length > 0 || knownCapabilities.has(part) || hasService(workspace, part)) continue;
    warnings.push(`${file.path} is left out: ${nothingIs(part, workspace)}`);
  }
  return warnings;
}

type Selected = Omit<ResolveFilesOptions, "files">;

/** `*` stands for every service there is and for no capability. */
function isSelected(part: string, options: Selected): boolean {
  if (options.knownCapabilities.has(part)) return options.capabilities.has(part);
  return options.services === "*" ? hasService(options.workspace, part) : options.services.has(part);
}

/** The same of the service whose own file it is, which there is. */
function isOwnerSelected(handle: string, { services }: Selected): boolean {
  return services === "*" || services.has(handle);
}

export const command = defineCommand({
  meta: {
    name: "resolve-files",
    description: "Show the files of a selection, in merge order",
    examples: ["harbor routine resolve-files -x ollama webui", "harbor routine resolve-files --json webui nvidia"],
  },
  args: { ...selectionArgs, ...jsonArg },
  async run({ args }) {
    const resolved = resolveFiles(await readSelection({ args, env: process.env }));
    if (args.json) emit(resolved.map(printable), { json: true, render: String });
    else
      emit(
        resolved.filter((it) => it.included),
        { render: (files) => files.map((it) => it.path).join("\n") },
      );
  },
});

/** The four fields that others build on. */
export function printable({ path, kind, included, reason }: ResolvedFile): ResolvedFile {
  return { path, kind, included, reason };
}

if (import.meta.main) await runScript(command);
