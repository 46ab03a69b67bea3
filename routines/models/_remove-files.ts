/** A model's files, off the disk; what another model consists of as well stays. */
import { mkdirSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { removeEmpty } from "./_place-file.ts";
import { placesOf } from "./_places.ts";
import type { StoredFile, StoredModel } from "./_stored-model.ts";
import type { StorePlace } from "./read-stores.ts";

/** The files that go: none that others have, of a link only the link. */
function ownFiles(model: StoredModel, others: readonly StoredModel[]): StoredFile[] {
  const used = new Set(others.flatMap(({ files }) => files.map(({ key }) => key)));
  return model.files.filter(({ key, isLink }) => isLink || !used.has(key));
}

/** What is free afterwards. */
export function freedBy(model: StoredModel, others: readonly StoredModel[]): number {
  if (model.files.length === 0) return model.bytes;
  return ownFiles(model, others).reduce((sum, { bytes, isLink }) => sum + (isLink ? 0 : bytes), 0);
}

export interface RemoveOptions {
  stored: StoredModel;
  place: StorePlace;
  /** All others that there are. */
  others: readonly StoredModel[];
}

/** What leads to the model goes first, so that nothing ever sees a part of it. Throws `failed` with what the file system says. */
export async function removeFromDisk(options: RemoveOptions): Promise<void> {
  const { stored, place } = options;
  try {
    if (place.layout === "hub") await removeFromHub(options);
    else removeFiles(options);
  } catch (error) {
    const { code, path } = (error instanceof HarborError ? (error.cause ?? {}) : error) as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const isDenied = code === "EACCES" || code === "EPERM";
    throw new HarborError(
      `Cannot remove model "${stored.name}": ${isDenied ? `no permission to change "${path ?? place.folder}"` : (error as Error).message}`,
      {
        cause: error,
        ...(isDenied ? { hint: "A container has written it as another user: remove it as root, or from within the container" } : {}),
      },
    );
  }
}

function removeFiles({ stored, place, others }: RemoveOptions): void {
  for (const path of stored.leads) rmSync(path, { force: true });
  for (const { path } of ownFiles(stored, others)) unlinkSync(path);
  const paths = [...stored.leads, ...stored.files.map(({ path }) => path)];
  for (const folder of new Set(paths.map((path) => dirname(path)))) removeEmpty(foldersUpTo(folder, place));
}

/** From a folder up to the store's own, which stays; of Ollama's and ComfyUI's so do those that it expects in it. */
function foldersUpTo(folder: string, { folder: root, layout }: StorePlace): string[] {
  const inside = relative(root, folder);
  if (inside === "" || inside.startsWith("..")) return [];
  const parts = inside.split("/");
  const folders = parts.map((_, index) => join(root, ...parts.slice(0, parts.length - index)));
  return layout === "gguf" ? folders : folders.slice(0, -1);
}

/** While nobody of us fetches it. */
async function removeFromHub({ stored, place, others }: RemoveOptions): Promise<void> {
  const repo = stored.name.replace(/:[^:/]*$/, "");
  const places = placesOf({ repo, cache: place.folder });
  mkdirSync(dirname(places.lock), { recursive: true }); // for others, too: a lock's own folder would be ours alone
  await withLock(places.lock, () => {
    for (const path of stored.leads) rmSync(path, { force: true });
    const isLast = stored.folder !== undefined || !others.some(({ leads }) => leads.some((path) => isInside(path, places.folder)));
    if (!isLast) for (const { path } of ownFiles(stored, others)) rmSync(path, { force: true });
    else
      for (const path of [join(places.folder, "snapshots"), join(places.folder, "refs"), places.folder])
        rmSync(path, { recursive: true, force: true });
    if (isLast) rmSync(places.staging, { recursive: true, force: true });
  });
  removeEmpty([dirname(places.lock), dirname(dirname(places.lock))]);
}

function isInside(path: string, folder: string): boolean {
  return !relative(folder, path).startsWith("..");
}
