/** A model of the hub, or the part of it that is wanted → the cache that a service reads. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ChosenFiles, chooseFiles } from "./_choose-files.ts";
import type { HubClient } from "./_hub-client.ts";
import { listTree } from "./_list-tree.ts";
import { ModelError } from "./_model-error.ts";
import { isCommit } from "./_names.ts";
import { placesOf, refPath, treePath } from "./_places.ts";
import { readTree, type Tree } from "./_tree.ts";
import { type FetchedModel, fetchModel, findModel } from "./fetch-model.ts";
import type { HubSettings } from "./hub-settings.ts";
import type { ModelProgress } from "./show-progress.ts";

export interface FetchHubOptions {
  hub: HubClient;
  repo: string;
  revision?: string | undefined;
  tag?: string | undefined;
  path?: string | undefined;
  cache: string;
  settings: Pick<HubSettings, "endpoint" | "token" | "isOffline">;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
  onWait?: ((lock: string) => void) | undefined;
  onChosen?: ((chosen: ChosenFiles) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface FetchedFromHub {
  name: string;
  path: string;
  bytes: number;
  wasPresent: boolean;
  isCertain: boolean;
}

const DEFAULT_REVISION = "main";

/** Throws as `fetchModel`, and `unknown` for a quantisation or a file that it does not have. */
export async function fetchFromHub(options: FetchHubOptions): Promise<FetchedFromHub> {
  const { repo, revision = DEFAULT_REVISION, cache, settings, onProgress, onWait, signal } = options;
  const tree = await findTree(options, revision);
  if (tree === undefined) return await findWhole(options, revision);
  const chosen = chooseFiles(tree, options);
  options.onChosen?.(chosen);
  const fetched = await fetchModel({
    repo,
    revision,
    cache,
    include: chosen.files.map(({ path }) => escapePattern(path)),
    endpoint: settings.endpoint,
    isOffline: settings.isOffline,
    ...(settings.token === undefined ? {} : { token: settings.token }),
    onProgress,
    onWait,
    signal,
  });
  return asResult(fetched, chosen);
}

/** The list of what was fetched before, else the hub's; undefined where that cannot be had. */
async function findTree({ hub, repo, cache, settings }: FetchHubOptions, revision: string): Promise<Tree | undefined> {
  const places = placesOf({ repo, cache });
  const known = readTree(treePath(places, readCommit(refPath(places, revision)) ?? revision));
  if (known !== undefined || settings.isOffline) return known;
  try {
    return await listTree(hub, revision);
  } catch (error) {
    if (error instanceof ModelError && error.kind === "offline" && (await findModel({ repo, revision, cache })) !== undefined)
      return undefined;
    throw error;
  }
}

function readCommit(path: string | undefined): string | undefined {
  try {
    const commit = path === undefined ? "" : readFileSync(path, "utf8").trim();
    return isCommit(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

/** Nobody says what belongs to it: what another program has left is taken as it is. */
async function findWhole({ repo, tag, path, cache, settings, signal }: FetchHubOptions, revision: string): Promise<FetchedFromHub> {
  const include = path !== undefined ? [escapePattern(path)] : tag === undefined ? [] : [`*${escapePattern(tag)}*.gguf`];
  const fetched = await fetchModel({ repo, revision, cache, include, endpoint: settings.endpoint, isOffline: true, signal });
  const files = fetched.files.map((file) => ({ path: file, bytes: 0, blob: "" }));
  return asResult(fetched, { files, tags: [], ...(tag === undefined ? {} : { tag }) });
}

function asResult({ repo, folder, bytes, wasPresent, isCertain }: FetchedModel, { files, tag }: ChosenFiles): FetchedFromHub {
  const [first] = files;
  const isFile = files.length === 1 || tag !== undefined;
  const path = isFile && first !== undefined ? join(folder, first.path) : folder;
  return { name: tag ? `${repo}:${tag}` : repo, path, bytes, wasPresent, isCertain };
}

/** A path as a pattern that means it alone. */
function escapePattern(path: string): string {
  return path.replace(/[[*?]/g, "[$&]");
}
