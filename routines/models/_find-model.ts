/**
 * Whether a model is in the cache, without asking anybody.
 *
 * Where the hub's list of files is beside it (_tree.ts), that is known for any patterns: each file that they mean is there, at its size.
 * A snapshot that another program has made has no such list, and huggingface_hub itself returns one offline without knowing
 * whether it is complete. It counts as complete for certain where every pattern finds something, no link leads nowhere and no
 * file is half received. Where a pattern finds nothing (services ask for files that not every model has), or there is no
 * pattern at all, only the hub can say: the model is found, but not certain. With a link that leads nowhere, or a file half
 * received, it is not there.
 */
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { idlePatterns, matchPaths } from "./_match-paths.ts";
import { isCommit } from "./_names.ts";
import { type ModelPlaces, placesOf, refPath, snapshotPath, treePath } from "./_places.ts";
import { readTree, selectFiles, totalBytes } from "./_tree.ts";

export interface FindModelOptions {
  repo: string;
  revision: string;
  cache: string;
  include?: readonly string[] | undefined;
}

export interface FoundModel {
  commit: string;
  folder: string;
  files: string[];
  bytes: number;
  isCertain: boolean;
}

/** Undefined where the model is not there, or something of it is missing. */
export function findInCache({ repo, revision, cache, include }: FindModelOptions): FoundModel | undefined {
  const places = placesOf({ repo, cache });
  const commit = readRef(places, revision);
  if (commit === undefined) return undefined;
  const tree = readTree(treePath(places, commit));
  if (tree === undefined) return findUnlisted(places, commit, include);
  const folder = snapshotPath(places, commit);
  const files = selectFiles(tree, include);
  if (files.length === 0 || files.some(({ path, bytes }) => sizeOf(join(folder, path)) !== bytes)) return undefined;
  return { commit, folder, files: files.map(({ path }) => path).sort(), bytes: totalBytes(files), isCertain: true };
}

/** The commit that a revision was when it was fetched. */
function readRef(places: ModelPlaces, revision: string): string | undefined {
  const path = refPath(places, revision);
  if (path === undefined) return revision;
  try {
    const commit = readFileSync(path, "utf8").trim();
    return isCommit(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

function findUnlisted(places: ModelPlaces, commit: string, include: readonly string[] | undefined): FoundModel | undefined {
  const folder = snapshotPath(places, commit);
  const sizes = readSnapshot(folder);
  if (sizes === undefined || hasHalfReceived(places)) return undefined;
  const files = matchPaths([...sizes.keys()], include).sort();
  if (files.length === 0) return undefined;
  const isCertain = include !== undefined && include.length > 0 && idlePatterns(files, include).length === 0;
  return { commit, folder, files, bytes: files.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0), isCertain };
}

/** Path → size; undefined where there is no snapshot, or a link of it leads nowhere. */
function readSnapshot(folder: string): Map<string, number> | undefined {
  const sizes = new Map<string, number>();
  try {
    for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (lstatSync(join(folder, path)).isDirectory()) continue;
      sizes.set(path, statSync(join(folder, path)).size);
    }
  } catch {
    return undefined;
  }
  return sizes;
}

/** huggingface_hub receives into `blobs/<checksum>.incomplete`, and begins several files at once. */
function hasHalfReceived({ folder }: ModelPlaces): boolean {
  try {
    return readdirSync(join(folder, "blobs")).some((name) => name.endsWith(".incomplete"));
  } catch {
    return false; // a copy may be without blobs, its snapshots having the files themselves
  }
}

/** Undefined for what is not there. */
export function sizeOf(path: string): number | undefined {
  try {
    const found = statSync(path);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined;
  }
}
