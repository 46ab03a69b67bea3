#!/usr/bin/env bun
/**
 * The files of services, by kind, out of the layers of a workspace. Only the folders of the services
 * asked for are read, so that cost follows the selection and not the catalogue.
 *
 *   bun routines/workspace/list-files.ts ollama webui --json
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findWorkspace, type Layer, type Workspace } from "./find-workspace.ts";
import { checkHandle, listHandles } from "./list-handles.ts";

export type FileKind = "base" | "definition" | "capability" | "cross" | "contract" | "module";

export interface ServiceFile {
  path: string;
  name: string;
  kind: FileKind;
  /** The words of its name: services and capabilities. */
  parts: string[];
  /** `all`: a cross file; `any`: an older `compose.<a>.<b>.yml`, added for a or b. */
  match: "all" | "any";
  /** The service folder it stands in; in a flat workspace the service it defines. */
  handle: string | undefined;
  /** What relative paths in it mean. */
  directory: string;
}

export interface ListFilesOptions {
  workspace: Workspace;
  /** The services asked for, or `*` for all. */
  handles: readonly string[] | "*";
  capabilities: ReadonlySet<string>;
}

/** In no particular order but the layers' own: lower layers first. */
export function listFiles(options: ListFilesOptions): ServiceFile[] {
  const { workspace } = options;
  if (workspace.layout === "flat") return listFlat(options);
  const handles = options.handles === "*" ? listHandles(workspace) : options.handles;
  const files: ServiceFile[] = [];
  for (const { root } of workspace.layers) {
    for (const name of BASE_NAMES) if (existsSync(join(root, name))) files.push(baseFile(root, name));
  }
  for (const handle of handles) for (const file of listFolder(handle, options)) files.push(file);
  return files;
}

const BASE_NAMES = ["compose.yml", "compose.yaml"];

/**
 * One service's files over all layers. A folder with a definition or a contract replaces the lower
 * ones; one with cross files alone adds to them.
 */
function listFolder(handle: string, options: ListFilesOptions): ServiceFile[] {
  let files: ServiceFile[] = [];
  for (const layer of options.workspace.layers) {
    const directory = join(layer.root, handle);
    const own = readNames(directory)
      .map((name) => classify(name, directory, handle, options.capabilities))
      .filter((file) => file !== undefined);
    if (own.some((file) => file.kind === "definition" || file.kind === "contract")) files = [];
    files.push(...own);
  }
  return files;
}

function listFlat(options: ListFilesOptions): ServiceFile[] {
  const root = (options.workspace.layers[0] as Layer).root;
  const files = BASE_NAMES.filter((name) => existsSync(join(root, name))).map((name) => baseFile(root, name));
  for (const folder of [root, join(root, "services")]) {
    for (const name of readNames(folder)) {
      const file = classify(name, folder, undefined, options.capabilities);
      if (file !== undefined) files.push({ ...file, directory: root, handle: file.kind === "definition" ? file.parts[0] : undefined });
    }
  }
  const handles = options.handles === "*" ? files.flatMap((file) => file.handle ?? []) : options.handles;
  return [...files, ...handles.flatMap((handle) => flatContract(root, handle) ?? [])];
}

function flatContract(root: string, handle: string): ServiceFile | undefined {
  const name = `${handle}_native.yml`;
  const path = [join(root, handle, name), join(root, "services", handle, name)].find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : { path, name, kind: "contract", parts: [handle], match: "all", handle, directory: root };
}

/** What a file's name says it is; undefined for anything that is not Harbor's. */
function classify(name: string, folder: string, handle: string | undefined, capabilities: ReadonlySet<string>): ServiceFile | undefined {
  const path = join(folder, name);
  if (handle !== undefined && name === `${handle}_native.yml`) {
    return { path, name, kind: "contract", parts: [handle], match: "all", handle, directory: folder };
  }
  if (!name.startsWith("compose.")) return undefined;
  const words = name.split(".");
  const extension = words.pop();
  words.shift();
  if (words.length === 0 || (extension !== "yml" && extension !== "yaml" && extension !== "ts")) return undefined;
  const isCross = words[0] === "x" && words.length > 1;
  const parts = isCross ? words.slice(1) : words;
  const kind = extension === "ts" ? "module" : kindOf(parts, isCross, capabilities);
  return { path, name, kind, parts, match: isCross || parts.length === 1 ? "all" : "any", handle, directory: folder };
}

function kindOf(parts: readonly string[], isCross: boolean, capabilities: ReadonlySet<string>): FileKind {
  if (!isCross && parts.length === 1) return "definition";
  const services = parts.filter((part) => !capabilities.has(part));
  return services.length === 1 && services.length < parts.length ? "capability" : "cross";
}

function baseFile(root: string, name: string): ServiceFile {
  return { path: join(root, name), name, kind: "base", parts: [], match: "all", handle: undefined, directory: root };
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // this layer has no such folder
  }
}

export const command = defineCommand({
  meta: { name: "list-files", description: "List the files of services, by kind" },
  args: {
    handles: { type: "positional", description: "Service handles; all when left out", multiple: true },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  run({ args }) {
    const workspace = findWorkspace({ home: findHome(process.env), directory: args.workspace });
    const handles = args.handles.length === 0 ? "*" : args.handles;
    for (const handle of args.handles) checkHandle(handle);
    const files = listFiles({ workspace, handles, capabilities: new Set(BUILT_IN_CAPABILITIES) });
    emit(files, { json: args.json, render: (them) => them.map((file) => `${file.kind}\t${file.path}`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
