#!/usr/bin/env bun
/**
 * `harbor models ls`: every model there is on this machine, in all the folders that services read and in the user's own caches.
 * What a running service says itself goes first; else its folder is read. Nothing is started, nothing is written.
 *
 *   bun routines/models/list-models.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";
import { table } from "../_script/table.ts";
import { findHome } from "../config/find-home.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { readStack } from "../stack/read-stack.ts";
import { note, warn } from "../stack/say.ts";
import { listLoaded } from "./_list-loaded.ts";
import { OllamaClient, type OllamaModel } from "./_ollama-client.ts";
import { findRunningServices, type RunningService } from "./_running-services.ts";
import { scanPlace } from "./_scan-place.ts";
import { lastReadMs, type ModelDetails, type StoredModel, totalOf } from "./_stored-model.ts";
import { findStore, readStores, type Store, type StorePlace } from "./read-stores.ts";

/** As `--json` prints it. */
export interface ListedModel {
  name: string;
  store: string;
  /** Handle of the service that reads the store; null for the user's own. */
  service: string | null;
  /** Null where the service does not run, or does not say. */
  isLoaded: boolean | null;
  /** False for one of which a part is missing. */
  isComplete: boolean;
  bytes: number;
  /** Of these, what other models use as well. */
  sharedBytes: number;
  format: string | null;
  quantisation: string | null;
  architecture: string | null;
  parameters: string | null;
  contextLength: number | null;
  /** File or folder; null for a model of another machine. */
  path: string | null;
  /** ISO 8601; null where nothing tells. */
  modifiedAt: string | null;
  lastUsedAt: string | null;
}

/** A model with what is needed to remove it. */
export interface KnownModel {
  listed: ListedModel;
  stored: StoredModel;
  store: Store;
  place: StorePlace;
}

export interface Inventory {
  home: string;
  values: Values;
  stores: Store[];
  running: ReadonlyMap<string, RunningService>;
  /** Services that did answer, by handle. */
  answering: ReadonlySet<string>;
  models: KnownModel[];
  warnings: string[];
}

export interface ListModelsOptions {
  env: Env;
  /** `--workspace`. */
  directory?: string | undefined;
}

/** Stores and where their services answer; nothing is asked yet. */
export async function openStores({ env, directory }: ListModelsOptions) {
  const home = findHome(env);
  const { workspace } = findStackWorkspace({ home, record: readStack(home), directory });
  const values = readValues({ workspace, env });
  const { stores, warnings } = readStores({ workspace, values, env });
  const handles = stores.flatMap(({ service }) => service ?? []);
  return { home, values, stores, warnings, running: await findRunningServices(home, env, handles) };
}

/** Every model of every store, sorted by nothing but its store. */
export async function listModels(options: ListModelsOptions): Promise<Inventory> {
  const opened = await openStores(options);
  const found = await Promise.all(opened.stores.map((store) => listStore(store, opened.running)));
  const models = found.flatMap(({ models: them }) => them);
  noteShared(models);
  return {
    ...opened,
    models,
    answering: new Set(found.flatMap(({ answers, store }) => (answers && store.service !== undefined ? [store.service] : []))),
    warnings: [...opened.warnings, ...found.flatMap(({ warnings }) => warnings)],
  };
}

interface FoundInStore {
  store: Store;
  models: KnownModel[];
  answers: boolean;
  warnings: string[];
}

async function listStore(store: Store, running: ReadonlyMap<string, RunningService>): Promise<FoundInStore> {
  const service = store.service === undefined ? undefined : running.get(store.service);
  const url = service === undefined || service.isAsleep ? undefined : service.url;
  const warnings: string[] = [];
  const [loaded, said] = await Promise.all([
    url === undefined || store.loaded === undefined ? undefined : listLoaded(url, store.loaded),
    url === undefined || !store.places.some(({ layout }) => layout === "ollama") ? undefined : new OllamaClient(url).list(),
  ]);
  const known: KnownModel[] = [];
  for (const place of store.places) {
    const onDisk = scanPlace(place, (text) => warnings.push(`Cannot read all models of ${store.name}: ${text}`));
    const stored = said === undefined || place.layout !== "ollama" || url === undefined ? onDisk : await asSaid(said, onDisk, url);
    known.push(...stored.map((it) => ({ listed: describe(it, store, loaded), stored: it, store, place })));
  }
  return { store, models: known, answers: loaded !== undefined || said !== undefined, warnings };
}

/** What the server has, each with its files where they lie on this disk. */
async function asSaid(said: readonly OllamaModel[], onDisk: readonly StoredModel[], url: string): Promise<StoredModel[]> {
  const byName = new Map(onDisk.map((model) => [model.name.toLowerCase(), model]));
  return await Promise.all(
    said.map(async ({ name, bytes, details }) => {
      const stored = byName.get(name.toLowerCase());
      if (stored !== undefined) return { ...stored, name, details: merge(stored.details, details) };
      const shown = merge(details, await new OllamaClient(url).show(name));
      return { name, path: undefined, files: [], bytes, leads: [], isComplete: true, details: shown };
    }),
  );
}

function merge(first: ModelDetails, second: ModelDetails): ModelDetails {
  return { ...second, ...Object.fromEntries(Object.entries(first).filter(([, value]) => value !== undefined)) };
}

function describe(stored: StoredModel, store: Store, loaded: ReadonlySet<string> | undefined): ListedModel {
  const { format, quantisation, architecture, parameters, contextLength } = stored.details;
  const modifiedMs = Math.max(...stored.files.map(({ writtenMs }) => writtenMs));
  return {
    name: stored.name,
    store: store.name,
    service: store.service ?? null,
    isLoaded: loaded === undefined ? null : isAmong(stored.name, loaded),
    isComplete: stored.isComplete,
    bytes: stored.bytes,
    sharedBytes: 0,
    format: format ?? null,
    quantisation: quantisation ?? null,
    architecture: architecture ?? null,
    parameters: parameters ?? null,
    contextLength: contextLength ?? null,
    path: stored.path ?? null,
    modifiedAt: stored.files.length === 0 ? null : asTime(modifiedMs),
    lastUsedAt: asTime(lastReadMs(stored.files)),
  };
}

/** llama-server gives the parts of a split model one name, and may leave the tag out. */
function isAmong(name: string, loaded: ReadonlySet<string>): boolean {
  const lower = name.toLowerCase();
  return loaded.has(lower) || loaded.has(`${lower}.gguf`) || loaded.has(lower.replace(/:latest$/, ""));
}

function asTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** A content that several models consist of is part of each, and on the disk once. */
function noteShared(models: readonly KnownModel[]): void {
  const users = new Map<string, number>();
  for (const { stored } of models) for (const { key } of stored.files) users.set(key, (users.get(key) ?? 0) + 1);
  for (const { listed, stored } of models) listed.sharedBytes = totalOf(stored.files.filter(({ key }) => (users.get(key) ?? 0) > 1));
}

/** What all of them take on this disk. */
export function totalOnDisk(models: readonly KnownModel[]): number {
  return totalOf(models.flatMap(({ stored }) => stored.files).filter(({ isLink }) => !isLink));
}

const SORTS: Readonly<Record<string, (a: ListedModel, b: ListedModel) => number>> = {
  name: (a, b) => byText(a.name, b.name),
  size: (a, b) => b.bytes - a.bytes,
  store: (a, b) => byText(a.store, b.store),
  used: (a, b) => Number(b.isLoaded === true) - Number(a.isLoaded === true) || byText(b.lastUsedAt ?? "", a.lastUsedAt ?? ""),
  modified: (a, b) => byText(b.modifiedAt ?? "", a.modifiedAt ?? ""),
};

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function render(models: readonly ListedModel[], total: number): string {
  if (models.length === 0) return "";
  const rows = models.map((it) => [
    it.name,
    it.store,
    formatSize(it.bytes),
    it.quantisation ?? "-",
    [it.service ?? "-", ...(it.isLoaded ? ["loaded"] : []), ...(it.isComplete ? [] : ["not complete"])].join(", "),
    it.isLoaded ? "now" : it.lastUsedAt === null ? "-" : ago(Date.now() - Date.parse(it.lastUsedAt)),
  ]);
  const lines = table([["NAME", "STORE", "SIZE", "QUANT", "USED BY", "LAST USED"], ...rows]);
  const once = models.some(({ sharedBytes }) => sharedBytes > 0) ? ", what they share counted once" : "";
  return [...lines, "", `${models.length} ${models.length === 1 ? "model" : "models"}, ${formatSize(total)} on disk${once}`].join("\n");
}

/** File systems note it to the day. */
function ago(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  if (days < 1) return "today";
  return days < 60 ? `${days} d ago` : `${Math.floor(days / 30)} months ago`;
}

export const command = defineCommand({
  meta: {
    name: "list-models",
    description: "List the models on this machine: size, quantisation, who uses them",
    examples: [
      "harbor models ls",
      "harbor models ls qwen --sort size",
      "harbor models ls --store ollama --store hf",
      "harbor models ls --json",
    ],
  },
  args: {
    words: { type: "positional", description: "Only models whose name has these words", multiple: true },
    store: {
      type: "string",
      alias: "s",
      description: "Only this store: a service, or user:hf and the like",
      valueHint: "S",
      multiple: true,
      completes: "store",
    },
    sort: {
      type: "string",
      description: "By name, size, store, used or modified",
      valueHint: "KEY",
      default: "store",
      completes: Object.keys(SORTS),
    },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    const compare = Object.hasOwn(SORTS, args.sort) ? SORTS[args.sort] : undefined;
    if (compare === undefined) {
      throw new HarborError(`Cannot sort models by "${args.sort}"`, { exit: "usage", hint: `By ${Object.keys(SORTS).join(", ")}` });
    }
    const { models, stores, warnings } = await listModels({ env: process.env, directory: args.workspace });
    const wanted = args.store.map((name) => findStore(name, stores).name);
    warn(warnings);
    const shown = models.filter(
      ({ listed }) => (wanted.length === 0 || wanted.includes(listed.store)) && hasWords(listed.name, args.words),
    );
    shown.sort((a, b) => compare(a.listed, b.listed) || byText(a.listed.store, b.listed.store) || byText(a.listed.name, b.listed.name));
    if (shown.length === 0 && !args.json)
      note(models.length === 0 ? NO_MODELS : "no model is called so; `harbor models ls` shows them all");
    emit(
      shown.map(({ listed }) => listed),
      { json: args.json, render: (them) => render(them, totalOnDisk(shown)) },
    );
  },
});

const NO_MODELS = "there are no models yet; `harbor models search <words>` finds some, `harbor models pull <model>` fetches one";

function hasWords(name: string, words: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return words.every((word) => lower.includes(word.toLowerCase()));
}

if (import.meta.main) await runScript(command);
