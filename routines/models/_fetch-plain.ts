/** One file of a repository of the hub → a plain file in a folder, for services that read no cache: resumed and verified as a whole model is. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { withLock } from "../_script/lock.ts";
import type { HubClient } from "./_hub-client.ts";
import { asDiskError } from "./_model-error.ts";
import { isPlaced, placeFile, removeEmpty, stagingIn } from "./_place-file.ts";
import { placesOf, stagedPath } from "./_places.ts";
import { receiveFiles } from "./_receive-files.ts";
import type { Tree, TreeFile } from "./_tree.ts";
import type { ModelProgress } from "./show-progress.ts";

export interface FetchPlainOptions {
  hub: HubClient;
  tree: Tree;
  /** Those wanted. */
  files: readonly TreeFile[];
  /** The store's folder, and the folder in it where they belong. */
  root: string;
  folder: string;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface FetchedFile {
  path: string;
  bytes: number;
  wasPresent: boolean;
}

/** By their own names. Throws as `fetchModel`; `failed` where another file has such a name. */
export async function fetchPlain(options: FetchPlainOptions): Promise<FetchedFile[]> {
  const { hub, root, files, folder } = options;
  const targets = files.map((file) => ({ file, path: join(folder, file.path.slice(file.path.lastIndexOf("/") + 1)) }));
  const missing = targets.filter(({ file, path }) => !isPlaced(path, file.bytes));
  if (missing.length > 0) {
    const places = placesOf({ repo: hub.repo, cache: stagingIn(root) });
    try {
      mkdirSync(dirname(places.lock), { recursive: true });
    } catch (error) {
      throw asDiskError(hub.repo, `"${root}" cannot be written`, error);
    }
    await withLock(places.lock, () => receive(options, places, missing), { waitMs: Number.POSITIVE_INFINITY, signal: options.signal });
    removeEmpty([dirname(places.staging), join(stagingIn(root), ".locks"), stagingIn(root)]);
  }
  return targets.map(({ file, path }) => ({ path, bytes: file.bytes, wasPresent: !missing.some((it) => it.path === path) }));
}

async function receive(
  { hub, tree, onProgress, signal }: FetchPlainOptions,
  places: ReturnType<typeof placesOf>,
  missing: readonly { file: TreeFile; path: string }[],
): Promise<void> {
  const files = missing.map(({ file }) => file);
  await receiveFiles({ hub, places, tree, files, onProgress, signal });
  for (const { file, path } of missing) placeFile(hub.repo, stagedPath(places, file.blob), path);
  rmSync(places.staging, { recursive: true, force: true });
}
