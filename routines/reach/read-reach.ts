/** What of the stack can be reached from elsewhere: one folder in `state/reach/` for each service and way, as `harbor expose` and `tunnel` made it. */
import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isAlive, type ProcessIdentity, readBootId } from "../_script/process-identity.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { stateOf } from "../stack/read-stack.ts";

export const WAYS = ["expose", "tunnel"] as const;
/** `expose`: from the local network. `tunnel`: from the internet. */
export type Way = (typeof WAYS)[number];

export interface ReachRecord {
  way: Way;
  handle: string;
  /** What others write. */
  url: string;
  /** Where it leads: the service's URL on this host. */
  target: string;
  /** Who has to log in; null where nobody has to. */
  user: string | null;
  /** Compose project of its containers; null where there are none. */
  project: string | null;
  /** Where this host listens for it; null for a tunnel that leads to the service itself. */
  listens: { address: string; port: number } | null;
  /** The tunnel's program, where it is one of this host. */
  process: ProcessIdentity | null;
  bootId: string;
  startedAt: string;
}

/** Where its files are: readable by their owner alone, as all of `state/`. */
export function reachFolder(home: string, way: Way, handle: string): string {
  return join(stateOf(home).directory, "reach", `${way}-${handle}`);
}

/** By handle. What cannot be read is left out. */
export function listReach(home: string): ReachRecord[] {
  const folder = join(stateOf(home).directory, "reach");
  return namesIn(folder)
    .sort()
    .flatMap((name) => readRecord(join(folder, name, "record.json")) ?? []);
}

export function writeReach(home: string, record: ReachRecord): void {
  writeFileWhole(join(reachFolder(home, record.way, record.handle), "record.json"), `${JSON.stringify(record, null, 2)}\n`);
}

export function removeReach(home: string, { way, handle }: Pick<ReachRecord, "way" | "handle">): void {
  rmSync(reachFolder(home, way, handle), { recursive: true, force: true });
  try {
    rmdirSync(join(stateOf(home).directory, "reach"));
  } catch {
    // there are others
  }
}

/** As far as this host tells by itself: not after another boot, not without its program. Containers are the engine's to tell of. */
export function mayBeOpen({ bootId, process: program }: ReachRecord): boolean {
  return bootId === readBootId() && (program === null || isAlive(program));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readRecord(path: string): ReachRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ReachRecord;
  } catch {
    return undefined; // half made, or somebody else's
  }
}
