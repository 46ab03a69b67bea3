/**
 * Configurations under a name: `$HARBOR_HOME/profiles/<name>.env`, each as `config.env` was when it was saved; in a flat workspace
 * those of its own `profiles/` as well. `default` is built in: nothing but defaults.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { readText } from "../_script/read-text.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { parseEnv } from "./parse-env.ts";
import type { Values } from "./read-values.ts";

/** The built-in one. */
export const DEFAULT_PROFILE = "default";

export interface Profile {
  name: string;
  /** Null for the built-in one. */
  file: string | null;
  /** Whose it is. */
  from: "user" | "workspace" | "harbor";
}

export function profileFile(home: string, name: string): string {
  return join(home, "profiles", `${name}.env`);
}

/** The user's own, by name. */
export function listOwnProfiles(home: string): string[] {
  return namesIn(join(home, "profiles")).sort();
}

/** Their files, which hold what they configured. */
export function listProfileFiles(home: string): string[] {
  return listOwnProfiles(home).map((name) => profileFile(home, name));
}

/** Whether a file of such a name would be found. */
export function isProfileName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]*$/.test(name) && name !== DEFAULT_PROFILE;
}

/** By name; one of the user's goes before a workspace's of the same name. */
export function listProfiles(workspace: Workspace): Profile[] {
  const flat = workspace.layers.find((layer) => layer.kind === "flat");
  const found = new Map<string, Profile>();
  for (const name of flat === undefined ? [] : namesIn(join(flat.root, "profiles"))) {
    found.set(name, { name, file: join((flat as { root: string }).root, "profiles", `${name}.env`), from: "workspace" });
  }
  for (const name of namesIn(join(workspace.home, "profiles"))) {
    found.set(name, { name, file: profileFile(workspace.home, name), from: "user" });
  }
  found.set(DEFAULT_PROFILE, { name: DEFAULT_PROFILE, file: null, from: "harbor" });
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Throws `unknown`, with the nearest. */
export function findProfile(name: string, workspace: Workspace): Profile {
  const profiles = listProfiles(workspace);
  const found = profiles.find((it) => it.name === name);
  if (found !== undefined) return found;
  const guess = nearest(
    name,
    profiles.map((it) => it.name),
  );
  throw new HarborError(`Cannot find profile "${name}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
    exit: "unknown",
    hint: "`harbor profile ls` shows them; `harbor profile save <name>` makes one of the configuration as it is",
  });
}

/** Throws `usage` for what can be no name of one. */
export function checkProfileName(name: string): void {
  const isBuiltIn = name === DEFAULT_PROFILE;
  if (/^[A-Za-z0-9][\w.-]{0,63}$/.test(name) && !isBuiltIn) return;
  const why = isBuiltIn
    ? "it is built in, and stays as it is"
    : "a name has letters, digits, dots, dashes and underscores alone, 64 at most";
  throw new HarborError(`Cannot name a profile "${name}": ${why}`, { exit: "usage" });
}

/**
 * The values of one. Of a workspace's those alone that differ from its `default.env`: it names every key there is. `values` fills
 * in what its file refers to, as compose would. Throws with the line where it cannot be read.
 */
export function readProfile({ file, from }: Profile, values: Pick<Values, "get">): Map<string, string> {
  if (file === null) return new Map();
  const text = readText(file, "profile");
  if (from === "user") return parseEnv(text, { file });
  const lookup = values.get;
  const defaults = parseEnv(readOrNothing(join(file, "..", "default.env")), { file, lookup });
  return new Map([...parseEnv(text, { file, lookup })].filter(([name, value]) => defaults.get(name) !== value));
}

function namesIn(folder: string): string[] {
  return listFolder(folder)
    .filter((name) => name.endsWith(".env"))
    .map((name) => name.slice(0, -".env".length))
    .filter(isProfileName);
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // none was ever saved
  }
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
