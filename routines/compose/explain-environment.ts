/**
 * A plan → all the variables of one of its services, natively or in containers, each with its value and where it comes from:
 * what the process or the container gets, down to what natives say to their dependants.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import { isSecretName, MASK, maskSecret } from "../_script/secret-name.ts";
import { parseYamlDocuments } from "../_script/yaml.ts";
import { parseEnv } from "../config/parse-env.ts";
import type { Env, Values } from "../config/read-values.ts";
import { buildEnvironment } from "../native/resolve-contract.ts";
import { ownReference } from "./_own-variables.ts";
import type { EnvironmentEntry } from "./_plan-natives.ts";
import { readEnvironment } from "./_read-service-environment.ts";
import { escapeDollars, findExpression, interpolate } from "./interpolate.ts";
import { type MadePlan, projectDirectoryOf } from "./make-plan.ts";

export interface ServiceEnvironment {
  /** Service of the merged model; of a native its handle. */
  service: string;
  runtime: "container" | "native";
  /** By name. */
  variables: Variable[];
}

export interface Variable {
  name: string;
  value: string;
  /** `host` for what a process takes over from this shell; `environment`, `harbor`, or the path of a file. */
  origin: string;
}

export interface ExplainEnvironmentOptions {
  made: MadePlan;
  handle: string;
  /** Where the host's part of a process's environment comes from. */
  environment: Env;
  showsSecrets: boolean;
  /** Whether a key of the configuration is a secret; by its name when left out. */
  isSecret?: (name: string) => boolean;
}

/** The process of a native service; else one entry for each container. Empty for a handle that is no part of the plan. */
export function explainEnvironment(options: ExplainEnvironmentOptions): ServiceEnvironment[] {
  const { made, handle, showsSecrets, isSecret = isSecretName } = options;
  const show = (entries: Iterable<EnvironmentEntry>): Variable[] =>
    [...entries]
      .map((entry) => ({
        name: entry.name,
        value: showsSecrets ? entry.value : masked(entry, made.values, isSecret),
        origin: entry.origin,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const native = made.natives.find(({ spec }) => spec.handle === handle);
  if (native !== undefined) {
    const entries = new Map(hostEntries(options.environment).map((entry) => [entry.name, entry]));
    for (const entry of native.environment) entries.set(entry.name, entry);
    return [{ service: handle, runtime: "native", variables: show(entries.values()) }];
  }
  const containers = made.plan.services.find((it) => it.handle === handle)?.containers ?? [];
  return containers.map((service) => ({ service, runtime: "container", variables: show(containerEntries(service, handle, made)) }));
}

function hostEntries(environment: Env): EnvironmentEntry[] {
  return Object.entries(buildEnvironment(environment)).map(([name, value]) => ({
    name,
    value,
    text: escapeDollars(value),
    origin: "host",
  }));
}

/** A secret by its own name, or by that of a variable it is made of. */
function masked({ name, value, text }: EnvironmentEntry, values: Values, isSecret: (name: string) => boolean): string {
  const parts = [...secretsIn(text, isSecret)].map((secret) => values.get(secret) ?? "").filter((part) => part !== "");
  return maskSecret(
    name,
    parts.reduce((shown, part) => shown.replaceAll(part, MASK), value),
    isSecret(name),
  );
}

function* secretsIn(text: string, isSecret: (name: string) => boolean): Generator<string> {
  for (let found = findExpression(text, 0); found !== undefined; found = findExpression(text, found.end)) {
    if (isSecret(found.name)) yield found.name;
    yield* secretsIn(found.word, isSecret);
  }
}

/** `env_file` lies below `environment`, as in compose. */
function containerEntries(service: string, handle: string, made: MadePlan): EnvironmentEntry[] {
  const { values } = made;
  const model = (made.plan.compose.services as Record<string, Record<string, unknown>>)[service] ?? {};
  const entries = new Map(fileEntries(model.env_file, projectDirectoryOf(made.plan.workspace), values).map((entry) => [entry.name, entry]));
  const findOrigin = originsOf(service, made);
  const own = made.ownVariables.get(handle);
  for (const [name, written] of readEnvironment(model.environment)) {
    const isOwn = written === `\${${ownReference(handle, name)}}`;
    const origin = isOwn && own !== undefined ? own.file : findOrigin(name);
    if (written !== undefined) entries.set(name, { name, value: interpolate(written, values.get), text: written, origin });
    else {
      const set = values.find(name);
      if (set !== undefined) entries.set(name, { name, value: set.value, text: escapeDollars(set.value), origin: set.origin });
    }
  }
  return [...entries.values()];
}

interface EnvFile {
  path: string;
  required?: boolean;
  format?: string;
}

function fileEntries(list: unknown, directory: string, values: Values): EnvironmentEntry[] {
  const files = (Array.isArray(list) ? list : list === undefined || list === null ? [] : [list]) as (string | EnvFile)[];
  return files.flatMap((file) => {
    const { path, required = true, format }: EnvFile = typeof file === "string" ? { path: file } : file;
    const origin = resolve(directory, interpolate(String(path), values.get));
    const text = readEnvFile(origin, required);
    if (text === undefined) return [];
    const options = format === "raw" ? { file: origin } : { file: origin, lookup: values.get };
    return [...parseEnv(text, options)].map(([name, value]) => ({ name, value, text: escapeDollars(value), origin }));
  });
}

function readEnvFile(path: string, isRequired: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (!isRequired) return undefined;
    throw new HarborError(`Cannot read env file "${path}": ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

/** Which file says what a variable of a service is: the last that names it, else a native it depends on. */
function originsOf(service: string, made: MadePlan): (name: string) => string {
  const files = made.merged.sources.get(service) ?? [];
  const named = files.map((path) => ({ path, names: namesIn(path, service) }));
  return (name) => {
    const file = named.findLast(({ names }) => names.has(name))?.path;
    return file ?? overriding(name, service, made) ?? files[0] ?? "harbor";
  };
}

function overriding(name: string, service: string, { plan, selection }: MadePlan): string | undefined {
  const natives = Object.keys(plan.dependencies[service] ?? {});
  return natives.map((handle) => selection.contracts.get(handle)).find((contract) => contract?.envOverrides[name] !== undefined)?.path;
}

/** A module, or a file that extends or includes, may set more than stands in it. */
function namesIn(path: string, service: string): Set<string> {
  try {
    const documents = parseYamlDocuments(readFileSync(path, "utf8"), path).map(
      ({ value }) => value as { services?: Record<string, unknown> } | null,
    );
    const services = documents.map((document) => document?.services?.[service] as { environment?: unknown } | null | undefined);
    return new Set(services.flatMap((it) => [...readEnvironment(it?.environment).keys()]));
  } catch {
    return new Set();
  }
}
