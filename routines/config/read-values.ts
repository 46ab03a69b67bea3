#!/usr/bin/env bun
/**
 * Every value of the configuration with its origin, by rank: process environment, `config.env`,
 * the secrets kept apart from it, a flat workspace's `.env`, its `profiles/default.env`, Harbor's own. The defaults below all of
 * these are the `${HARBOR_…:-default}` of the service files themselves.
 *
 *   bun routines/config/read-values.ts HARBOR_DATA --json
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findWorkspace, type Workspace } from "../workspace/find-workspace.ts";
import { findHome } from "./find-home.ts";
import { parseEnv } from "./parse-env.ts";
import { readSecrets } from "./read-secrets.ts";

export type Env = Record<string, string | undefined>;

export interface Value {
  value: string;
  /** `environment`, `harbor`, `keychain`, or the path of the file it stands in. */
  origin: string;
}

/** The configuration as read once at the start of a command. */
export class Values {
  readonly #sources: readonly Source[];

  /** Sources by rank, the highest first. */
  constructor(sources: readonly Source[]) {
    this.#sources = sources;
  }

  /** Bound, so that it can be handed on as a lookup function. */
  readonly get = (name: string): string | undefined => this.find(name)?.value;

  find(name: string): Value | undefined {
    for (const source of this.#sources) {
      const value = source.get(name);
      if (value !== undefined) return { value, origin: source.origin };
    }
    return undefined;
  }

  /** Every name that a file sets, and those of Harbor's that the environment does. */
  names(): Set<string> {
    return new Set(this.#sources.flatMap((source) => [...(source.names?.() ?? [])]));
  }

  /** A `;` list, as the older configuration writes them. */
  list(name: string): string[] {
    return (this.get(name) ?? "")
      .split(/[;,]/)
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }

  /** These values, with others on top. */
  with(origin: string, values: ReadonlyMap<string, string>): Values {
    return new Values([{ origin, get: (name) => values.get(name) }, ...this.#sources]);
  }
}

interface Source {
  origin: string;
  get: (name: string) => string | undefined;
  names?: () => Iterable<string>;
}

export interface ReadValuesOptions {
  workspace: Workspace;
  env: Env;
}

/**
 * Throws with file and line for an env file that cannot be read. Secrets in the keychain are `********`, unless `openSecrets` was
 * called before.
 */
export function readValues(options: ReadValuesOptions): Values {
  const { workspace, env } = options;
  const own = ownValues(workspace);
  const sources: Source[] = [
    { origin: "environment", get: (name) => env[name], names: () => Object.keys(env).filter((name) => name.startsWith("HARBOR_")) },
  ];
  const config = join(workspace.home, "config.env");
  const add = (origin: string, values: ReadonlyMap<string, string> | undefined): void => {
    if (values !== undefined) sources.push({ origin, get: (name) => values.get(name), names: () => values.keys() });
  };
  add(config, readEnvFile(config, env, undefined));
  for (const { origin, values } of readSecrets(workspace.home)) add(origin, values);
  const flat = workspace.layers.find((layer) => layer.kind === "flat");
  const beside = flat === undefined ? [] : [join(flat.root, ".env"), join(flat.root, "profiles", "default.env")];
  for (const file of beside) add(file, readEnvFile(file, env, own));
  sources.push({ origin: "harbor", get: (name) => own.get(name) });
  return withWholePaths(new Values(sources), workspace, own.get("HARBOR_DATA") ?? "");
}

/** `HARBOR_HOME` and `HARBOR_DATA` name the same folders to every service, wherever it runs; a shell alone knows `~`. */
function withWholePaths(values: Values, workspace: Workspace, byDefault: string): Values {
  const { value = "", origin = "harbor" } = values.find("HARBOR_DATA") ?? {};
  const data = value === "" ? byDefault : resolve(workspace.home, value.replace(/^~(?=\/|$)/, values.get("HOME") ?? "~"));
  const home = values.get("HARBOR_HOME") === workspace.home ? values : values.with("harbor", new Map([["HARBOR_HOME", workspace.home]]));
  return data === value ? home : home.with(origin, new Map([["HARBOR_DATA", data]]));
}

/** What Harbor itself knows: the folders, and who owns what a container writes. */
function ownValues(workspace: Workspace): Map<string, string> {
  return new Map([
    ["HARBOR_HOME", workspace.home],
    ["HARBOR_DATA", join(workspace.home, "data")],
    ["HARBOR_USER_ID", String(process.getuid?.() ?? 1000)],
    ["HARBOR_GROUP_ID", String(process.getgid?.() ?? 1000)],
  ]);
}

/** `outer` is given for files that compose would interpolate: a flat workspace's. */
function readEnvFile(file: string, env: Env, outer: Map<string, string> | undefined): Map<string, string> | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new HarborError(`Cannot read "${file}": ${code}`, { cause: error });
  }
  return parseEnv(text, outer === undefined ? { file } : { file, lookup: (name) => env[name] ?? outer.get(name) });
}

export const command = defineCommand({
  meta: { name: "read-values", description: "Show configuration values and where each comes from" },
  args: {
    names: { type: "positional", description: "Variable names", multiple: true, required: true },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  run({ args }) {
    const workspace = findWorkspace({ home: findHome(process.env), directory: args.workspace });
    const values = readValues({ workspace, env: process.env });
    const found = args.names.map((name) => ({ name, ...values.find(name) }));
    emit(found, {
      json: args.json,
      render: (them) => them.map((it) => `${it.name}\t${it.value ?? ""}\t${it.origin ?? "not set"}`).join("\n"),
    });
  },
});

if (import.meta.main) await runScript(command);
