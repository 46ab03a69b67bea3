/** The files of a model that are missing → verified files in its staging folder, one after the other. */
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatSize } from "../_script/size.ts";
import { fetchBlob } from "./_fetch-blob.ts";
import { sizeOf } from "./_find-model.ts";
import type { HubClient } from "./_hub-client.ts";
import { asDiskError, ModelError } from "./_model-error.ts";
import { blobPath, type ModelPlaces, partialPath, stagedPath, stagedTreePath } from "./_places.ts";
import { type Tree, type TreeFile, totalBytes, writeTree } from "./_tree.ts";
import type { ModelProgress } from "./show-progress.ts";

export interface ReceiveFilesOptions {
  hub: HubClient;
  places: ModelPlaces;
  tree: Tree;
  /** Those of the tree's files that are asked for. */
  files: readonly TreeFile[];
  onProgress?: ((progress: ModelProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** How many files had to be received. Throws `disk` before anything is, where there is no space for it. */
export async function receiveFiles(options: ReceiveFilesOptions): Promise<number> {
  const { hub, places, tree, files, onProgress, signal } = options;
  const missing = missingFiles(places, files);
  prepareStaging(places, tree);
  checkSpace(places, missing);
  const total = totalBytes(files);
  let before = total - totalBytes(missing);
  for (const file of missing) {
    const fileIndex = files.indexOf(file);
    const onBytes = (received: number): void =>
      onProgress?.({ file: file.path, fileIndex, files: files.length, received: before + received, total });
    await fetchBlob({ hub, places, commit: tree.commit, file, onBytes, signal });
    before += file.bytes;
  }
  return missing.length;
}

/** One for each content: files that are equal have one blob. */
function missingFiles(places: ModelPlaces, files: readonly TreeFile[]): TreeFile[] {
  const isHere = ({ blob, bytes }: TreeFile): boolean =>
    sizeOf(blobPath(places, blob)) === bytes || sizeOf(stagedPath(places, blob)) === bytes;
  const byBlob = new Map(files.filter((file) => !isHere(file)).map((file) => [file.blob, file]));
  return [...byBlob.values()];
}

/** Notes what is being fetched, and throws away what earlier calls have left of other commits. */
function prepareStaging(places: ModelPlaces, tree: Tree): void {
  const folder = join(places.staging, "blobs");
  const wanted = new Set(tree.files.map(({ blob }) => blob));
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) {
      if (!wanted.has(name.replace(/\.incomplete$/, ""))) rmSync(join(folder, name), { force: true });
    }
    writeTree(stagedTreePath(places), tree);
  } catch (error) {
    throw asDiskError(places.repo, `"${places.staging}" cannot be written`, error);
  }
}

function checkSpace(places: ModelPlaces, missing: readonly TreeFile[]): void {
  const needed = missing.reduce((sum, { blob, bytes }) => sum + bytes - Math.min(bytes, sizeOf(partialPath(places, blob)) ?? 0), 0);
  const free = freeBytes(places.staging);
  if (needed <= free) return;
  throw new ModelError("disk", places.repo, `no space: ${formatSize(needed - free)} more would have to be free`, {
    details: [`Needed: ${formatSize(needed)}`, `Free: ${formatSize(free)} in ${dirname(dirname(dirname(places.staging)))}`],
    hint: "Free some space, or choose another folder",
  });
}

function freeBytes(folder: string): number {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = statfsSync(existing);
  return bavail * bsize;
}
