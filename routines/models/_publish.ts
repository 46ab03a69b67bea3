/**
 * Makes a model that has been received whole visible, in an order in which a kill at any point leaves nothing wrong to be seen: the
 * contents, the list of files, then the snapshot in one move, then the revision that leads to it. Where there is a snapshot of that
 * commit already, with other files of it, the missing links are added one by one.
 */
import { existsSync, mkdirSync, readlinkSync, renameSync, rmdirSync, rmSync, symlinkSync } from "node:fs";
import { copyFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileWhole } from "../_script/write-file.ts";
import { sizeOf } from "./_find-model.ts";
import { blobPath, type ModelPlaces, refPath, snapshotPath, stagedPath, stagedTreePath, treePath } from "./_places.ts";
import { type Tree, type TreeFile, writeTree } from "./_tree.ts";

export interface PublishOptions {
  places: ModelPlaces;
  revision: string;
  tree: Tree;
  /** Those of the tree's files that were asked for: all are in the staging folder or in the model's own. */
  files: readonly TreeFile[];
}

/** Throws as the file system does. */
export async function publish({ places, revision, tree, files }: PublishOptions): Promise<void> {
  mkdirSync(join(places.folder, "blobs"), { recursive: true });
  for (const { blob, bytes } of files) {
    if (sizeOf(blobPath(places, blob)) !== bytes) await moveFile(stagedPath(places, blob), blobPath(places, blob));
  }
  writeTree(treePath(places, tree.commit), tree);
  linkSnapshot(places, tree.commit, files);
  tidy(places); // before the ref: whoever finds that has nothing left to do
  const ref = refPath(places, revision);
  if (ref !== undefined) {
    mkdirSync(dirname(ref), { recursive: true });
    writeFileWhole(ref, tree.commit, 0o666);
  }
}

/** The staging folder stays where other files of the model are still half received. */
function tidy(places: ModelPlaces): void {
  rmSync(stagedTreePath(places), { force: true });
  try {
    rmdirSync(join(places.staging, "blobs"));
    rmdirSync(places.staging);
  } catch {
    // not empty
  }
}

/** A model's folder may be a link to another disk, where nothing can be renamed to. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copyFile(from, `${to}.harbor.incomplete`);
    await rename(`${to}.harbor.incomplete`, to);
    await rm(from, { force: true });
  }
}

function linkSnapshot(places: ModelPlaces, commit: string, files: readonly TreeFile[]): void {
  const snapshot = snapshotPath(places, commit);
  const isNew = !existsSync(snapshot);
  // in the model's own folder, which may be on another disk than the staging one
  const fresh = join(places.folder, ".harbor", "snapshot");
  rmSync(fresh, { recursive: true, force: true });
  for (const { path, blob, bytes } of files) {
    const target = `${"../".repeat(path.split("/").length + 1)}blobs/${blob}`;
    if (!isNew && (readLink(join(snapshot, path)) === target || sizeOf(join(snapshot, path)) === bytes)) continue;
    mkdirSync(dirname(join(fresh, path)), { recursive: true });
    symlinkSync(target, join(fresh, path));
    if (isNew) continue;
    mkdirSync(dirname(join(snapshot, path)), { recursive: true });
    renameSync(join(fresh, path), join(snapshot, path));
  }
  if (isNew) {
    mkdirSync(dirname(snapshot), { recursive: true });
    renameSync(fresh, snapshot);
  }
  rmSync(fresh, { recursive: true, force: true });
}

/** Undefined for what is no link. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
