/** Space where Harbor and the engine write. */
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { formatSize } from "../_script/size.ts";
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface PlaceFacts {
  /** What is kept there. */
  what: string;
  path: string;
  freeBytes: number;
  /** Files that may still be made; undefined where the file system has no such limit. */
  freeFiles: number | undefined;
  isWritable: boolean;
}

const LEAST_BYTES = 1e9;
/** One model of use, or a few images. */
const USUAL_BYTES = 10e9;
const LEAST_FILES = 10_000;

/** Several things on one file system that are short of space are one matter each: each has its own fix. */
export function judgeDisk(places: readonly PlaceFacts[]): Finding[] {
  const found = places.flatMap((place) => judgePlace(place) ?? []);
  if (found.length > 0) return found;
  return [ok(places.map(({ what, freeBytes }) => `${formatSize(freeBytes)} free for ${what}`).join(", "))];
}

function judgePlace({ what, path, freeBytes, freeFiles, isWritable }: PlaceFacts): Finding | undefined {
  if (!isWritable) {
    const fix = `Make ${path} yours (chown, chmod u+w), or name another: HARBOR_HOME, \`harbor config set data <folder>\``;
    return failed({ what: `${what} cannot be written: ${path}`, why: "Nothing can be started", fix });
  }
  if (freeFiles !== undefined && freeFiles < LEAST_FILES) {
    const why = "No more files can be made there, whatever the space";
    return failed({
      what: `the file system of ${what} has room for ${freeFiles} files (${path})`,
      why,
      fix: `Remove small files: \`df -i ${path}\``,
    });
  }
  if (freeBytes >= USUAL_BYTES) return undefined;
  const trouble = {
    what: `${formatSize(freeBytes)} free for ${what} (${path})`,
    why:
      freeBytes < LEAST_BYTES
        ? "Services fail when it is full, some with data lost"
        : "A model takes 4 GB and more, images of model servers 5 to 15 GB",
    fix:
      what === "images"
        ? "docker system df shows what takes it, docker image prune removes what nothing uses"
        : `Make room, or move it: harbor config set data <folder on another disk>`,
  };
  return freeBytes < LEAST_BYTES ? failed(trouble) : warning(trouble);
}

function readPlace(what: string, path: string, isOurs: boolean): PlaceFacts | undefined {
  let place = path;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  try {
    const { bavail, bsize, files, ffree } = statfsSync(place);
    return { what, path, freeBytes: bavail * bsize, freeFiles: files === 0 ? undefined : ffree, isWritable: !isOurs || isWritable(place) };
  } catch {
    return undefined; // not ours to look at
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where images are, on an engine of this very kernel. */
async function imageFolder(context: DoctorContext): Promise<string | undefined> {
  const { info, kind } = (await ifReadable(context.engine)) ?? {};
  return kind === "linux" || kind === "rootless" ? info?.DockerRootDir : undefined;
}

export const checkDisk: Check = {
  name: "disk",
  group: "host",
  about: "space for data, state and images",
  async run(context) {
    const images = await imageFolder(context);
    const values = await ifReadable(context.values);
    const places = [
      readPlace("data", values?.get("HARBOR_DATA") ?? context.home, true),
      readPlace("state", `${context.home}/state`, true),
      images === undefined ? undefined : readPlace("images", images, false),
    ];
    return judgeDisk(places.filter((it) => it !== undefined));
  },
};
