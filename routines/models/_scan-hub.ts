/**
 * The models in a cache of huggingface_hub's layout (_places.ts), which llama.cpp uses for what it downloads, too. A repository is a
 * model; one of GGUF files is one for each quantisation, named as llama.cpp does: `org/name:Q4_K_M`.
 */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { isGgufModel, readGgufName } from "./_gguf-names.ts";
import { placesOf } from "./_places.ts";
import { readSmallJson } from "./_read-head.ts";
import { readSafetensorsHeader } from "./_safetensors-header.ts";
import { ggufDetails, groupParts, isWhole } from "./_scan-gguf.ts";
import { type ModelDetails, type StoredFile, type StoredModel, storedFile, totalOf } from "./_stored-model.ts";

const PREFIX = "models--";

/** A path in a snapshot, and what it leads to. */
interface Entry {
  path: string;
  /** The link, or the file itself where there are no links. */
  lead: string;
  /** The content; undefined where the link leads nowhere. */
  file: StoredFile | undefined;
}

/** Empty where there is no such folder. Throws as the file system does where it cannot be read. */
export function scanHub(cache: string): StoredModel[] {
  const folders = listNames(cache, { isNeeded: true }).filter((name) => name.startsWith(PREFIX));
  const begun = listNames(join(cache, ".locks")).filter((name) => name.startsWith(PREFIX) && !folders.includes(name));
  return [...folders, ...begun].flatMap((name) => scanRepo(cache, repoOf(name)));
}

/** Names of repositories have no two dashes in a row. */
function repoOf(folder: string): string {
  return folder.slice(PREFIX.length).split("--").join("/");
}

function scanRepo(cache: string, repo: string): StoredModel[] {
  const { folder } = placesOf({ repo, cache });
  const entries = readEntries(folder);
  if (entries.length === 0) return scanBegun(cache, repo);
  const hasHalf = listNames(join(folder, "blobs")).some((name) => name.endsWith(".incomplete"));
  const groups = groupQuantisations(entries);
  if (groups.size === 0) return [wholeRepo(repo, folder, entries, hasHalf)];
  const others = entries.filter(({ path }) => !isGgufModel(path));
  return [...groups].map(([tag, own]) => oneQuantisation({ repo, tag, own, others }));
}

/** All snapshots, the one that `main` means first. */
function readEntries(folder: string): Entry[] {
  const main = readMain(folder);
  const commits = listNames(join(folder, "snapshots")).sort((a, b) => Number(b === main) - Number(a === main));
  return commits.flatMap((commit) => {
    const snapshot = join(folder, "snapshots", commit);
    const links = listFiles(snapshot);
    return links.map((path) => ({ path, lead: join(snapshot, path), file: contentOf(join(snapshot, path), folder) }));
  });
}

function readMain(folder: string): string {
  try {
    return readFileSync(join(folder, "refs/main"), "utf8").trim();
  } catch {
    return "";
  }
}

/** Of a link into the model's own folder it is no link any more: the content goes with the model. */
function contentOf(lead: string, folder: string): StoredFile | undefined {
  const file = storedFile(lead);
  if (file === undefined || !file.isLink) return file;
  const path = realpathSync(lead);
  const isInside = !relative(realpathSync(folder), path).startsWith("..");
  return { ...file, path, isLink: !isInside };
}

function groupQuantisations(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (!isGgufModel(entry.path)) continue;
    const tag = readGgufName(entry.path)?.tag ?? "";
    groups.set(tag, [...(groups.get(tag) ?? []), entry]);
  }
  return groups;
}

function wholeRepo(repo: string, folder: string, entries: readonly Entry[], hasHalf: boolean): StoredModel {
  const files = contents(entries);
  const known = new Set(files.map(({ key }) => key));
  const left = listNames(join(folder, "blobs")).flatMap((name) => storedFile(join(folder, "blobs", name)) ?? []);
  const all = [...files, ...left.filter(({ key }) => !known.has(key))];
  const [first] = entries;
  const snapshot = first === undefined ? folder : first.lead.slice(0, -first.path.length - 1);
  return {
    name: repo,
    path: snapshot,
    files: all,
    bytes: totalOf(all),
    leads: [],
    folder,
    isComplete: !hasHalf && entries.every(({ file }) => file !== undefined),
    details: repoDetails(snapshot, entries),
  };
}

interface Quantisation {
  repo: string;
  tag: string;
  own: readonly Entry[];
  /** What belongs to every quantisation. */
  others: readonly Entry[];
}

function oneQuantisation({ repo, tag, others, ...quantisation }: Quantisation): StoredModel {
  // the first of several parts is the one that a program is given
  const own = [...quantisation.own].sort((a, b) => (a.lead < b.lead ? -1 : 1));
  const files = contents([...own, ...others]);
  const lead = own[0]?.lead ?? "";
  const groups = groupParts(own.map(({ lead: path }) => path));
  return {
    name: tag === "" ? repo : `${repo}:${tag}`,
    path: lead,
    files,
    bytes: totalOf(files),
    leads: own.map((entry) => entry.lead),
    isComplete: own.every(({ file }) => file !== undefined) && groups.every(isWhole),
    details: ggufDetails(lead),
  };
}

function contents(entries: readonly Entry[]): StoredFile[] {
  return [...new Map(entries.flatMap(({ file }) => (file === undefined ? [] : [[file.key, file] as const]))).values()];
}

/** What Harbor has received of a model that is not whole yet. */
function scanBegun(cache: string, repo: string): StoredModel[] {
  const { folder, staging } = placesOf({ repo, cache });
  const blobs = [join(staging, "blobs"), join(folder, "blobs")];
  const files = blobs.flatMap((place) => listNames(place).flatMap((name) => storedFile(join(place, name)) ?? []));
  if (files.length === 0) return [];
  return [{ name: repo, path: staging, files, bytes: totalOf(files), leads: [], folder, isComplete: false, details: {} }];
}

/** As transformers and diffusers describe a model in its config.json; else by its largest file. */
function repoDetails(snapshot: string, entries: readonly Entry[]): ModelDetails {
  const config = readSmallJson(join(snapshot, "config.json")) ?? {};
  const text = asObject(config.text_config);
  const [largest] = entries
    .flatMap(({ path, file }) => (file === undefined ? [] : [{ path, file }]))
    .sort((a, b) => b.file.bytes - a.file.bytes);
  const format = /\.(safetensors|onnx|bin|pt|gguf)$/.exec(largest?.path ?? "")?.[1];
  const type = config.torch_dtype ?? config.dtype ?? text.torch_dtype ?? text.dtype;
  const header = format === "safetensors" && type === undefined ? readSafetensorsHeader(largest?.file.path ?? "") : undefined;
  const context = config.max_position_embeddings ?? text.max_position_embeddings;
  return {
    format,
    quantisation: quantisedBy(asObject(config.quantization_config)) ?? asType(type) ?? header?.quantisation,
    architecture: asWord(config.model_type),
    contextLength: typeof context === "number" ? context : undefined,
  };
}

function quantisedBy({ quant_method: method, bits }: Record<string, unknown>): string | undefined {
  const word = asWord(method);
  if (word === undefined) return undefined;
  return typeof bits === "number" ? `${word} ${bits}-bit` : word;
}

/** `bfloat16` → `BF16`. */
function asType(type: unknown): string | undefined {
  return asWord(type)
    ?.replace(/^bfloat/, "BF")
    .replace(/^float/, "F");
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function asWord(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w.-]{1,40}$/.test(value) ? value : undefined;
}

function listNames(folder: string, { isNeeded = false } = {}): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code !== "ENOENT";
    if (isNeeded && isThere) throw error;
    return [];
  }
}

/** Everything below that is no folder; a link to one is none either. */
function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
