/** Which services → what of them is to be kept: their configuration, their folders of the user's own, their data. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../_script/read-text.ts";
import { handleOf } from "../config/name-variable.ts";
import { WHOLE_FILES } from "../config/own-files.ts";
import { formatEnvValue, parseEnv } from "../config/parse-env.ts";
import { listOwnProfiles } from "../config/profiles.ts";
import { KEYCHAIN, readSecrets } from "../config/read-secrets.ts";
import type { Values } from "../config/read-values.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import { checkHandle, isHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { findOutside } from "./find-outside.ts";
import { CONFIG } from "./manifest.ts";

export interface CollectOptions {
  workspace: Workspace;
  values: Values;
  /** Of these services alone; all there is when empty. */
  handles: readonly string[];
}

export interface Collected {
  /** The text of the archive's config.env, and the variables in it. */
  config: Variables;
  /** And of its secrets.env: those that are in a file. */
  secrets: Variables;
  /** Names of secrets that are in the system's keychain, which is not asked for them. */
  inKeychain: string[];
  /** Names of files that are of no single service. */
  home: string[];
  profiles: string[];
  /** Handles. */
  env: string[];
  services: string[];
  data: DataFolder[];
  /** What is not in it and might be missed. */
  warnings: string[];
}

interface Variables {
  text: string;
  names: string[];
}

export interface DataFolder {
  /** Below the data folder. */
  name: string;
  /** Whose it is. */
  handle: string;
  path: string;
}

/** Throws `unknown` for a handle of which nothing is known at all. */
export function collectBackup(options: CollectOptions): Collected {
  const { workspace, values, handles } = options;
  const { home } = workspace;
  const data = values.get("HARBOR_DATA") ?? "";
  const known = listHandles(workspace);
  const kept = {
    env: namesIn(join(home, "env")).flatMap((it) => /^(.+)\.env$/.exec(it)?.[1] ?? []),
    services: namesIn(join(home, "services")),
    data: namesIn(data),
  };
  for (const handle of handles) {
    checkHandle(handle);
    const isKnown = known.includes(handle) || kept.data.includes(handle);
    if (!isKnown) throwUnknown(handle, [...known, ...kept.data]);
  }
  const isMeant = (handle: string): boolean => isHandle(handle) && (handles.length === 0 || handles.includes(handle));
  const isChosen = (name: string): boolean => handles.length === 0 || handles.includes(handleOf(name, known) ?? "");
  const secrets = collectSecrets(home, isChosen);
  const folders = dataFolders({ meant: handles.length === 0 ? kept.data.filter(isHandle) : handles, workspace, known });
  return {
    config: readConfig(join(home, CONFIG), handles.length === 0 ? undefined : isChosen),
    ...secrets,
    home: handles.length > 0 ? [] : WHOLE_FILES.filter((name) => existsSync(join(home, name))),
    profiles: handles.length > 0 ? [] : listOwnProfiles(home),
    env: kept.env.filter((handle) => isMeant(handle) && existsSync(join(home, "env", `${handle}.env`))),
    services: kept.services.filter(isMeant),
    data: folders.filter(({ name }) => kept.data.includes(name)).map((it) => ({ ...it, path: join(data, it.name) })),
    warnings: [
      ...warnOfKeychain(secrets.inKeychain),
      ...(handles.length === 0 && data === join(home, "data") ? warnOfOthers(data, kept.data) : []),
      ...(handles.length === 0 ? known : handles).flatMap((handle) => outsideOf(handle, options)),
    ],
  };
}

/** The whole file, comments too; where some are chosen, only their lines. */
function readConfig(path: string, isChosen: ((name: string) => boolean) | undefined): Variables {
  if (!existsSync(path)) return { text: "", names: [] };
  const text = readText(path);
  const values = parseEnv(text, { file: path });
  if (isChosen === undefined) return { text, names: [...values.keys()] };
  return formatVariables([...values].filter(([name]) => isChosen(name)));
}

/** Of those in the keychain the names alone: it may have to be unlocked, and a backup by night finds nobody who can. */
function collectSecrets(home: string, isChosen: (name: string) => boolean): Pick<Collected, "secrets" | "inKeychain"> {
  const sources = readSecrets(home);
  const inFile = new Map(sources.filter(({ origin }) => origin !== KEYCHAIN).flatMap(({ values }) => [...values]));
  const names = sources.filter(({ origin }) => origin === KEYCHAIN).flatMap(({ values }) => [...values.keys()]);
  return {
    secrets: formatVariables([...inFile].filter(([name]) => isChosen(name))),
    inKeychain: names.filter((name) => isChosen(name) && !inFile.has(name)),
  };
}

function formatVariables(values: readonly (readonly [string, string])[]): Variables {
  return { text: values.map(([name, value]) => `${name}=${formatEnvValue(value)}\n`).join(""), names: values.map(([name]) => name) };
}

function warnOfKeychain(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const what = names.length === 1 ? "1 secret is" : `${names.length} secrets are`;
  return [
    `${what} in the system's keychain, and not in it: they stay on this machine, or \`harbor secrets store file\` first has them in it too`,
  ];
}

/** What Harbor itself has left there is no data. */
function warnOfOthers(data: string, names: readonly string[]): string[] {
  const others = names.filter((name) => !isHandle(name) && !name.startsWith(".harbor-"));
  return others.map((name) => `${join(data, name)} is not in it: no service can be called so`);
}

interface DataQuestion {
  meant: readonly string[];
  workspace: Workspace;
  known: readonly string[];
}

/** Its own, and what else its files name below the data folder, unless that is another service's. */
function dataFolders({ meant, workspace, known }: DataQuestion): Omit<DataFolder, "path">[] {
  const folders = new Map(meant.map((handle) => [handle, handle]));
  for (const handle of meant) {
    for (const { path } of filesOf(handle, workspace)) {
      for (const [, name = ""] of readFileSync(path, "utf8").matchAll(/\$\{HARBOR_DATA\}\/([a-z0-9][a-z0-9-]*)/g)) {
        if (name === handle || known.includes(name)) continue;
        folders.set(name, handle);
      }
    }
  }
  return [...folders].map(([name, handle]) => ({ name, handle })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function filesOf(handle: string, workspace: Workspace) {
  return listFiles({ workspace, handles: [handle], capabilities: new Set() }).filter((it) => it.handle === handle);
}

/** Compose files alone: a process's own are its contract's business. */
function outsideOf(handle: string, { workspace, values }: CollectOptions): string[] {
  const files = filesOf(handle, workspace).filter(({ kind }) => kind !== "module" && kind !== "contract");
  const saved = [values.get("HARBOR_DATA") ?? "", join(workspace.home, "services", handle)];
  return findOutside({ handle, files: files.map(({ path }) => path), values, saved });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // there is none
  }
}
