/** An archive and what is there → what a restore would add, replace and set; and the restore itself. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../_script/read-text.ts";
import { maskSecret } from "../_script/secret-name.ts";
import { handleOf } from "../config/name-variable.ts";
import { parseEnv } from "../config/parse-env.ts";
import { type Env, readValues } from "../config/read-values.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { broken } from "./_tar-reader.ts";
import { type BackupManifest, CONFIG, ownerOf } from "./manifest.ts";
import { listPlacements, makeStaging, placeBackup } from "./place-backup.ts";
import { type BackupHead, readBackup, readHead, removeStaging, type Staging } from "./read-backup.ts";

export interface PlanRestoreOptions {
  file: string;
  /** Of these services alone; all that is in it when empty. */
  handles: readonly string[];
  home: string;
  env: Env;
  workspace: Workspace;
  /** Told which services are in it; throws for one that was asked for and is not. */
  check: (known: readonly string[]) => void;
}

export interface RestorePlan extends Pick<PlanRestoreOptions, "file" | "handles" | "home"> {
  /** HARBOR_DATA, as it is afterwards. */
  data: string;
  head: BackupHead;
  /** Only what is not so already. */
  changes: ConfigChange[];
  /** `aliases.json`, `env/webui.env`, `services/mine`, `data/webui`. */
  placed: string[];
  /** Of these, what stands there now and is not empty. */
  replaced: string[];
  /** Services whose data or variables are placed. */
  owners: string[];
  isWanted: Staging["isWanted"];
}

export interface ConfigChange {
  name: string;
  value: string;
  /** Something else is set now. */
  isSet: boolean;
  /** For a person; secrets masked. */
  shown: string;
}

/** Reads the archive's head alone. */
export async function planRestore(options: PlanRestoreOptions): Promise<RestorePlan> {
  const { file, handles, home, workspace, check } = options;
  const head = await readHead(file);
  const data = dataFolder(options, head);
  const { manifest } = head;
  const known = [...new Set([...listHandles(workspace), ...manifest.services, ...manifest.data])];
  const ofVariable = (name: string): string => handleOf(name, known) ?? "";
  check([...new Set([...handlesIn(manifest), ...manifest.config.map(ofVariable).filter((it) => it !== "")])].sort());
  const isMeant = (handle: string): boolean => handles.length === 0 || handles.includes(handle);
  const isWanted: Staging["isWanted"] = (part, name) =>
    part === "home" ? handles.length === 0 : isMeant(part === "data" ? ownerOf(manifest, name) : name);
  const wantedData = manifest.data.filter((name) => isWanted("data", name));
  const placed = [
    ...manifest.home.filter((name) => isWanted("home", name)),
    ...manifest.env.filter(isMeant).map((handle) => `env/${handle}.env`),
    ...manifest.services.filter(isMeant).map((handle) => `services/${handle}`),
    ...wantedData.map((name) => `data/${name}`),
  ];
  const pathOf = (name: string): string => (name.startsWith("data/") ? join(data, name.slice("data/".length)) : join(home, name));
  const changes = compareConfig(head.config, join(home, CONFIG), file).filter(
    ({ name }) => handles.length === 0 || isMeant(ofVariable(name)),
  );
  const owners = [...new Set([...wantedData.map((name) => ownerOf(manifest, name)), ...manifest.services.filter(isMeant)])];
  return { file, handles, home, data, head, changes, placed, replaced: placed.filter((name) => isThere(pathOf(name))), owners, isWanted };
}

/** A configuration that comes back whole says where data is from then on; what the environment says is above it, then as now. */
function dataFolder({ file, handles, env, workspace }: PlanRestoreOptions, { config }: BackupHead): string {
  const saved = handles.length === 0 ? parseEnv(config, { file }).get("HARBOR_DATA") : undefined;
  const then = saved === undefined ? env : { HARBOR_DATA: saved, ...env };
  return readValues({ workspace, env: then }).get("HARBOR_DATA") ?? "";
}

function handlesIn(manifest: BackupManifest): string[] {
  return [...manifest.env, ...manifest.services, ...manifest.data.map((name) => ownerOf(manifest, name))];
}

/** An empty folder holds nothing that could be lost. */
function isThere(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !(stats.isDirectory() && readdirSync(path).length === 0);
}

function compareConfig(saved: string, path: string, file: string): ConfigChange[] {
  const current = existsSync(path) ? parseEnv(readText(path), { file: path }) : new Map<string, string>();
  const changes: ConfigChange[] = [];
  for (const [name, value] of parseEnv(saved, { file })) {
    const before = current.get(name);
    if (before === value) continue;
    const [from, to] = [before ?? "", value].map((it) => JSON.stringify(maskSecret(name, it)));
    const shown = before === undefined ? `sets ${name} to ${to}` : `sets ${name} to ${to} (now ${from})`;
    changes.push({ name, value, isSet: before !== undefined, shown });
  }
  return changes;
}

/** Reads all of it and writes nothing. */
export async function verify({ file }: RestorePlan, signal: AbortSignal): Promise<void> {
  await readBackup({ file, staging: undefined, signal });
}

/** Nothing is replaced before all is verified. Gives what was there and could not be removed. */
export async function carryOut(plan: RestorePlan, signal: AbortSignal): Promise<string[]> {
  const { file, home, data, changes, isWanted, head } = plan;
  const staging = makeStaging(home, data);
  try {
    const { config } = await readBackup({ file, staging: { ...staging, isWanted }, signal });
    if (config !== head.config) throw broken(file, "it changed while it was read");
    const isWhole = plan.handles.length === 0 && config !== "" && !existsSync(join(home, CONFIG));
    const values = isWhole ? config : new Map(changes.map(({ name, value }) => [name, value]));
    return await placeBackup({ placements: listPlacements({ staging, home, data }), home, config: values });
  } finally {
    removeStaging(staging);
  }
}
