/**
 * What the user asked for → what there is of it: the workspace, the configuration, the services and
 * capabilities selected, which run natively by which contract, and the files of all of them.
 */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { readText } from "../_script/read-text.ts";
import { parseYaml } from "../_script/yaml.ts";
import type { Connection } from "../config/connection.ts";
import { findHome } from "../config/find-home.ts";
import { openSecrets } from "../config/read-secrets.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { detectCapabilities } from "../host/detect-capabilities.ts";
import { detectGpu, type Gpu } from "../host/detect-gpu.ts";
import type { Contract } from "../native/read-contract.ts";
import { findWorkspace, type Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { checkHandle, isHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { type Asked, chooseRuntimes } from "./_choose-runtimes.ts";
import type { SelectionArgs } from "./selection-args.ts";

/** Services with the runtime each was started on, as an earlier `up` recorded them. */
export interface RunningServices {
  services: readonly string[];
  natives: readonly string[];
  /** For which a server of the user's own stands in. */
  connected?: readonly string[] | undefined;
  capabilities: readonly string[];
}

export interface ReadSelectionOptions {
  args: SelectionArgs;
  env: Env;
  cwd?: string;
  /** Where it is known already; else found by `args` and `cwd`. */
  workspace?: Workspace | undefined;
  /** Services that run already and stay as they are. */
  running?: RunningServices | undefined;
  /** Secrets in a keychain stay there. */
  sealed?: boolean;
  /** The host's GPU, for services of the runtime `auto`; looked for when left out. */
  gpu?: () => Gpu;
  /** Handle → what is wrong with its files: these are left out. */
  broken?: ReadonlyMap<string, string>;
}

export interface Selection {
  workspace: Workspace;
  values: Values;
  services: ReadonlySet<string> | "*";
  /** Of these, what this command named itself: without what runs already and what is configured. */
  asked: ReadonlySet<string> | "*";
  natives: ReadonlySet<string>;
  capabilities: ReadonlySet<string>;
  knownCapabilities: ReadonlySet<string>;
  files: readonly ServiceFile[];
  /** Of the native services, by handle. */
  contracts: ReadonlyMap<string, Contract>;
  /** Of services that neither run natively nor in a container: the servers that stand in for them, by handle. */
  connections: ReadonlyMap<string, Connection>;
  /** Handle → why it runs on what it runs on. */
  reasons: ReadonlyMap<string, string>;
  /** Services that run, but that no layer has any more, or whose files are broken: they are no part of the plan, and go on as they are. */
  lost: readonly string[];
  /** What a person should hear, but need not act on. */
  warnings: readonly string[];
}

/** Throws `usage` for a bad name or nothing selected, `unknown` for a name nobody knows. */
export async function readSelection(options: ReadSelectionOptions): Promise<Selection> {
  const { args, env, running } = options;
  const home = findHome(env);
  const cwd = options.cwd === undefined ? {} : { cwd: options.cwd };
  const workspace = options.workspace ?? findWorkspace({ home, directory: args.workspace, ...cwd });
  const values = await readAllValues(options, workspace);
  const { capabilities, gpu } = await readHost(options, values, home);
  const knownCapabilities = new Set([...BUILT_IN_CAPABILITIES, ...capabilities]);
  for (const name of args.names) if (knownCapabilities.has(name)) capabilities.add(name);
  const { broken = new Map<string, string>() } = options;
  const list = (handles: readonly string[] | "*"): ServiceFile[] =>
    listFiles({ workspace, handles, capabilities: knownCapabilities }).filter(({ handle = "" }) => !broken.has(handle));

  const defaults = args["no-defaults"] ? [] : values.list("HARBOR_SERVICES_DEFAULT").filter((name) => !knownCapabilities.has(name));
  const asked = readAsked(args, knownCapabilities);
  if (isNothing(asked, defaults, running)) asked.embedded = embeddedDefault(args, list);
  const { isAll } = asked;
  const named = [...asked.names.filter((name) => name !== "*"), ...asked.excluded, ...asked.contained, ...asked.embedded];
  for (const name of named) checkHandle(name);

  const services = new Set([...(running?.services ?? []), ...defaults, ...named]);
  // a name that is none never gets near a path
  const files = list(isAll ? "*" : [...services].filter(isHandle));
  const { lost, warnings } = dropUnknown({ services, named, running, files, workspace, broken });
  if (!isAll && services.size === 0) throw nothingToRun(warnings);
  warnings.push(...unusedCapabilities(args.capability, files));
  const { contracts, connections, reasons } = chooseRuntimes({
    asked,
    services: isAll ? "*" : services,
    files,
    running,
    values,
    gpu,
  });
  return {
    workspace,
    values,
    services: isAll ? "*" : services,
    asked: isAll ? "*" : new Set(named),
    natives: new Set(contracts.keys()),
    capabilities,
    knownCapabilities,
    files,
    contracts,
    connections,
    reasons,
    lost,
    warnings,
  };
}

/** With the secrets of a keychain, unless they are to stay there. */
async function readAllValues({ env, sealed = false }: ReadSelectionOptions, workspace: Workspace): Promise<Values> {
  if (!sealed) await openSecrets(workspace.home);
  return readValues({ workspace, env });
}

function tellOfBroken(name: string, why: string, lost: readonly string[]): string {
  return lost.includes(name) ? `"${name}" is left as it runs, for its files are broken: ${why}` : `"${name}" is left out: ${why}`;
}

interface UnknownQuestion {
  services: Set<string>;
  named: readonly string[];
  running: RunningServices | undefined;
  files: readonly ServiceFile[];
  workspace: Workspace;
  broken: ReadonlyMap<string, string>;
}

/** Throws `unknown` for a name that was typed; a default, or what runs, that is not there or broken is left out, with a warning. */
function dropUnknown({ services, named, running, files, workspace, broken }: UnknownQuestion): { lost: string[]; warnings: string[] } {
  const unknown = [...services].filter((name) => broken.has(name) || !isKnown(name, files, workspace));
  const typed = unknown.find((name) => named.includes(name) && !broken.has(name));
  if (typed !== undefined) throwUnknown(typed, [...listHandles(workspace), ...BUILT_IN_CAPABILITIES]);
  for (const name of unknown) services.delete(name);
  const lost = unknown.filter((name) => running?.services.includes(name));
  const absent = unknown.filter((name) => !broken.has(name));
  const warnings = absent.map((name) =>
    lost.includes(name)
      ? `"${name}" runs, but its folder is gone from the workspace: it is left as it is (\`harbor down ${name}\` stops it)`
      : `"${name}" is a default service (HARBOR_SERVICES_DEFAULT), but there is no such service`,
  );
  return { lost, warnings: [...warnings, ...[...broken].map(([name, why]) => tellOfBroken(name, why, lost))] };
}

/** Throws `usage` where -x and -c are given what they do not take, or the same. */
function readAsked(args: SelectionArgs, capabilities: ReadonlySet<string>): Asked {
  const names = args.names.filter((name) => !capabilities.has(name));
  for (const name of args.exclude) checkRuntimeWord(name, capabilities, RUNTIME_WORDS.exclude);
  for (const name of args.container) checkRuntimeWord(name, capabilities, RUNTIME_WORDS.container);
  const both = args.exclude.find((name) => args.container.includes(name));
  if (both !== undefined) {
    throw new HarborError(`Cannot run "${both}" natively and in a container: both -x and -c name it`, {
      exit: "usage",
      hint: "Name it with one of them",
    });
  }
  return { names, excluded: args.exclude, contained: args.container, embedded: [], isNative: args.native, isAll: names.includes("*") };
}

/** What is up goes on, or comes back; nothing has to stand in for it. */
function isNothing({ names, excluded, contained }: Asked, defaults: readonly string[], running: RunningServices | undefined): boolean {
  return [names, excluded, contained, defaults, running?.services ?? []].every((list) => list.length === 0);
}

/** With nothing named, nothing configured and nothing up: what the base file's `x-harbor` names. */
function embeddedDefault(args: SelectionArgs, list: (handles: string[]) => ServiceFile[]): string[] {
  const base = args["no-defaults"] ? undefined : list([]).find((file) => file.kind === "base");
  const document =
    base === undefined ? null : (parseYaml(readText(base.path), base.path) as { "x-harbor"?: { default?: string[] } } | null);
  const embedded = document?.["x-harbor"]?.default ?? [];
  if (embedded.length === 0) throw nothingToRun([]);
  return embedded;
}

function nothingToRun(details: readonly string[]): HarborError {
  return new HarborError("Cannot tell what to run: no service is named, and there are no default services", {
    exit: "usage",
    details,
    hint: "Name one, as in `harbor up -x ollama webui`; `harbor ls` shows them all",
  });
}

const RUNTIME_WORDS = {
  exclude: { how: "natively", takes: "-x takes a service", all: "Natively whatever can be: -n '*'" },
  container: { how: "in a container", takes: "-c takes a service", all: "All in containers: harbor config set runtime container" },
};

/** Both options take services alone. */
function checkRuntimeWord(name: string, capabilities: ReadonlySet<string>, { how, takes, all }: typeof RUNTIME_WORDS.exclude): void {
  const option = `Cannot run "${name}" ${how}`;
  if (name === "*") throw new HarborError(`${option}: ${takes}`, { exit: "usage", hint: all });
  if (!capabilities.has(name)) return;
  throw new HarborError(`${option}: it is a capability, no service`, { exit: "usage", hint: `Select it with --capability ${name}` });
}

/** A capability of a user's own is known by its files alone; one without any is nearly always a slip. */
function unusedCapabilities(named: readonly string[], files: readonly ServiceFile[]): string[] {
  const known: readonly string[] = BUILT_IN_CAPABILITIES;
  const unused = named.filter((name) => !known.includes(name) && !files.some((file) => file.parts.includes(name)));
  return unused.map((name) => {
    const guess = nearest(name, known);
    return `No file of the services selected is for the capability "${name}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`;
  });
}

interface Host {
  /** Those selected: what the host has, and what is named. */
  capabilities: Set<string>;
  gpu: () => Gpu;
}

async function readHost({ args, env, running, gpu }: ReadSelectionOptions, values: Values, home: string): Promise<Host> {
  const detected = values.get("HARBOR_CAPABILITIES_AUTODETECT") === "false" ? [] : await detectCapabilities({ env, home });
  const present = detected.filter((capability) => capability.isPresent).map((capability) => capability.name);
  const named = [...values.list("HARBOR_CAPABILITIES_DEFAULT"), ...(running?.capabilities ?? []), ...args.capability];
  const capabilities = new Set([...present, ...named]);
  const wanted = values.get("HARBOR_ENGINE_KIND");
  return { capabilities, gpu: gpu ?? once(() => detectGpu({ env, home, wanted, devices: detected, capabilities })) };
}

function once<T>(work: () => T): () => T {
  let result: { value: T } | undefined;
  return () => {
    result ??= { value: work() };
    return result.value;
  };
}

/** A folder makes a service known; in a flat workspace any file that names it does. */
function isKnown(name: string, files: readonly ServiceFile[], workspace: Workspace): boolean {
  return files.some((file) => file.handle === name || (workspace.layout === "flat" && file.parts.includes(name)));
}
