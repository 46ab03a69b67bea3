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
import type { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { isSecretName } from "../_script/secret-name.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findWorkspace, type Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { type ConnectionPart, connectionVariable } from "./connection.ts";
import { findHome } from "./find-home.ts";
import { keyOf, openUrlVariable, variableOf } from "./name-variable.ts";
import { type Declaration, readDeclarations, type SettingType } from "./read-declarations.ts";
import { RUNTIMES, runtimeVariable, SERVICE_RUNTIMES } from "./runtime-preference.ts";
import { volumesVariable } from "./service-volumes.ts";

export interface Key {
  /** The variable. */
  name: string;
  /** The same as people may write it: `ollama.host_port`. */
  key: string;
  /** The first default written, `${…}` in it and all; null where there is none. */
  default: string | null;
  /** Where it is named; empty for what only Harbor itself reads. */
  files: string[];
  /** What a folder says of it. */
  declared: Declaration | undefined;
  /** What is wrong with what a folder says of it. */
  problem: HarborError | undefined;
}

interface OwnKey extends Partial<Pick<Declaration, "type" | "choices" | "isPortable">> {
  default?: string;
  description: string;
}

/** Harbor's own, and what it takes where they are not set. */
const OWN: Readonly<Record<string, OwnKey>> = {
  HARBOR_SERVICES_DEFAULT: { isPortable: true, description: "Services that every `harbor up` starts, with ; between them" },
  HARBOR_CAPABILITIES_AUTODETECT: {
    isPortable: true,
    default: "true",
    type: "boolean",
    description: "Whether capabilities of the host are detected",
  },
  HARBOR_CAPABILITIES_DEFAULT: { isPortable: true, description: "Capabilities that are always selected, with ; between them" },
  HARBOR_DATA: { type: "path", description: "Folder of what services store" },
  HARBOR_PROJECT: { description: "Name of the compose project" },
  HARBOR_ENGINE_KIND: { description: "What the engine is: linux, desktop, rootless or podman" },
  HARBOR_HISTORY: { default: "true", type: "boolean", description: "Whether what is changed with harbor is noted" },
  HARBOR_LAUNCH_BACKEND: { isPortable: true, description: "Service whose models `harbor launch` uses" },
  HARBOR_LAUNCH_MODEL: { isPortable: true, description: "Its model" },
  HARBOR_CLOUDFLARED_IMAGE: { description: "Image of the tunnels' connector, where the program is not installed" },
  HARBOR_CLOUDFLARED_VERSION: { description: "Its tag" },
  HARBOR_PROXY_IMAGE: { description: "Image of the proxies" },
  HARBOR_PROXY_VERSION: { description: "Its tag" },
  HARBOR_UI_MAIN: { isPortable: true, description: "Service that `harbor open` and `qr` mean without a name" },
};

export interface ListKeysOptions {
  workspace: Workspace;
  /** Of interest are keys that begin so, in either spelling; files that can name none of them are not looked through. */
  begins?: string | undefined;
}

const RUNTIME: OwnKey = { default: "auto", choices: [...RUNTIMES], description: "What it runs on" };
const SERVICE_RUNTIME: OwnKey = { ...RUNTIME, choices: [...SERVICE_RUNTIMES] };
const CONNECTION: Readonly<Record<ConnectionPart, OwnKey>> = {
  URL: { description: "Server that stands in for it (harbor connect)" },
  INSECURE: { type: "boolean", default: "false", description: "Whether that server's certificate is not checked" },
  CA: { type: "path", description: "PEM file that it is checked against" },
  TOKEN: { description: "Bearer token that the bridge sends to it" },
};
const OPEN_URL: OwnKey = { description: "What `harbor open` opens: a URL, or a path of its own" };
const VOLUMES: OwnKey = { description: "More mounts of its container, with ; between them" };

/** By name. A file that cannot be read hides its own keys alone. */
export function listKeys({ workspace, begins = "" }: ListKeysOptions): Map<string, Key> {
  const handles = listHandles(workspace);
  const keys = new Map<string, Key>();
  const note = (name: string, file: string | undefined, text: string | null): Key => {
    let key = keys.get(name);
    if (key === undefined) {
      key = { name, key: keyOf(name, handles), default: null, files: [], declared: undefined, problem: undefined };
      keys.set(name, key);
    }
    key.default ??= text;
    if (file !== undefined && !key.files.includes(file)) key.files.push(file);
    return key;
  };
  const all = listFiles({ workspace, handles: "*", capabilities: new Set(BUILT_IN_CAPABILITIES) });
  const files = begins === "" ? all : all.filter((file) => mayName(file, begins));
  // a definition's default is the one that holds where a capability's or another service's file has its own
  for (const { path } of files.sort((a, b) => rankOf(a) - rankOf(b))) {
    for (const { name, text } of namesIn(readOrNothing(path))) note(name, path, text);
  }
  const { found, wrong } = readDeclarations(files);
  for (const [name, declared] of found) note(name, declared.source?.file, null).declared = declared;
  for (const [name, problem] of wrong) note(name, problem.at?.file, null).problem = problem;
  const own = [
    ...Object.entries(OWN),
    [runtimeVariable(), RUNTIME] as [string, OwnKey],
    ...handles.map((handle): [string, OwnKey] => [runtimeVariable(handle), SERVICE_RUNTIME]),
    ...handles.flatMap((handle) =>
      Object.entries(CONNECTION).map(([part, spec]): [string, OwnKey] => [connectionVariable(handle, part as ConnectionPart), spec]),
    ),
    ...handles.map((handle): [string, OwnKey] => [volumesVariable(handle), VOLUMES]),
    ...handles.map((handle): [string, OwnKey] => [openUrlVariable(handle), OPEN_URL]),
  ];
  for (const [name, spec] of own) note(name, undefined, spec.default ?? null).declared ??= ownDeclaration(name, spec);
  return new Map([...keys].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** A module names keys in any spelling; a service's own files may declare some. */
function mayName({ path, handle, kind }: ServiceFile, begins: string): boolean {
  const [asked, own] = [variableOf(begins), handle === undefined ? undefined : variableOf(`${handle}.`)];
  const isOwn = own !== undefined && (asked.startsWith(own) || own.startsWith(asked));
  if (isOwn || kind === "module") return true;
  const text = readOrNothing(path);
  return [asked, begins, asked.replace("HARBOR_", "").toLowerCase()].some((spelling) => text.includes(spelling));
}

function ownDeclaration(name: string, { type = "text", choices, description, isPortable = false }: OwnKey): Declaration {
  const limits = { min: undefined, max: undefined };
  const secrecy = { isSecret: false, generate: undefined, isTakenOnce: false };
  return { name, type, choices, ...limits, description, ...secrecy, isPortable, source: undefined };
}

/** By declaration, or by its name. */
export function isSecretKey(name: string, keys: ReadonlyMap<string, Key>): boolean {
  return keys.get(name)?.declared?.isSecret === true || isSecretName(name);
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
  meta: { name: "list-keys", description: "List every configuration key, its default and choices, and where it is named" },
  args: { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" }, ...jsonArg },
  run({ args }) {
    const keys = [...listKeys({ workspace: findWorkspace({ home: findHome(process.env), directory: args.workspace }) }).values()];
    // a shell's completion takes the columns apart
    const row = (it: DescribedKey): string[] => [it.key, it.name, it.default ?? "", it.choices.join(" ")];
    emit(keys.map(describeKey), { json: args.json, render: (them) => them.map((it) => row(it).join("\t")).join("\n") });
  },
});

/** A key as it is printed. */
export interface DescribedKey extends Pick<Key, "name" | "key" | "default" | "files"> {
  type: SettingType;
  /** Empty where it may be anything of its type. */
  choices: readonly string[];
  min: number | null;
  max: number | null;
  description: string | null;
  secret: boolean;
}

export function describeKey({ name, key, default: byDefault, files, declared }: Key): DescribedKey {
  return {
    name,
    key,
    default: byDefault,
    files,
    type: declared?.type ?? "text",
    choices: declared?.choices ?? (declared?.type === "boolean" ? ["true", "false"] : []),
    min: declared?.min ?? null,
    max: declared?.max ?? null,
    description: declared?.description ?? null,
    secret: declared?.isSecret === true || isSecretName(name),
  };
}

if (import.meta.main) await runScript(command);
