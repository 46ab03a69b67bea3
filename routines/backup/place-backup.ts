/**
 * What was read out of an archive → where it belongs. Each folder takes its place by a rename; what was there goes once all is
 * in place, and comes back where anything of it fails.
 */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { makePrivateFolder, writeFileWhole } from "../_script/write-file.ts";
import type { Changes } from "../config/rewrite-env-file.ts";
import { changeSecrets } from "../config/write-secrets.ts";
import { configFile, writeValues } from "../config/write-values.ts";
import type { Staging } from "./read-backup.ts";

export interface Placement {
  /** What a person knows it by: `data/webui`. */
  name: string;
  from: string;
  to: string;
  /** Whether something stands there. */
  replaces: boolean;
}

export interface PlaceOptions {
  placements: readonly Placement[];
  home: string;
  /** What changes; a text where there is no config.env yet, comments and all. */
  config: Changes | string;
  /** For wherever secrets are kept here. */
  secrets: Changes;
}

/** What was there and could not be removed: files of another user's. */
export async function placeBackup({ placements, home, config, secrets }: PlaceOptions): Promise<string[]> {
  const done: { to: string; old: string | undefined }[] = [];
  let before: Changes = new Map();
  try {
    for (const { from, to, replaces } of placements) {
      makePrivateFolder(dirname(to));
      // beside it: to move a folder elsewhere takes a right in it
      const old = replaces ? join(dirname(to), `.harbor-old-${process.pid}-${to.slice(to.lastIndexOf("/") + 1)}`) : undefined;
      if (old !== undefined) renameSync(to, old);
      done.push({ to, old });
      renameSync(from, to);
    }
    // before config.env, which may lose what is among the secrets from now on
    before = await putSecrets(home, secrets);
    if (typeof config === "string") writeFileWhole(configFile(home), config);
    else if (config.size > 0) await writeValues({ home, changes: config });
  } catch (cause) {
    for (const { to, old } of done.toReversed()) {
      rmSync(to, { recursive: true, force: true });
      if (old !== undefined) renameSync(old, to);
    }
    await putSecrets(home, before);
    if (cause instanceof HarborError) throw cause;
    throw new HarborError(`Cannot restore: ${(cause as Error).message}`, { cause, hint: "All is as it was" });
  }
  return done.flatMap(({ old }) => (old === undefined || removed(old) ? [] : [old]));
}

/** Gives what they were. Throws where they cannot be changed; they are what they were then. */
async function putSecrets(home: string, changes: Changes): Promise<Changes> {
  let before: Changes = new Map();
  if (changes.size === 0) return before;
  const noteBefore = (there: ReadonlyMap<string, string>): Changes => {
    before = new Map([...changes.keys()].map((name) => [name, there.get(name)]));
    return changes;
  };
  await changeSecrets({ home, changes: noteBefore });
  return before;
}

function removed(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

export interface ListPlacementsOptions {
  staging: Pick<Staging, "home" | "data">;
  home: string;
  /** HARBOR_DATA. */
  data: string;
}

/** Of all that lies in the staging folders. */
export function listPlacements({ staging, home, data }: ListPlacementsOptions): Placement[] {
  const place = (name: string, from: string, to: string): Placement => ({ name, from, to, replaces: existsSync(to) });
  const whole = join(staging.home, "home");
  const ofAll = namesIn(whole).map((name) => place(name, join(whole, name), join(home, name)));
  const ofHome = (["profiles", "env", "services"] as const).flatMap((part) =>
    namesIn(join(staging.home, part)).map((name) => place(`${part}/${name}`, join(staging.home, part, name), join(home, part, name))),
  );
  return [...ofAll, ...ofHome, ...namesIn(staging.data).map((name) => place(`data/${name}`, join(staging.data, name), join(data, name)))];
}

/** Folders that nobody else has, on the disks where the content belongs. */
export function makeStaging(home: string, data: string): Pick<Staging, "home" | "data"> {
  for (const folder of [home, data]) makePrivateFolder(folder);
  return { home: join(home, `.harbor-restore-${process.pid}`), data: join(data, `.harbor-restore-data-${process.pid}`) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
