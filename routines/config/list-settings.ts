/** The configuration as it is: what differs from the defaults, each value with where it is set. */
import { join } from "node:path";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import type { Key } from "./list-keys.ts";
import { keyOf } from "./name-variable.ts";
import type { Values } from "./read-values.ts";

export interface Setting {
  name: string;
  /** The same as people may write it. */
  key: string;
  /** Null where a key has neither a value nor a default. */
  value: string | null;
  /** `environment`, `harbor`, `default`, or the path of a file. */
  origin: string;
  default: string | null;
}

export interface ListSettingsOptions {
  keys: ReadonlyMap<string, Key>;
  values: Values;
  workspace: Workspace;
  /** Those at their defaults too. */
  all: boolean;
}

/** By key. A flat workspace's own profile counts as defaults. */
export function listSettings({ keys, values, workspace, all }: ListSettingsOptions): Setting[] {
  const flat = workspace.layers.find((layer) => layer.kind === "flat");
  const profile = flat === undefined ? undefined : join(flat.root, "profiles", "default.env");
  const handles = listHandles(workspace);
  const names = new Set([...values.names(), ...(all ? keys.keys() : [])]);
  names.delete("HARBOR_HOME"); // where the configuration lies is no part of it
  const settings = [...names].map((name): Setting => {
    const known = keys.get(name);
    const found = values.find(name);
    const fallback = known?.default ?? null;
    const key = known?.key ?? keyOf(name, handles);
    return { name, key, value: found?.value ?? fallback, origin: found?.origin ?? "default", default: fallback };
  });
  const isSet = ({ origin, value, default: byDefault }: Setting): boolean =>
    origin !== "default" && origin !== "harbor" && origin !== profile && value !== byDefault;
  return settings.filter((setting) => all || isSet(setting)).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
