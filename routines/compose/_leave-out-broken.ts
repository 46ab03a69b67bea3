/**
 * A plan without the services whose own files are broken, as long as nobody has asked for these by name: a default service, one
 * that runs already, one of `*`. So one folder keeps nobody from the others. Costs nothing while all is well.
 */
import { basename, dirname } from "node:path";
import { formatPlace, HarborError } from "../_script/error.ts";
import { isHandle } from "../workspace/list-handles.ts";

/** Handle → what is wrong, with its place. */
export type Broken = ReadonlyMap<string, string>;

/** Tries again without each that is found broken. Throws what it meets of a service that was asked for, or of none. */
export async function leaveOutBroken<T>(asked: readonly string[], attempt: (broken: Broken) => Promise<T>): Promise<T> {
  const broken = new Map<string, string>();
  while (true) {
    try {
      return await attempt(broken);
    } catch (error) {
      const handle = error instanceof HarborError && error.at !== undefined ? ownerOf(error.at.file) : undefined;
      if (!(error instanceof HarborError) || handle === undefined || asked.includes(handle) || broken.has(handle)) throw error;
      const place = error.at === undefined ? "" : `${formatPlace(error.at)}: `;
      broken.set(handle, [`${place}${error.message}`, ...error.details].join("; "));
    }
  }
}

/** The service whose folder it stands in; in a flat workspace the one that it defines. */
function ownerOf(file: string): string | undefined {
  const name = basename(file);
  const parts = /^compose\.(.+)\.(?:ya?ml|ts)$/.exec(name)?.[1]?.split(".") ?? [/^(.+)_native\.ya?ml$/.exec(name)?.[1] ?? ""];
  const folder = basename(dirname(file));
  const handle = parts.includes(folder) ? folder : parts.length === 1 ? parts[0] : undefined;
  return handle !== undefined && isHandle(handle) ? handle : undefined;
}
