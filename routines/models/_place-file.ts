/** A received file → its place among a service's models. Half of one lies in `.harbor` beside them, where no service looks. */
import { mkdirSync, renameSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { sizeOf } from "./_find-model.ts";
import { asDiskError } from "./_model-error.ts";

/** The folder of what is not complete yet. */
export function stagingIn(folder: string): string {
  return join(folder, ".harbor");
}

/** Whether it is there already. Throws `failed` where another file has its place. */
export function isPlaced(target: string, bytes: number | undefined): boolean {
  const here = sizeOf(target);
  if (here === undefined) return false;
  if (bytes === undefined || here === bytes) return true;
  throw new HarborError(`Cannot fetch into "${target}": there is another file of that name, with ${here} bytes instead of ${bytes}`, {
    hint: "Remove or rename it first",
  });
}

/** Throws `disk` for what the file system says. */
export function placeFile(name: string, from: string, target: string): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    renameSync(from, target);
  } catch (error) {
    throw asDiskError(name, `"${target}" cannot be written`, error);
  }
}

/** Those of the folders that are empty, the innermost first. */
export function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      return; // something else is in it
    }
  }
}
