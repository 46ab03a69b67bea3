/** An archive and what is there → what a restore would add, replace and set; and the restore itself. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../_script/read-text.ts";
import { maskSecret } from "../_script/secret-name.ts";
import { handleOf } from "../config/name-variable.ts";
import { parseEnv } from "../config/parse-env.ts";
import { openSecrets, readSecrets } from "../config/read-secrets.ts";
import { type Env, readValues } from "../config/read-values.ts";
import type { Changes } from "../config/rewrite-env-file.ts";
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
  changes: ValueChange[];
  /** The same of secrets, which come to where secrets are kept here. */
  secrets: ValueChange[];
  /** Names of secrets that are set nowhere, and in the archive neither: they were in a keychain. */
  missing: string[];
  /** `aliases.json`, `profiles/work.env`, `env/webui.env`, `services/mine`, `data/webui`. */
  placed: string[];
  /** Of these, what stands there now and is not empty. */
  replaced: string[];
  /** Services whose data or variables are placed. */
  owners: string[];
  isWanted: Staging["isWanted"];
}

export interface ValueChange {
  name: string;
  value: string;
  /** Something else is set now. */
  isSet: boolean;
  /** For a person; secrets masked. */
  shown: string;
}

/** Reads the archive's head alone. Throws `missing` where secrets of it belong into a keychain that cannot be had. */
export async function planRestore(options: PlanRestoreOptions): Promise<RestorePlan> {
  const { file, handles, home, workspace, check } = options;
  const head = await readHead(file);
  const data = dataFolder(options, head);
  const { manifest } = head;
  const known = [...new Set([...listHandles(workspace), ...manifest.services, ...manifest.data])];
  const ofVariable = (name: string): string => handleOf(name, known) ?? "";
  const variables = [...manifest.config, ...manifest.secrets];
  check([...new Set([...handlesIn(manifest), ...variables.map(ofVariable).filter((it) => it !== "")])].sort());
  const isMeant = (handle: string): boolean => handles.length === 0 || handles.includes(handle);
  const isWanted: Staging["isWanted"] = (part, name) =>
    part === "home" || part === "profiles" ? handles.length === 0 : isMeant(part === "data" ? ownerOf(manifest, name) : name);
  const wantedData = manifest.data.filter((name) => isWanted("data", name));
  const placed = [
    ...manifest.home.filter((name) => isWanted("home", name)),
    ...manifest.profiles.filter((name) => isWanted("profiles", name)).map((name) => `profiles/${name}.env`),
    ...manifest.env.filter(isMeant).map((handle) => `env/${handle}.env`),
    ...manifest.services.filter(isMeant).map((handle) => `services/${handle}`),
    ...wantedData.map((name) => `data/${name}`),
  ];
  const pathOf = (name: string): string => (name.startsWith("data/") ? join(data, name.slice("data/".length)) : join(home, name));
  const values = await compareValues({ head, home, file, isMeant: (name) => handles.length === 0 || isMeant(ofVariable(name)) });
  const owners = [...new Set([...wantedData.map((name) => ownerOf(manifest, name)), ...manifest.services.filter(isMeant)])];
  const replaced = placed.filter((name) => isThere(pathOf(name)));
  return { file, handles, home, data, head, ...values, placed, replaced, owners, isWanted };
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

interface CompareOptions extends Pick<RestorePlan, "head" | "home" | "file"> {
  isMeant: (name: string) => boolean;
}

type Variables = ReadonlyMap<string, string>;

/** With what counts now: what config.env says goes before the other secrets. */
async function compareValues({ head, home, file, isMeant }: CompareOptions): Promise<Pick<RestorePlan, "changes" | "secrets" | "missing">> {
  const meant = (text: string): Variables => new Map([...parseEnv(text, { file })].filter(([name]) => isMeant(name)));
  const saved = { config: meant(head.config), secrets: meant(head.secrets) };
  if (saved.secrets.size > 0) await openSecrets(home);
  const there = readSecrets(home).toReversed();
  const stored: Variables = new Map(there.flatMap(({ values }) => [...values]));
  const config = readConfig(home);
  const inConfig = (name: string): string | undefined => (saved.config.has(name) ? undefined : config.get(name));
  return {
    changes: compare(saved.config, (name) => config.get(name) ?? stored.get(name)),
    secrets: compare(saved.secrets, (name) => inConfig(name) ?? stored.get(name), true),
    missing: head.manifest.inKeychain.filter((name) => isMeant(name) && !stored.has(name) && !config.has(name)),
  };
}

function compare(saved: Variables, current: (name: string) => string | undefined, isSecret?: true): ValueChange[] {
  return [...saved].flatMap(([name, value]) => {
    const before = current(name);
    if (before === value) return [];
    const [from, to] = [before ?? "", value].map((it) => JSON.stringify(maskSecret(name, it, isSecret)));
    const shown = before === undefined ? `sets ${name} to ${to}` : `sets ${name} to ${to} (now ${from})`;
    return [{ name, value, isSet: before !== undefined, shown }];
  });
}

function readConfig(home: string): Variables {
  const path = join(home, CONFIG);
  return existsSync(path) ? parseEnv(readText(path), { file: path }) : new Map();
}

/** Reads all of it and writes nothing. */
export async function verify({ file }: RestorePlan, signal: AbortSignal): Promise<void> {
  await readBackup({ file, staging: undefined, signal });
}

/** Nothing is replaced before all is verified. Gives what was there and could not be removed. */
export async function carryOut(plan: RestorePlan, signal: AbortSignal): Promise<string[]> {
  const { file, home, data, secrets, isWanted, head } = plan;
  const staging = makeStaging(home, data);
  try {
    const read = await readBackup({ file, staging: { ...staging, isWanted }, signal });
    const { config } = read;
    if (config !== head.config || read.secrets !== head.secrets) throw broken(file, "it changed while it was read");
    const isWhole = plan.handles.length === 0 && config !== "" && !existsSync(join(home, CONFIG));
    const placements = listPlacements({ staging, home, data });
    return await placeBackup({
      placements,
      home,
      config: isWhole ? config : configChanges(plan),
      secrets: new Map(secrets.map(({ name, value }) => [name, value])),
    });
  } finally {
    removeStaging(staging);
  }
}

/** A secret that the archive has among its secrets is not in config.env any more: what stands there would go before it. */
function configChanges({ changes, secrets, head, home, file }: RestorePlan): Changes {
  const [saved, there] = [parseEnv(head.config, { file }), readConfig(home)];
  const moved = secrets.filter(({ name }) => there.has(name) && !saved.has(name));
  return new Map<string, string | undefined>([
    ...moved.map(({ name }) => [name, undefined] as const),
    ...changes.map(({ name, value }) => [name, value] as const),
  ]);
}
