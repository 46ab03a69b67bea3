/**
 * Short spellings brought to their long form: what compose does with each file before it lays the next one on it.
 * Only what a later merge can notice; everything else goes out as it was written.
 */

import { type ComposeMap, isMap, type Merging } from "./_merge-tree.ts";
import { escapeDollars } from "./interpolate.ts";

/** `build: ./x` → a map. */
export function canonicalBuild(value: unknown): unknown {
  return typeof value === "string" ? { context: value } : value;
}

/** depends_on: a list → a map; condition and required filled in. */
export function canonicalDependencies(value: unknown, merging: Merging): unknown {
  if (Array.isArray(value)) {
    return Object.fromEntries(value.map((name) => [merging.text(name), { condition: "service_started", required: true }]));
  }
  if (!isMap(value)) return value;
  for (const dependency of Object.values(value)) {
    if (!isMap(dependency)) continue;
    if (!Object.hasOwn(dependency, "condition")) dependency.condition = "service_started";
    if (!Object.hasOwn(dependency, "required")) dependency.required = true;
  }
  return value;
}

/** A service's networks: a list → a map. */
export function canonicalNetworks(value: unknown, merging: Merging): unknown {
  return Array.isArray(value) ? Object.fromEntries(value.map((name) => [merging.text(name), null])) : value;
}

/** build.additional_contexts: `name=path` → a map. */
export function canonicalContexts(value: unknown, merging: Merging): unknown {
  if (!Array.isArray(value)) return value;
  const contexts: ComposeMap = {};
  for (const item of value) {
    const [name, path] = splitPair(item, merging);
    if (path === undefined || name === "") return value; // a map cannot say it, or compose will refuse it
    contexts[name] = path;
  }
  return contexts;
}

/** `name=value`: the name interpolated, the value as it was written wherever that is clear. */
function splitPair(item: unknown, merging: Merging): [string, string | undefined] {
  const text = merging.text(item);
  const equals = text.indexOf("=");
  if (equals === -1) return [text, undefined];
  const name = text.slice(0, equals);
  const written = String(item);
  const isWritten = written.startsWith(`${name}=`) && !name.includes("$");
  return [name, isWritten ? written.slice(equals + 1) : escapeDollars(text.slice(equals + 1))];
}

/** dns: empty entries are left out. */
export function canonicalDns(value: unknown, merging: Merging): unknown {
  return Array.isArray(value) ? value.filter((item) => item !== null && merging.text(item) !== "") : value;
}

/** env_file: a path, or a list of paths and maps. */
export function canonicalEnvFile(value: unknown): unknown {
  return typeof value === "string" ? [value] : value;
}

/** `gpus: all` → a request for all. */
export function canonicalGpus(value: unknown): unknown {
  return typeof value === "string" ? [{ count: "all" }] : value;
}

/** build.ssh: `default` and `id=path` → a map. */
export function canonicalSsh(value: unknown, merging: Merging): unknown {
  if (!Array.isArray(value)) return value;
  const agents: ComposeMap = {};
  for (const item of value) {
    const [name, path] = splitPair(item, merging);
    agents[name] = path ?? null;
  }
  return agents;
}

/** networks, volumes, configs, secrets: `external: {name: x}` → `external: true, name: x`. */
export function canonicalResource(value: unknown, merging: Merging): unknown {
  if (!isMap(value) || !isMap(value.external)) return value;
  const { name } = value.external;
  value.external = true;
  if (name === undefined) return value;
  if (!Object.hasOwn(value, "name")) value.name = name;
  else if (merging.text(value.name) !== merging.text(name)) merging.fail("name and external.name differ; use name alone");
  return value;
}
