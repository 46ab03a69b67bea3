#!/usr/bin/env bun
/**
 * Where service folders are looked up: the layers, lowest first (ARCHITECTURE section 3), or one
 * flat workspace of the older layout, chosen by what is there.
 *
 *   bun routines/workspace/find-workspace.ts --workspace ~/src/harbor --json
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { programRoot } from "../_script/program-root.ts";
import { runScript } from "../_script/script.ts";
import { workingDirectory } from "../_script/working-directory.ts";
import { findHome } from "../config/find-home.ts";

/** `root` holds one folder per service; in a flat layer it is the workspace itself. */
export interface Layer {
  kind: "built-in" | "user" | "project" | "flat";
  root: string;
}

export interface Workspace {
  layout: "folders" | "flat";
  /** `$HARBOR_HOME`: configuration, data and state. */
  home: string;
  /** Later ones on top. */
  layers: Layer[];
}

export interface FindWorkspaceOptions {
  home: string;
  /** `--workspace DIR`; the folder `harbor/` of the current directory when left out. */
  directory?: string | undefined;
  /** Project layers of a stack that runs, wherever the user stands now; those that are gone are left out. */
  projects?: readonly string[];
  cwd?: string;
  /** The service folders that come with Harbor. */
  builtIn?: string;
}

/** Throws `usage` when the named directory is not there or holds no services. */
export function findWorkspace(options: FindWorkspaceOptions): Workspace {
  const { home, cwd = workingDirectory() } = options;
  if (options.directory === undefined) return { layout: "folders", home, layers: layersUnder(join(cwd, "harbor", "services"), options) };
  const directory = resolve(cwd, options.directory);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new HarborError(`Cannot use workspace "${options.directory}": there is no such directory`, { exit: "usage" });
  }
  if (isFlat(directory)) return { layout: "flat", home, layers: [{ kind: "flat", root: directory }] };
  const candidates = [join(directory, "services"), join(directory, "harbor", "services"), directory];
  const root = candidates.find(holdsServiceFolders);
  if (root === undefined) {
    throw new HarborError(`Cannot use workspace "${options.directory}": it holds no service`, {
      exit: "usage",
      hint: "A workspace holds service folders (services/<handle>/compose.<handle>.yml), or compose.yml beside compose.<handle>.yml files",
    });
  }
  return { layout: "folders", home, layers: layersUnder(root, options) };
}

/** All layers, with this project on top. */
function layersUnder(top: string, { home, builtIn, projects = [] }: FindWorkspaceOptions): Layer[] {
  const roots = [...projects.filter((root) => root !== top), top].filter((root) => existsSync(root));
  return [
    { kind: "built-in", root: builtIn ?? join(programRoot(), "services") },
    { kind: "user", root: join(home, "services") },
    ...roots.map((root): Layer => ({ kind: "project", root })),
  ];
}

const SERVICE_FILE = /^compose\.[^.].*\.(?:ya?ml|ts)$/;

function isFlat(directory: string): boolean {
  return [join(directory, "services"), directory].some((folder) => listNames(folder).some((name) => SERVICE_FILE.test(name)));
}

function holdsServiceFolders(directory: string): boolean {
  return listNames(directory).some((name) =>
    listNames(join(directory, name)).some((file) => SERVICE_FILE.test(file) || file === `${name}_native.yml`),
  );
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there, or a file
  }
}

export const command = defineCommand({
  meta: { name: "find-workspace", description: "Show the layers in which services are found" },
  args: { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" }, ...jsonArg },
  run({ args }) {
    const workspace = findWorkspace({ home: findHome(process.env), directory: args.workspace });
    emit(workspace, { json: args.json, render: (it) => it.layers.map((layer) => `${layer.kind}\t${layer.root}`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
