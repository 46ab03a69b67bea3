#!/usr/bin/env bun
/**
 * `harbor models search`: models of the Hugging Face hub by words of their names (`GET /api/models?search=…`).
 *
 *   bun routines/models/search-models.ts gemma --filter gguf
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { readCount } from "../_script/count.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";
import { table } from "../_script/table.ts";
import { note } from "../stack/say.ts";
import { HubClient } from "./_hub-client.ts";
import { ModelError } from "./_model-error.ts";
import { tame } from "./_names.ts";
import { DEFAULT_PATIENCE } from "./_patience.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";

/** As `--json` prints it. */
export interface FoundModel {
  name: string;
  /** What it is for, in the hub's words. */
  task: string | null;
  /** Of gguf, safetensors, onnx: what its files are. */
  formats: string[];
  downloads: number | null;
  likes: number | null;
  /** Of the whole repository with its history; null where the hub does not say. */
  bytes: number | null;
  updatedAt: string | null;
  /** One has to accept its authors' terms first. */
  isGated: boolean;
}

export interface SearchModelsOptions {
  words: readonly string[];
  /** Tags that it must have: `gguf`, a task, a library. */
  filters?: readonly string[];
  /** `downloads`, `likes`, `updated`, `trending`. */
  sort?: string;
  limit?: number;
  settings: HubSettings;
  signal?: AbortSignal;
}

const SORTS: Readonly<Record<string, string>> = {
  downloads: "downloads",
  likes: "likes",
  updated: "lastModified",
  trending: "trendingScore",
};
const FIELDS = ["downloads", "likes", "lastModified", "pipeline_tag", "tags", "gated", "usedStorage"];
const FORMATS = ["gguf", "safetensors", "onnx"];
const MOST = 1_000;

/** The best first. Throws `missing` where the hub cannot be asked, `failed` where it does not answer as one. */
export async function searchModels(options: SearchModelsOptions): Promise<FoundModel[]> {
  const { words, filters = [], sort = "downloads", limit = 20, settings, signal } = options;
  const text = words.join(" ");
  if (settings.isOffline) throw cannot(text, new ModelError("offline", text, "the hub is not asked (offline)"));
  try {
    const hub = new HubClient({ repo: text, ...settings, patience: DEFAULT_PATIENCE, signal });
    const url = hub.url("api/models");
    url.searchParams.set("search", text);
    url.searchParams.set("sort", SORTS[sort] ?? sort);
    url.searchParams.set("direction", "-1");
    url.searchParams.set("limit", String(limit));
    for (const filter of filters) url.searchParams.append("filter", filter);
    for (const field of FIELDS) url.searchParams.append("expand[]", field);
    const found = await hub.ask(url);
    if (!Array.isArray(found)) throw hub.fail("network", `${hub.host} does not answer as a model hub does`);
    return found.flatMap(asFound).slice(0, limit);
  } catch (error) {
    throw error instanceof ModelError ? cannot(text, error) : error;
  }
}

/** The same in words of a search. */
function cannot(text: string, { why, exit, details, hint, kind }: ModelError): HarborError {
  const next = kind === "offline" ? "Models that are here already: `harbor models ls`" : hint;
  return new HarborError(`Cannot search for "${text}": ${why}`, { exit, details, ...(next === undefined ? {} : { hint: next }) });
}

function asFound(entry: unknown): FoundModel[] {
  const said = (entry ?? {}) as Record<string, unknown>;
  const name = said.id ?? said.modelId;
  if (typeof name !== "string") return [];
  const tags = Array.isArray(said.tags) ? said.tags : [];
  return [
    {
      name: tame(name),
      task: typeof said.pipeline_tag === "string" ? tame(said.pipeline_tag) : null,
      formats: FORMATS.filter((format) => tags.includes(format)),
      downloads: asNumber(said.downloads),
      likes: asNumber(said.likes),
      bytes: asNumber(said.usedStorage),
      updatedAt: asTime(said.lastModified),
      isGated: said.gated !== undefined && said.gated !== false,
    },
  ];
}

function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function asTime(value: unknown): string | null {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

function render(models: readonly FoundModel[]): string {
  if (models.length === 0) return "";
  const rows = models.map((it) => [
    it.name,
    it.task ?? "-",
    it.formats.join(",") || "-",
    it.downloads === null ? "-" : count(it.downloads),
    it.likes === null ? "-" : count(it.likes),
    it.bytes === null ? "-" : formatSize(it.bytes),
    `${it.updatedAt?.slice(0, 10) ?? "-"}${it.isGated ? ", terms to accept" : ""}`,
  ]);
  return table([["NAME", "FOR", "FORMATS", "DOWNLOADS", "LIKES", "ALL FILES", "UPDATED"], ...rows]).join("\n");
}

/** `812`, `12.3 k`, `4.5 M`. */
function count(number: number): string {
  if (number < 1e3) return String(number);
  return number < 999_950 ? `${(number / 1e3).toFixed(1)} k` : `${(number / 1e6).toFixed(1)} M`;
}

export const command = defineCommand({
  meta: {
    name: "search-models",
    description: "Find models of the Hugging Face hub by words of their names",
    examples: [
      "harbor models search gemma 3",
      "harbor models search whisper --filter ctranslate2 --limit 5",
      "harbor models search qwen --filter gguf --json",
    ],
  },
  args: {
    words: { type: "positional", description: "Words of its name", required: true, multiple: true },
    filter: {
      type: "string",
      description: "Only models with this tag of the hub: gguf, a task, a library",
      valueHint: "TAG",
      multiple: true,
    },
    sort: { type: "string", description: "By downloads, likes, updated or trending", valueHint: "KEY", default: "downloads" },
    limit: { type: "string", alias: "n", description: "How many", valueHint: "N", default: "20" },
    ...jsonArg,
  },
  async run({ args }) {
    if (!Object.hasOwn(SORTS, args.sort)) {
      throw new HarborError(`Cannot sort models by "${args.sort}"`, { exit: "usage", hint: `By ${Object.keys(SORTS).join(", ")}` });
    }
    using interrupt = listenForInterrupt();
    const limit = Math.min(readCount("--limit", args.limit) ?? MOST, MOST);
    const settings = hubSettings(process.env);
    const found = await searchModels({
      words: args.words,
      filters: args.filter,
      sort: args.sort,
      limit,
      settings,
      signal: interrupt.signal,
    });
    if (found.length === 0 && !args.json) note("the hub has no model with such a name; Ollama's own are at https://ollama.com/search");
    emit(found, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
