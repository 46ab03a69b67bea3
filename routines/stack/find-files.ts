/**
 * Words → files: those of service folders, the configuration, what services store, and models, the user's own caches included.
 * Python environments are left out: tens of thousands of files that nobody looks for.
 */
import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type Env, readValues } from "../config/read-values.ts";
import { readStores } from "../models/read-stores.ts";
import type { Workspace } from "../workspace/find-workspace.ts";

export type Place = "services" | "configuration" | "data" | "models";
export const PLACES: readonly Place[] = ["services", "configuration", "data", "models"];

export interface FoundFile {
  path: string;
  place: Place;
  /** The service whose folder it is in; null for a cache of the user's own and for what is of all services. */
  handle: string | null;
  /** Of what it leads to, where it is a link. */
  bytes: number;
  /** ISO 8601. */
  modifiedAt: string;
}

export interface FindFilesOptions {
  /** All of them stand in the path below its place, whatever the case; one with `*` or `?` is a pattern of the file's whole name. */
  words: readonly string[];
  workspace: Workspace;
  env: Env;
  /** All when empty. */
  places: readonly Place[];
}

/** In order of places, then by path; as they are found. */
export function* findFiles({ words, workspace, env, places }: FindFilesOptions): Generator<FoundFile> {
  const isMatch = matcherOf(words);
  const roots = new Map(rootsOf(workspace, env).map((root) => [root.folder, root]));
  for (const root of roots.values()) {
    if (!mayHold(root.place, places)) continue;
    for (const file of findBelow(root, isMatch)) if (places.length === 0 || places.includes(file.place)) yield file;
  }
}

function* findBelow(root: Root, isMatch: (path: string) => boolean): Generator<FoundFile> {
  for (const below of walk(root.folder, "", root.depth)) {
    if (!isMatch(below)) continue;
    const handle = root.hasHandles ? (below.split("/")[0] ?? null) : null;
    const found = describeFile(join(root.folder, below), root.place, handle);
    if (found !== undefined) yield found;
  }
}

/** What services store may be models. */
function mayHold(place: Place, places: readonly Place[]): boolean {
  return places.length === 0 || places.includes(place) || (place === "data" && places.includes("models"));
}

interface Root {
  folder: string;
  place: Place;
  /** Whether the first folder below it is a service's. */
  hasHandles: boolean;
  /** How many folders deep; all when left out. */
  depth?: number;
}

function rootsOf(workspace: Workspace, env: Env): Root[] {
  const { home, layers } = workspace;
  const values = readValues({ workspace, env });
  const data = values.get("HARBOR_DATA") ?? "";
  const own = readStores({ workspace, values, env }).stores.filter(({ service }) => service === undefined);
  const caches = own.flatMap(({ places }) => places.map(({ folder }) => folder));
  const roots: Root[] = [
    ...layers.map(({ root, kind }): Root => ({ folder: root, place: "services", hasHandles: kind !== "flat" })),
    { folder: home, place: "configuration", hasHandles: false, depth: 0 },
    { folder: join(home, "env"), place: "configuration", hasHandles: false, depth: 0 },
    { folder: data, place: "data", hasHandles: true },
    ...caches.map((folder): Root => ({ folder, place: "models", hasHandles: false })),
  ];
  return roots.filter(({ folder }) => existsSync(folder));
}

function matcherOf(words: readonly string[]): (path: string) => boolean {
  const tests = words.map((word) => {
    const wanted = word.toLowerCase();
    if (!/[*?]/.test(wanted)) return (path: string) => path.includes(wanted);
    const glob = new Bun.Glob(wanted);
    return (path: string) => glob.match(basename(path));
  });
  return (path) => {
    const lower = path.toLowerCase();
    return tests.every((test) => test(lower));
  };
}

/** Paths of files below a folder; links to folders are not followed. */
function* walk(root: string, below: string, depth = Number.POSITIVE_INFINITY): Generator<string> {
  const entries = readEntries(join(root, below));
  if (entries.some((entry) => entry.name === "pyvenv.cfg")) return;
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (!entry.isDirectory()) yield path;
    else if (depth > 0) yield* walk(root, path, depth - 1);
  }
}

function readEntries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return []; // not ours to read, or gone meanwhile
  }
}

/** Undefined for a link that leads nowhere, and for what is no file. */
function describeFile(path: string, place: Place, handle: string | null): FoundFile | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile()) return undefined;
  return {
    path,
    place: isModel(path) && place === "data" ? "models" : place,
    handle,
    bytes: found.size,
    modifiedAt: found.mtime.toISOString(),
  };
}

function isModel(path: string): boolean {
  return /\/models(?:--[^/]+)?\/|\.(?:gguf|safetensors|onnx)$/i.test(path);
}
