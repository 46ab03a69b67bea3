#!/usr/bin/env bun
/**
 * Every configuration key of a workspace: nothing lists them but the files themselves, in which they stand as
 * `${NAME:-default}`; beside them those that Harbor itself reads.
 *
 *   bun routines/config/list-keys.ts --json
 */
import { readFileSync } from "node:fs";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findWorkspace, type Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { findHome } from "./find-home.ts";
import { keyOf, variableOf } from "./name-variable.ts";
import { runtimeVariable } from "./runtime-preference.ts";

export interface Key {
  /** The variable. */
  name: string;
  /** The same as people may write it: `ollama.host_port`. */
  key: string;
  /** The first default written, `${…}` in it and all; null where there is none. */
  default: string | null;
  /** Where it is named; empty for what only Harbor itself reads. */
  files: string[];
}

/** Harbor's own, and what it takes where they are not set. */
const OWN: Readonly<Record<string, string | null>> = {
  HARBOR_SERVICES_DEFAULT: null,
  HARBOR_CAPABILITIES_AUTODETECT: "true",
  HARBOR_CAPABILITIES_DEFAULT: null,
  HARBOR_DATA: null,
  HARBOR_PROJECT: null,
  HARBOR_ENGINE_KIND: null,
  HARBOR_PROXY_IMAGE: null,
  HARBOR_PROXY_VERSION: null,
};

export interface ListKeysOptions {
  workspace: Workspace;
  /** Of interest are keys that begin so, in either spelling; files that can name none of them are not looked through. */
  begins?: string | undefined;
}

/** By name. A file that cannot be read hides its own keys alone. */
export function listKeys({ workspace, begins = "" }: ListKeysOptions): Map<string, Key> {
  const handles = listHandles(workspace);
  const keys = new Map<string, Key>();
  const note = (name: string, file: string | undefined, text: string | null): void => {
    let key = keys.get(name);
    if (key === undefined) {
      key = { name, key: keyOf(name, handles), default: null, files: [] };
      keys.set(name, key);
    }
    key.default ??= text;
    if (file !== undefined && !key.files.includes(file)) key.files.push(file);
  };
  const all = listFiles({ workspace, handles: "*", capabilities: new Set(BUILT_IN_CAPABILITIES) });
  const files = begins === "" ? all : all.filter((file) => mayName(file, begins));
  // a definition's default is the one that holds where a capability's or another service's file has its own
  for (const { path } of files.sort((a, b) => rankOf(a) - rankOf(b))) {
    for (const { name, text } of namesIn(readOrNothing(path))) note(name, path, text);
  }
  for (const [name, text] of Object.entries(OWN)) note(name, undefined, text);
  for (const handle of [undefined, ...handles]) note(runtimeVariable(handle), undefined, "auto");
  return new Map([...keys].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** A module names keys in any spelling; a service's own files may declare some. */
function mayName({ path, handle, kind }: ServiceFile, begins: string): boolean {
  const isOwn = handle !== undefined && begins.startsWith(`${handle}.`);
  return isOwn || kind === "module" || readOrNothing(path).includes(variableOf(begins));
}

function rankOf({ kind }: ServiceFile): number {
  return kind === "definition" ? 0 : kind === "contract" ? 1 : 2;
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** An escaped dollar; `$NAME` and `${NAME`, with a default that has no braces of its own; what a module asks for. */
const EXPRESSION = /\$\$|\$(?:\{([A-Za-z_]\w*)(?::?-([^{}\n]*)\})?|([A-Za-z_]\w*))|get(?:Json)?Value\(\s*["'`]([\w.-]+)["'`]/g;
/** A contract's list of names to pass on, on one line or one a line; and a container's, where names stand without a value. */
const NAMES = /^[ \t]*(?:env_vars|environment):[ \t]*(?:\[([^\]]*)\]|((?:\n[ \t]*-[^\n]*)+))/gm;

function* namesIn(source: string): Generator<{ name: string; text: string | null }> {
  // whole comment lines name nothing
  const text = source.replace(/^\s*(?:#|\/\/).*$/gm, "");
  for (const [, braced, word, plain, asked] of text.matchAll(EXPRESSION)) {
    const name = braced ?? plain ?? (asked === undefined ? undefined : variableOf(asked));
    if (name !== undefined) yield { name, text: word ?? null };
  }
  for (const [, line = "", lines = ""] of text.matchAll(NAMES)) {
    for (const [, name = ""] of `${line},${lines}`.matchAll(/(?:^|[,\n])[ \t]*(?:-[ \t]*)?["']?([A-Za-z_]\w*)["']?[ \t]*(?=[,\n]|$)/g)) {
      yield { name, text: null };
    }
  }
}

export const command = defineCommand({
  meta: { name: "list-keys", description: "List every configuration key, its default, and where it is named" },
  args: { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" }, ...jsonArg },
  run({ args }) {
    const keys = [...listKeys({ workspace: findWorkspace({ home: findHome(process.env), directory: args.workspace }) }).values()];
    emit(keys, { json: args.json, render: (them) => them.map((it) => `${it.key}\t${it.name}\t${it.default ?? ""}`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
