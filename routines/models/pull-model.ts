#!/usr/bin/env bun
/**
 * `harbor models pull`: a model from where it is kept in the world into the folder of the service that reads it. Begun downloads go
 * on, checksums are checked, and space is looked for first.
 *
 *   bun routines/models/pull-model.ts ggml-org/gemma-3-1b-it-GGUF:Q4_K_M
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit, writeAll } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";
import { findHome } from "../config/find-home.ts";
import { openSecrets } from "../config/read-secrets.ts";
import type { Env, Values } from "../config/read-values.ts";
import { note, warn } from "../stack/say.ts";
import { type ChosenFiles, chooseFiles } from "./_choose-files.ts";
import { askKinds, chooseStore, placeIn } from "./_choose-store.ts";
import { fetchFromHub } from "./_fetch-hub.ts";
import { fetchPlain } from "./_fetch-plain.ts";
import { type FetchedUrl, fetchUrl } from "./_fetch-url.ts";
import { isGgufModel, readGgufName } from "./_gguf-names.ts";
import { HubClient } from "./_hub-client.ts";
import { listTree } from "./_list-tree.ts";
import { ModelError } from "./_model-error.ts";
import { DEFAULT_PATIENCE } from "./_patience.ts";
import { pullOllama } from "./_pull-ollama.ts";
import { asHubReference, asOllamaName, type Reference, readReference } from "./_read-reference.ts";
import { refreshService } from "./_refresh-service.ts";
import type { RunningService } from "./_running-services.ts";
import { findModel } from "./fetch-model.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";
import { openStores } from "./list-models.ts";
import { findStore, type Store } from "./read-stores.ts";
import { type ModelProgress, showProgress } from "./show-progress.ts";

/** As `--json` prints it. */
export interface PulledModel {
  name: string;
  store: string;
  /** Null for what Ollama keeps in blobs of its own. */
  path: string | null;
  bytes: number;
  /** Nothing had to be received. */
  wasPresent: boolean;
}

interface Pull {
  text: string;
  stores: readonly Store[];
  running: ReadonlyMap<string, RunningService>;
  settings: HubSettings;
  /** `--kind`: ComfyUI's folder. */
  kind?: string | undefined;
  revision?: string | undefined;
  sha256?: string | undefined;
  onProgress: (progress: ModelProgress) => void;
  say: (text: string) => void;
  signal: AbortSignal;
}

type HubReference = Extract<Reference, { kind: "hub" }>;

async function pull(request: Pull, wanted: Store | undefined): Promise<PulledModel> {
  const { text, settings, stores } = request;
  const reference = readReference(text, settings.endpoint);
  const isOllama = (store: Store): boolean => placeIn(store, "ollama") !== undefined;
  if (wanted !== undefined && isOllama(wanted)) return await pullByOllama(request, wanted, asOllamaName(text, reference));
  const meant = wanted === undefined ? reference : asHubReference(reference);
  if (meant.kind === "hub")
    return await pullFromHub(request, wanted, request.revision === undefined ? meant : { ...meant, revision: request.revision });
  if (meant.kind === "url") return await pullFile(request, wanted ?? chooseStore(stores, [endingOf(meant.file)], meant.file), meant);
  if (wanted !== undefined) {
    throw new HarborError(`Cannot fetch "${text}" for ${wanted.name}: that is a name of Ollama's`, {
      exit: "usage",
      hint: "A model of the hub is written org/name; `harbor models search` finds them",
    });
  }
  const store = stores.find((it) => it.service !== undefined && isOllama(it));
  if (store === undefined) throw new HarborError(`Cannot fetch model "${text}": no service of this workspace reads Ollama's models`);
  return await pullByOllama(request, store, meant.name);
}

async function pullByOllama({ running, onProgress, signal }: Pull, store: Store, name: string): Promise<PulledModel> {
  const pulled = await pullOllama({ name, store, running, onProgress, signal });
  return { ...pulled, store: store.name, path: null };
}

async function pullFromHub(request: Pull, wanted: Store | undefined, reference: HubReference): Promise<PulledModel> {
  const { settings, signal, stores } = request;
  const { repo } = reference;
  const hub = new HubClient({ repo, ...settings, patience: DEFAULT_PATIENCE, signal });
  const store = wanted ?? chooseStore(stores, await kindsOf(hub, request, reference), repo);
  const place = placeIn(store, "hub");
  if (place === undefined) return await pullOneFile(request, store, reference, hub);
  const fetched = await fetchFromHub({
    ...reference,
    hub,
    cache: place.folder,
    settings,
    onProgress: request.onProgress,
    onWait: (lock) => request.say(`another process fetches ${repo} (${lock}); waiting`),
    onChosen: (chosen) => {
      checkChoice(store, reference, chosen);
      sayChoice(request, reference, chosen);
    },
    signal,
  });
  if (!fetched.isCertain) request.say(`${repo} is here; whether a file of it is missing, nobody could be asked`);
  const { name, path, bytes, wasPresent } = fetched;
  return { name, store: store.name, path, bytes, wasPresent };
}

/** By its name where that tells; else the hub is asked, and where it cannot be, a store that has the model already. */
async function kindsOf(hub: HubClient, { settings, stores }: Pull, { repo, tag, path }: HubReference): Promise<string[]> {
  if (tag !== undefined) return ["gguf"];
  if (path !== undefined) return [endingOf(path)];
  try {
    if (!settings.isOffline) return await askKinds(hub);
  } catch (error) {
    if (!(error instanceof ModelError) || error.kind !== "offline") throw withOllama(repo, error);
  }
  return await kindsHere(stores, repo);
}

/** A name of two parts may also be one of Ollama's. */
function withOllama(repo: string, error: unknown): unknown {
  if (!(error instanceof ModelError) || error.kind !== "unknown-model") return error;
  const { kind, why, details } = error;
  return new ModelError(kind, repo, why, { details, hint: "Check the name; if it is one of Ollama's: --store ollama" });
}

async function kindsHere(stores: readonly Store[], repo: string): Promise<string[]> {
  for (const store of stores) {
    const cache = store.service === undefined ? undefined : placeIn(store, "hub")?.folder;
    if (cache !== undefined && (await findModel({ repo, cache })) !== undefined) return store.takes.slice(0, 1);
  }
  throw new ModelError("offline", repo, "it is not here, and the hub cannot be asked", {
    hint: "With --store S it is said what is missing, and where it belongs",
  });
}

/** Throws `usage` where a store of GGUF files would be given others. */
function checkChoice(store: Store, { repo }: HubReference, { files }: ChosenFiles): void {
  if (placeIn(store, "gguf") === undefined || files.some(({ path }) => isGgufModel(path))) return;
  throw new HarborError(`Cannot fetch "${repo}" for ${store.name}: it has no GGUF files, and ${store.name} reads no others`, {
    exit: "usage",
    hint: `Somebody may have made some: harbor models search ${repo.split("/").at(-1)} --filter gguf`,
  });
}

function sayChoice({ say }: Pull, { tag: asked, repo }: HubReference, { tag, tags }: ChosenFiles): void {
  const others = tags.filter((it) => it !== tag);
  if (asked === undefined && tag !== undefined && others.length > 0)
    say(`taking ${tag}; others: ${others.map((it) => `${repo}:${it}`).join(" ")}`);
}

/** For a store of plain files. */
async function pullOneFile(request: Pull, store: Store, reference: HubReference, hub: HubClient): Promise<PulledModel> {
  const { repo, revision = "main", path } = reference;
  const tree = await listTree(hub, revision);
  if (path === undefined) {
    const names = tree.files.map((file) => file.path).filter((name) => /\.(safetensors|gguf|ckpt|pth|sft)$/i.test(name));
    throw new HarborError(`Cannot fetch "${repo}" for ${store.name}: it takes single files`, {
      exit: "usage",
      details: names.length === 0 ? [] : [`It has ${names.slice(0, 20).join(", ")}`],
      hint: `Name one by its address: ${hub.url(repo, "resolve/main", names[0] ?? "file.safetensors").href}`,
    });
  }
  const { root, folder, kind } = folderIn(store, request, path);
  const { files } = chooseFiles(tree, { repo, path });
  const fetched = await fetchPlain({ hub, tree, files, root, folder, onProgress: request.onProgress, signal: request.signal });
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    name: kind === undefined ? name : `${kind}/${name}`,
    store: store.name,
    path: fetched[0]?.path ?? folder,
    bytes: fetched.reduce((sum, { bytes }) => sum + bytes, 0),
    wasPresent: fetched.every(({ wasPresent }) => wasPresent),
  };
}

async function pullFile(request: Pull, store: Store, { url, file }: Extract<Reference, { kind: "url" }>): Promise<PulledModel> {
  const { root, folder, kind } = folderIn(store, request, url.pathname);
  const { sha256, onProgress, signal, say } = request;
  const parts = partsOf(url, file);
  if (parts.length > 1 && sha256 !== undefined) {
    throw new HarborError(`Cannot check "${file}": it is one of ${parts.length} parts, and --sha256 is of one file`, { exit: "usage" });
  }
  const stem = readGgufName(file)?.stem ?? file;
  const target = parts.length > 1 ? join(folder, stem) : folder;
  const fetched: FetchedUrl[] = [];
  for (const part of parts) fetched.push(await fetchUrl({ ...part, root, folder: target, sha256, onProgress, signal }));
  if (fetched.some(({ wasPresent, isVerified }) => !wasPresent && !isVerified))
    say("no checksum of it is known; its size and its header are right");
  return {
    name: kind === undefined ? stem : `${kind}/${file}`,
    store: store.name,
    path: parts.length > 1 ? target : (fetched[0]?.path ?? target),
    bytes: fetched.reduce((sum, { bytes }) => sum + bytes, 0),
    wasPresent: fetched.every(({ wasPresent }) => wasPresent),
  };
}

/** All parts of a GGUF that is split, whichever of them is named: they lie beside each other. */
function partsOf(url: URL, file: string): { url: URL; file: string }[] {
  const count = readGgufName(file)?.parts ?? 1;
  if (count === 1) return [{ url, file }];
  return Array.from({ length: count }, (_, index) => {
    const number = (text: string): string => text.replace(/-\d{5}(?=-of-\d{5}\.gguf$)/i, `-${String(index + 1).padStart(5, "0")}`);
    const part = new URL(url);
    part.pathname = number(url.pathname);
    return { url: part, file: number(file) };
  });
}

/** ComfyUI's kinds (its `folder_paths.py`), beside those whose folders are there. */
const KINDS = [
  ...[
    "checkpoints",
    "clip",
    "clip_vision",
    "controlnet",
    "diffusion_models",
    "embeddings",
    "gligen",
    "hypernetworks",
    "loras",
    "photomaker",
  ],
  ...["style_models", "t2i_adapter", "text_encoders", "unet", "upscale_models", "vae", "vae_approx"],
];

/** Where a single file belongs. Throws `usage` where that cannot be told, or the store has no place for one. */
function folderIn(store: Store, { kind: said, text }: Pull, path: string): { root: string; folder: string; kind?: string } {
  const gguf = placeIn(store, "gguf");
  if (gguf !== undefined) return { root: gguf.folder, folder: gguf.folder };
  const place = placeIn(store, "comfyui");
  if (place === undefined) {
    throw new HarborError(`Cannot fetch "${text}" for ${store.name}: it reads whole models of the hub, no single files`, {
      exit: "usage",
      hint: "Name the model as org/name, or another --store",
    });
  }
  const kinds = [...new Set([...KINDS, ...listFolders(place.folder)])].sort();
  const kind = said ?? path.split("/").find((part) => kinds.includes(part));
  if (kind === undefined || !kinds.includes(kind)) {
    const why = kind === undefined ? "nothing tells what kind of model it is" : `"${kind}" is no kind of model there`;
    throw new HarborError(`Cannot fetch "${text}" for ${store.name}: ${why}`, {
      exit: "usage",
      hint: `Say it with --kind: ${kinds.join(", ")}`,
    });
  }
  return { root: place.folder, folder: join(place.folder, kind), kind };
}

function listFolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
  } catch {
    return [];
  }
}

function endingOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1).toLowerCase();
}

/** Harbor's own token is for the hub, too, where the environment has none. */
function settingsOf(env: Env, values: Values): HubSettings {
  const settings = hubSettings(env);
  const token = settings.token ?? values.get("HARBOR_HF_TOKEN");
  return token === undefined || token === "" ? settings : { ...settings, token };
}

function checkSum(text: string | undefined): string | undefined {
  const sum = text?.toLowerCase().replace(/^sha256:/, "");
  if (sum === undefined || /^[0-9a-f]{64}$/.test(sum)) return sum;
  throw new HarborError(`Cannot check against "${text}": it is no SHA-256 checksum`, {
    exit: "usage",
    hint: "It has 64 hexadecimal digits",
  });
}

function storeToFill(name: string | undefined, stores: readonly Store[]): Store | undefined {
  const store = name === undefined ? undefined : findStore(name, stores);
  if (store === undefined || store.service !== undefined) return store;
  const services = stores.flatMap(({ service }) => service ?? []);
  throw new HarborError(`Cannot fetch into "${store.name}": it is a cache of your own, which no service reads`, {
    exit: "usage",
    hint: `There are: ${services.join(", ")}`,
  });
}

export const command = defineCommand({
  meta: {
    name: "pull-model",
    description: "Fetch a model into the folder of the service that reads it",
    examples: [
      "harbor models pull llama3.2:1b                          One of Ollama's, by the running ollama",
      "harbor models pull ggml-org/gemma-3-1b-it-GGUF:Q4_K_M   One quantisation, for llamacpp",
      "harbor models pull Systran/faster-whisper-small         The hub says what it is for: speaches",
      "harbor models pull Qwen/Qwen3-0.6B --store vllm",
      "harbor models pull https://example.com/x.safetensors --kind loras",
    ],
  },
  changes: "tried",
  args: {
    model: { type: "positional", description: "name:tag, org/name, org/name:quantisation, hf.co/org/name, or a URL", required: true },
    store: { type: "string", alias: "s", description: "The service that it is for", valueHint: "S", completes: "store" },
    kind: { type: "string", description: "What it is to ComfyUI: checkpoints, loras, vae, …", valueHint: "K" },
    revision: { type: "string", description: "Of the hub: branch, tag or commit", valueHint: "R" },
    sha256: { type: "string", description: "What a file from elsewhere has to be", valueHint: "SUM" },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    using interrupt = listenForInterrupt();
    if (hubSettings(process.env).token === undefined) await openSecrets(findHome(process.env));
    const { stores, running, warnings, values } = await openStores({ env: process.env, directory: args.workspace });
    const text = String(args.model);
    const { isTTY = false, columns } = process.stderr;
    const progress = showProgress({ repo: text, isTerminal: isTTY, columns, write: (words) => writeAll(2, words) });
    const wanted = storeToFill(args.store, stores);
    warn(warnings);
    try {
      const pulled = await pull(
        {
          text,
          stores,
          running,
          settings: settingsOf(process.env, values),
          kind: args.kind,
          revision: args.revision,
          sha256: checkSum(args.sha256),
          onProgress: (now) => (args.json ? undefined : progress.show(now)),
          say: (words) => (args.json ? undefined : note(words)),
          signal: interrupt.signal,
        },
        wanted,
      );
      progress.end();
      const said = await refreshService(stores, running, pulled);
      if (!args.json)
        note(`${pulled.name} ${pulled.wasPresent ? "is already" : "is"} in ${pulled.store} (${formatSize(pulled.bytes)})${said}`);
      emit(pulled, { json: args.json, render: ({ path, name }) => path ?? name });
    } finally {
      progress.end();
    }
  },
});

if (import.meta.main) await runScript(command);
