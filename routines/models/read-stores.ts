/**
 * Where models are kept: the folders that services say they read (`models` in the `x-harbor` block of their definition or contract),
 * and the caches that the user's own programs have, which are shown and otherwise left alone.
 */
import { existsSync, realpathSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { formatPlace, HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";
import { nearest } from "../_script/nearest.ts";
import { readText } from "../_script/read-text.ts";
import { parseYaml } from "../_script/yaml.ts";
import { interpolate } from "../compose/interpolate.ts";
import type { Env, Values } from "../config/read-values.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { hubSettings } from "./hub-settings.ts";

/** How a folder is laid out: Ollama's, huggingface_hub's cache, GGUF files, ComfyUI's folders by kind. */
export const LAYOUTS = ["ollama", "hub", "gguf", "comfyui"] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface StorePlace {
  layout: Layout;
  /** A whole path; need not be there. */
  folder: string;
}

export interface Store {
  /** A service's handle, or `user:<program>` for a cache of the user's own. */
  name: string;
  places: StorePlace[];
  /** Handle of the service that reads it; undefined for one of the user's own. */
  service: string | undefined;
  /** Path of its API that lists what is loaded, and of the one that has it look into its folder again. */
  loaded: string | undefined;
  refresh: string | undefined;
  /** Which models of the hub it is for: `gguf`, and the hub's tasks. */
  takes: readonly string[];
}

export interface ReadStoresOptions {
  workspace: Workspace;
  values: Values;
  env: Env;
}

export interface ReadStores {
  /** The services' by handle, then the user's own that are there. */
  stores: Store[];
  /** Folders of services that could not be read: they have no store. */
  warnings: string[];
}

export function readStores({ workspace, values, env }: ReadStoresOptions): ReadStores {
  const warnings: string[] = [];
  const services = [...mainFiles(workspace)].flatMap(([handle, files]) => {
    try {
      return readDeclared(handle, files, values) ?? [];
    } catch (error) {
      if (!(error instanceof HarborError)) throw error;
      warnings.push(error.at === undefined ? error.message : `${formatPlace(error.at)}: ${error.message}`);
      return [];
    }
  });
  const taken = new Set(services.flatMap(({ places }) => places.map(({ folder }) => resolved(folder))));
  const own = ownStores(env).flatMap((store) => {
    const places = store.places.filter(({ folder }) => existsSync(folder) && !taken.has(resolved(folder)));
    return places.length === 0 ? [] : [{ ...store, places }];
  });
  return { stores: [...services, ...own], warnings };
}

/** Throws `unknown`, with the nearest, for what is no store; `hf` is short for `user:hf`. */
export function findStore(name: string, stores: readonly Store[]): Store {
  const found = stores.find((store) => store.name === name) ?? stores.find((store) => store.name === `user:${name}`);
  if (found !== undefined) return found;
  const names = stores.map((store) => store.name);
  const guess = nearest(name, names);
  throw new HarborError(`Cannot find store "${name}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
    exit: "unknown",
    hint: `There are: ${names.join(", ")}`,
  });
}

/** Definitions and contracts by handle, sorted. */
function mainFiles(workspace: Workspace): Map<string, ServiceFile[]> {
  const files = listFiles({ workspace, handles: "*", capabilities: new Set(BUILT_IN_CAPABILITIES) });
  const byHandle = new Map<string, ServiceFile[]>();
  for (const file of files) {
    const handle = file.handle ?? file.parts[0];
    if (handle === undefined || (file.kind !== "definition" && file.kind !== "contract")) continue;
    byHandle.set(handle, [...(byHandle.get(handle) ?? []), file]);
  }
  return new Map([...byHandle].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const KEYS = ["folders", "loaded", "refresh", "takes"];

/** Undefined where the service keeps no models. Throws with the file for what is wrong in it. */
function readDeclared(handle: string, files: readonly ServiceFile[], values: Values): Store | undefined {
  for (const { path } of [...files].sort((a, b) => Number(a.kind === "contract") - Number(b.kind === "contract"))) {
    const text = readText(path);
    if (!/^\s+models:/m.test(text)) continue;
    const document = parseYaml(text, path) as { "x-harbor"?: { models?: unknown } } | null;
    const declared = document?.["x-harbor"]?.models;
    if (declared !== undefined) return asStore(handle, declared, path, values);
  }
  return undefined;
}

function asStore(handle: string, declared: unknown, path: string, values: Values): Store {
  const fail = (why: string): never => {
    throw new HarborError(`Cannot read where "${handle}" keeps its models: ${why}`, { at: { file: path } });
  };
  const block = (typeof declared === "object" && declared !== null ? declared : fail('"models" must be a map')) as Record<string, unknown>;
  const wrong = Object.keys(block).find((key) => !KEYS.includes(key));
  if (wrong !== undefined) fail(`"${wrong}" is none of ${KEYS.join(", ")}`);
  const folders = Array.isArray(block.folders) ? block.folders : fail('"folders" must be a list');
  const places = folders
    .flatMap((entry: unknown) => Object.entries((entry ?? {}) as object))
    .map(([layout, folder]): StorePlace => {
      if (!isLayout(layout)) return fail(`a folder is one of ${LAYOUTS.join(", ")}, not "${layout}"`);
      const whole = interpolate(String(folder), values.get);
      return isAbsolute(whole) ? { layout, folder: whole } : fail(`"${whole}" is no whole path`);
    });
  const takes = Array.isArray(block.takes) ? block.takes.map(String) : [];
  return { name: handle, places, service: handle, loaded: asPath(block.loaded), refresh: asPath(block.refresh), takes };
}

function isLayout(word: string): word is Layout {
  return (LAYOUTS as readonly string[]).includes(word);
}

function asPath(value: unknown): string | undefined {
  return typeof value === "string" && value.startsWith("/") ? value : undefined;
}

/** Where each program keeps models by its own documentation, with the variables that move them. */
function ownStores(env: Env): Store[] {
  const home = homeDirectory(env);
  const cache = env.XDG_CACHE_HOME || join(home, ".cache");
  const llama = env.LLAMA_CACHE || (process.platform === "darwin" ? join(home, "Library/Caches/llama.cpp") : join(cache, "llama.cpp"));
  // the second is that of the service that its installer makes on Linux
  const ollama = env.OLLAMA_MODELS ? [env.OLLAMA_MODELS] : [join(home, ".ollama/models"), "/usr/share/ollama/.ollama/models"];
  const own = (name: string, ...places: StorePlace[]): Store => ({
    name: `user:${name}`,
    places,
    service: undefined,
    loaded: undefined,
    refresh: undefined,
    takes: [],
  });
  return [
    own("ollama", ...ollama.map((folder): StorePlace => ({ layout: "ollama", folder }))),
    own("hf", { layout: "hub", folder: hubSettings(env).cache }),
    own("llamacpp", { layout: "gguf", folder: llama }, { layout: "hub", folder: llama }),
    own(
      "lmstudio",
      { layout: "gguf", folder: join(home, ".lmstudio/models") },
      { layout: "gguf", folder: join(home, ".cache/lm-studio/models") },
    ),
  ];
}

function resolved(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
