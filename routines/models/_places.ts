/**
 * Where things of a model are in a cache of huggingface_hub's (its guide "Understand caching"), and where ours are:
 *
 *   models--org--name/refs/main                  the commit that a revision was, without a newline
 *   models--org--name/blobs/<checksum>           the contents
 *   models--org--name/snapshots/<commit>/<path>  relative links to them
 *   models--org--name/.harbor/<commit>.json      ours: the list of files (_tree.ts)
 *   .locks/models--org--name/harbor.lock         ours: one of us at a time
 *   .locks/models--org--name/harbor/             ours: what is not complete yet
 *
 * `.locks` is the one folder in which huggingface_hub and what is built on it look for no models: to its scan a model's folder
 * without a snapshot is corrupt, so that one that is half here has none.
 */
import { join } from "node:path";
import { isCommit } from "./_names.ts";

export interface ModelPlaces {
  repo: string;
  /** The model's folder. */
  folder: string;
  lock: string;
  /** The folder of what is not complete yet. */
  staging: string;
}

export function placesOf({ repo, cache }: { repo: string; cache: string }): ModelPlaces {
  const name = modelFolderName(repo);
  const locks = join(cache, ".locks", name);
  return { repo, folder: join(cache, name), lock: join(locks, "harbor.lock"), staging: join(locks, "harbor") };
}

export function modelFolderName(repo: string): string {
  return ["models", ...repo.split("/")].join("--");
}

/** Undefined for a revision that is a commit: that has no file. */
export function refPath({ folder }: ModelPlaces, revision: string): string | undefined {
  return isCommit(revision) ? undefined : join(folder, "refs", revision);
}

export function blobPath({ folder }: ModelPlaces, blob: string): string {
  return join(folder, "blobs", blob);
}

export function snapshotPath({ folder }: ModelPlaces, commit: string): string {
  return join(folder, "snapshots", commit);
}

export function treePath({ folder }: ModelPlaces, commit: string): string {
  return join(folder, ".harbor", `${commit}.json`);
}

/** A verified file that waits for the others. */
export function stagedPath({ staging }: ModelPlaces, blob: string): string {
  return join(staging, "blobs", blob);
}

/** As far as a file has been received. */
export function partialPath(places: ModelPlaces, blob: string): string {
  return `${stagedPath(places, blob)}.incomplete`;
}

/** The list of files of what is being fetched. */
export function stagedTreePath({ staging }: ModelPlaces): string {
  return join(staging, "tree.json");
}
