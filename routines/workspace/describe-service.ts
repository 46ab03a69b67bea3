#!/usr/bin/env bun
/**
 * One service as its own folder describes it: the `x-harbor` block of its definition, what it can run
 * on, which layer it comes from.
 *
 *   bun routines/workspace/describe-service.ts ollama --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { readText } from "../_script/read-text.ts";
import { runScript } from "../_script/script.ts";
import { parseYaml } from "../_script/yaml.ts";
import { findHome } from "../config/find-home.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findWorkspace, type Layer, type Workspace } from "./find-workspace.ts";
import { listFiles } from "./list-files.ts";
import { checkHandle, listHandles, throwUnknown } from "./list-handles.ts";

export interface ServiceDescription {
  handle: string;
  name: string;
  description: string;
  tags: string[];
  provides: string[];
  consumes: string[];
  homepage: string | undefined;
  docs: string | undefined;
  /** A first command to try, with `{url}` for the service's URL. */
  example: string | undefined;
  /** The key that clients of its API need, as written: `${HARBOR_…:-}`. */
  apiKey: string | undefined;
  runtimes: ("container" | "native")[];
  capabilities: string[];
  layer: Layer["kind"];
  folder: string;
}

/** Throws `unknown` for a handle that no layer has. */
export function describeService(handle: string, workspace: Workspace): ServiceDescription {
  checkHandle(handle);
  const files = listFiles({ workspace, handles: [handle], capabilities: CAPABILITIES }).filter((file) => file.parts.includes(handle));
  const own = files.filter((file) => file.parts[0] === handle || file.handle === handle);
  const definition = own.findLast((file) => file.kind === "definition" && file.parts[0] === handle);
  const contract = own.find((file) => file.kind === "contract");
  const main = definition ?? contract ?? own[0];
  if (main === undefined) throwUnknown(handle, listHandles(workspace));
  const metadata = definition === undefined ? {} : readMetadata(definition.path);
  const capabilities = own
    .filter((file) => file.kind === "capability")
    .flatMap((file) => file.parts.filter((part) => CAPABILITIES.has(part)));
  return {
    handle,
    name: text(metadata.name) ?? handle,
    description: text(metadata.description) ?? "",
    tags: texts(metadata.tags),
    provides: texts(metadata.provides),
    consumes: texts(metadata.consumes),
    homepage: text(metadata.homepage),
    docs: text(metadata.docs),
    example: text(metadata.example),
    apiKey: text(metadata.api_key),
    runtimes: [...(definition === undefined ? [] : (["container"] as const)), ...(contract === undefined ? [] : (["native"] as const))],
    capabilities: [...CAPABILITIES].filter((name) => capabilities.includes(name)),
    layer: workspace.layers.findLast((layer) => main.path.startsWith(`${layer.root}/`))?.kind ?? "built-in",
    folder: main.directory,
  };
}

/** The APIs that a definition says its service has. */
export function readProvides(path: string): string[] {
  return texts(readMetadata(path).provides);
}

/** The program that is to be run when something of the stack has changed, as written; undefined where the file names none. */
export function readOnChange(path: string): string | undefined {
  return readText(path).includes("on_change:") ? text(readMetadata(path).on_change) : undefined;
}

const CAPABILITIES: ReadonlySet<string> = new Set(BUILT_IN_CAPABILITIES);

function readMetadata(path: string): Record<string, unknown> {
  const source = readText(path);
  if (!source.includes("x-harbor:")) return {};
  const document = parseYaml(source, path) as { "x-harbor"?: Record<string, unknown> } | null;
  return document?.["x-harbor"] ?? {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export const command = defineCommand({
  meta: { name: "describe-service", description: "Show what a service's folder says about it" },
  args: {
    handle: { type: "positional", description: "Service handle", required: true },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  run({ args }) {
    const workspace = findWorkspace({ home: findHome(process.env), directory: args.workspace });
    const service = describeService(args.handle ?? "", workspace);
    const render = (it: ServiceDescription): string =>
      Object.entries(it)
        .map(([key, value]) => `${key}\t${String(value ?? "")}`)
        .join("\n");
    emit(service, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
