#!/usr/bin/env bun
/**
 * A model of the Hugging Face hub → its snapshot in the hub's own cache layout, where huggingface_hub finds it. Goes on from
 * what an earlier call has received, verifies every file, and asks nobody where all is there.
 *
 *   bun routines/models/fetch-model.ts Systran/faster-whisper-small --cache ~/models
 */
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit, writeAll } from "../_script/emit.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { withLock } from "../_script/lock.ts";
import { isQuiet, log } from "../_script/log.ts";
import { runScript } from "../_script/script.ts";
import { type FoundModel, findInCache } from "./_find-model.ts";
import { HubClient } from "./_hub-client.ts";
import { listTree } from "./_list-tree.ts";
import { asDiskError, ModelError } from "./_model-error.ts";
import { isInnerPath, isRepoName } from "./_names.ts";
import { offlineError } from "./_offline-error.ts";
import { DEFAULT_PATIENCE, type Patience } from "./_patience.ts";
import { type ModelPlaces, placesOf, treePath } from "./_places.ts";
import { publish } from "./_publish.ts";
import { receiveFiles } from "./_receive-files.ts";
import { selectFiles, type Tree, writeTree } from "./_tree.ts";
import { DEFAULT_ENDPOINT, hubSettings } from "./hub-settings.ts";
import { type ModelProgress, showProgress } from "./show-progress.ts";

export { ModelError } from "./_model-error.ts";

export interface FetchModelRequest {
  /** `Systran/faster-whisper-small`. */
  repo: string;
  /** A branch, a tag or a commit; `main` when left out. */
  revision?: string | undefined;
  /** The folder that huggingface_hub calls `HF_HUB_CACHE`. */
  cache: string;
  /** Patterns of paths, as `allow_patterns` of huggingface_hub; all when left out. */
  include?: readonly string[] | undefined;
  /** `https://huggingface.co` when left out. */
  endpoint?: string | undefined;
  token?: string | undefined;
  /** What sets the token, for hints; HF_TOKEN when left out. */
  tokenName?: string | undefined;
  /** Only look. */
  isOffline?: boolean | undefined;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
  /** Another process fetches the same model, and is waited for; the file that says which. */
  onWait?: ((lock: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  patience?: Patience | undefined;
}

export interface FetchedModel {
  repo: string;
  /** The commit. */
  revision: string;
  /** The snapshot. */
  folder: string;
  /** Paths in it, those asked for alone. */
  files: string[];
  /** Of these files. */
  bytes: number;
  /** Nothing had to be received. */
  wasPresent: boolean;
  /** False where another program has made the snapshot, and the hub could not be asked whether anything is missing. */
  isCertain: boolean;
}

const DEFAULT_REVISION = "main";
/** How long another process is waited for in silence. */
const SILENT_WAIT_MS = 1_000;

/** The model as it is in the cache, or undefined; asks nobody. Throws `unknown-model` for a name that can be none. */
export async function findModel(
  request: Pick<FetchModelRequest, "repo" | "revision" | "cache" | "include">,
): Promise<FetchedModel | undefined> {
  const found = lookFor(checkRequest(request));
  return found === undefined ? undefined : asFetched(request.repo, found, true);
}

/**
 * The model, fetched where it is not there or something of it is missing. A revision that is there is not asked for again, so that
 * a branch stays at the commit it was fetched at. Throws `ModelError`, for each of its kinds.
 */
export async function fetchModel(request: FetchModelRequest): Promise<FetchedModel> {
  const model = checkRequest(request);
  const found = lookFor(model);
  if (found?.isCertain) return asFetched(model.repo, found, true);
  if (model.isOffline) {
    if (found !== undefined) return asFetched(model.repo, found, true);
    throw offlineError(model, "it is not here, and the hub is not asked (offline)");
  }
  const places = placesOf(model);
  const outcome = await alone(model, places, () => fetchAlone(model, places));
  if ("fetched" in outcome) return outcome.fetched;
  if (found === undefined) throw outcome.refused;
  return asFetched(model.repo, found, true); // in a cache that is for reading alone, as one that a container has made may be
}

/** A request with its defaults. */
type Model = FetchModelRequest & { revision: string };

function checkRequest(request: FetchModelRequest): Model {
  const { repo, revision = DEFAULT_REVISION } = request;
  if (!isRepoName(repo)) {
    throw new ModelError("unknown-model", repo, "that can be the name of no model", { hint: "Write it like Systran/faster-whisper-small" });
  }
  if (!isInnerPath(revision)) {
    throw new ModelError("unknown-model", repo, `"${revision}" can be the name of no revision`, {
      hint: "Name a branch, a tag or a commit",
    });
  }
  return { ...request, revision, cache: resolve(request.cache) };
}

function lookFor({ repo, revision, cache, include }: Model): FoundModel | undefined {
  return findInCache({ repo, revision, cache, include });
}

function asFetched(repo: string, { commit, folder, files, bytes, isCertain }: FoundModel, wasPresent: boolean): FetchedModel {
  return { repo, revision: commit, folder, files, bytes, wasPresent, isCertain };
}

/** Runs `work` while no other process fetches this model; or why the cache does not let us. */
async function alone(
  { repo, signal, onWait }: Model,
  { lock }: ModelPlaces,
  work: () => Promise<FetchedModel>,
): Promise<{ fetched: FetchedModel } | { refused: Error }> {
  let hasBegun = false;
  const waiting = setTimeout(() => onWait?.(lock), SILENT_WAIT_MS);
  const begin = (): Promise<FetchedModel> => {
    hasBegun = true;
    clearTimeout(waiting);
    return work();
  };
  try {
    mkdirSync(dirname(lock), { recursive: true });
    return { fetched: await withLock(lock, begin, { waitMs: Number.POSITIVE_INFINITY, signal, purpose: `fetching ${repo}` }) };
  } catch (error) {
    if (hasBegun) throw error;
    if (signal?.aborted) throw new ModelError("interrupted", repo, "interrupted", { cause: error });
    const { cause } = error as Error;
    return { refused: asDiskError(repo, `"${dirname(lock)}" cannot be written`, isSystemError(cause) ? cause : error) };
  } finally {
    clearTimeout(waiting);
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}

async function fetchAlone(model: Model, places: ModelPlaces): Promise<FetchedModel> {
  const found = lookFor(model); // whoever we waited for may have fetched it
  if (found?.isCertain) return asFetched(model.repo, found, true);
  const { repo, endpoint = DEFAULT_ENDPOINT, token, tokenName, signal, patience = DEFAULT_PATIENCE } = model;
  const hub = new HubClient({ repo, endpoint, token, tokenName, patience, signal });
  if (found !== undefined) {
    const certain = await makeCertain(model, places, hub, found);
    if (certain !== undefined) return asFetched(repo, certain, true);
  }
  const tree = await list(model, hub);
  const files = selectFiles(tree, model.include);
  if (files.length === 0) throw nothingMatches(model, tree);
  const received = await receiveFiles({ hub, places, tree, files, onProgress: model.onProgress, signal });
  try {
    await publish({ places, revision: model.revision, tree, files });
  } catch (error) {
    throw asDiskError(repo, `"${places.folder}" cannot be written`, error);
  }
  const published = lookFor(model);
  if (published === undefined) throw new ModelError("disk", repo, `"${places.folder}" was changed while it was written`);
  return asFetched(repo, published, received === 0);
}

/**
 * Asks the hub what belongs to the commit of a snapshot that another program has made. Undefined where something is missing; where
 * the hub does not say, the snapshot is taken as it is, as huggingface_hub does.
 */
async function makeCertain(model: Model, places: ModelPlaces, hub: HubClient, found: FoundModel): Promise<FoundModel | undefined> {
  try {
    writeTree(treePath(places, found.commit), await listTree(hub, found.commit));
  } catch (error) {
    if (error instanceof ModelError && error.kind === "interrupted") throw error;
    return found;
  }
  return lookFor(model);
}

async function list(model: Model, hub: HubClient): Promise<Tree> {
  try {
    return await listTree(hub, model.revision);
  } catch (error) {
    throw error instanceof ModelError && error.kind === "offline" ? offlineError(model, error.why, error) : error;
  }
}

function nothingMatches({ repo, include = [] }: Model, { files }: Tree): ModelError {
  const names = files.slice(0, 20).map(({ path }) => path);
  const has = files.length === 0 ? "The model has no files" : `It has ${names.join(", ")}${files.length > names.length ? ", …" : ""}`;
  return new ModelError("unknown-model", repo, `no file of it matches ${include.join(", ")}`, { details: [has] });
}

export const command = defineCommand({
  meta: {
    name: "fetch-model",
    description: "Bring a model of the Hugging Face hub into its cache",
    examples: [
      "harbor routine fetch-model Systran/faster-whisper-small",
      "harbor routine fetch-model org/name --cache ~/models --include '*.json' --include model.onnx",
      "HF_ENDPOINT=https://mirror.example harbor routine fetch-model org/name",
    ],
  },
  args: {
    ...jsonArg,
    repo: { type: "positional", description: "Name of the model, like Systran/faster-whisper-small", required: true },
    revision: { type: "string", description: "Branch, tag or commit", valueHint: "R", default: DEFAULT_REVISION },
    cache: { type: "string", description: "Folder of the cache; HF_HUB_CACHE when left out", valueHint: "DIR" },
    include: { type: "string", description: "Only these files; * stands for anything", valueHint: "PATTERN", multiple: true },
    offline: { type: "boolean", description: "Only look whether it is there" },
  },
  async run({ args }) {
    using interrupt = listenForInterrupt();
    const settings = hubSettings(process.env);
    const repo = String(args.repo);
    const { isTTY = false, columns } = process.stderr;
    const progress = showProgress({ repo, isTerminal: isTTY, columns, write: (text) => writeAll(2, text) });
    const say = (words: string): void => (args.json ? undefined : log().log(words));
    try {
      const model = await fetchModel({
        ...settings,
        repo,
        revision: args.revision,
        cache: args.cache ?? settings.cache,
        include: args.include,
        isOffline: args.offline || settings.isOffline,
        onProgress: args.json || isQuiet() ? undefined : (now) => progress.show(now),
        onWait: (lock) => say(`${repo}: another process fetches it (${lock}); waiting`),
        signal: interrupt.signal,
      });
      progress.end();
      if (!model.isCertain) say(`${repo}: found; whether a file of it is missing, nobody could be asked`);
      emit(model, { json: args.json, render: ({ folder }) => folder });
    } finally {
      progress.end();
    }
  },
});

if (import.meta.main) await runScript(command);
