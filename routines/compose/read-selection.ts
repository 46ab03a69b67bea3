/**
 * What the user asked for → what there is of it: the workspace, the configuration, the services and
 * capabilities selected, which run natively by which contract, and the files of all of them.
 */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { readText } from "../_script/read-text.ts";
import { parseYaml } from "../_script/yaml.ts";
import { findHome } from "../config/find-home.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { detectCapabilities } from "../host/detect-capabilities.ts";
import { type Contract, readContract } from "../native/read-contract.ts";
import { findWorkspace, type Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { checkHandle, isHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import type { SelectionArgs } from "./selection-args.ts";

/** Services with the runtime each was started on, as an earlier `up` recorded them. */
export interface RunningServices {
  services: readonly string[];
  natives: readonly string[];
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
  /** Services that run, but that no layer has any more: they are no part of the plan, and go on as they are. */
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
  const values = readValues({ workspace, env });
  const capabilities = await selectCapabilities(args, values, env, home, running);
  const knownCapabilities = new Set([...BUILT_IN_CAPABILITIES, ...capabilities]);
  for (const name of args.names) if (knownCapabilities.has(name)) capabilities.add(name);
  const list = (handles: readonly string[] | "*"): ServiceFile[] => listFiles({ workspace, handles, capabilities: knownCapabilities });

  const defaults = args["no-defaults"] ? [] : values.list("HARBOR_SERVICES_DEFAULT").filter((name) => !knownCapabilities.has(name));
  const asked = { names: args.names.filter((name) => !knownCapabilities.has(name)), excluded: args.exclude };
  if (asked.names.length + asked.excluded.length + defaults.length === 0) embeddedDefault(asked, args, list);
  const isAll = asked.names.includes("*");
  const named = [...asked.names.filter((name) => name !== "*"), ...asked.excluded];
  for (const name of asked.excluded) checkExcluded(name, knownCapabilities);
  for (const name of named) checkHandle(name);

  const services = new Set([...(running?.services ?? []), ...defaults, ...named]);
  // a name that is none never gets near a path
  const files = list(isAll ? "*" : [...services].filter(isHandle));
  const { lost, warnings } = dropUnknown({ services, named, running, files, workspace });
  if (!isAll && services.size === 0) throw nothingToRun(warnings);
  warnings.push(...unusedCapabilities(args.capability, files));
  const natives = selectNatives({ asked, isNative: args.native, isAll, files, running });
  const contracts = new Map([...natives].map((handle) => [handle, contractOf(handle, files)]));
  return {
    workspace,
    values,
    services: isAll ? "*" : services,
    asked: isAll ? "*" : new Set(named),
    natives,
    capabilities,
    knownCapabilities,
    files,
    contracts,
    lost,
    warnings,
  };
}

interface UnknownQuestion {
  services: Set<string>;
  named: readonly string[];
  running: RunningServices | undefined;
  files: readonly ServiceFile[];
  workspace: Workspace;
}

/** Throws `unknown` for a name that was typed; a default, or what runs, that is not there is left out, with a warning. */
function dropUnknown({ services, named, running, files, workspace }: UnknownQuestion): { lost: string[]; warnings: string[] } {
  const unknown = [...services].filter((name) => !isKnown(name, files, workspace));
  const typed = unknown.find((name) => named.includes(name));
  if (typed !== undefined) throwUnknown(typed, [...listHandles(workspace), ...BUILT_IN_CAPABILITIES]);
  for (const name of unknown) services.delete(name);
  const lost = unknown.filter((name) => running?.services.includes(name));
  const warnings = unknown.map((name) =>
    lost.includes(name)
      ? `"${name}" runs, but its folder is gone from the workspace: it is left as it is (\`harbor down ${name}\` stops it)`
      : `"${name}" is a default service (HARBOR_SERVICES_DEFAULT), but there is no such service`,
  );
  return { lost, warnings };
}

interface Asked {
  names: string[];
  excluded: string[];
}

/** With nothing named and nothing configured: what the base file's `x-harbor` names, run natively. */
function embeddedDefault(asked: Asked, args: SelectionArgs, list: (handles: string[]) => ServiceFile[]): void {
  if (!args["no-defaults"]) {
    const base = list([]).find((file) => file.kind === "base");
    const text = base === undefined ? "" : readText(base.path);
    const document = parseYaml(text, base?.path ?? "") as { "x-harbor"?: { default?: string[] } } | null;
    asked.excluded = document?.["x-harbor"]?.default ?? [];
  }
  if (asked.excluded.length === 0) throw nothingToRun([]);
}

function nothingToRun(details: readonly string[]): HarborError {
  return new HarborError("Cannot tell what to run: no service is named, and there are no default services", {
    exit: "usage",
    details,
    hint: "Name one, as in `harbor up -x ollama webui`; `harbor ls` shows them all",
  });
}

/** `-x` takes services alone. */
function checkExcluded(name: string, capabilities: ReadonlySet<string>): void {
  const option = `Cannot run "${name}" natively`;
  if (name === "*") throw new HarborError(`${option}: -x takes a service`, { exit: "usage", hint: "Natively whatever can be: -n '*'" });
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

async function selectCapabilities(
  args: SelectionArgs,
  values: Values,
  env: Env,
  home: string,
  running: RunningServices | undefined,
): Promise<Set<string>> {
  const isDetecting = values.get("HARBOR_CAPABILITIES_AUTODETECT") !== "false";
  const detected = isDetecting ? await detectCapabilities({ env, home }) : [];
  const present = detected.filter((capability) => capability.isPresent).map((capability) => capability.name);
  return new Set([...present, ...values.list("HARBOR_CAPABILITIES_DEFAULT"), ...(running?.capabilities ?? []), ...args.capability]);
}

/** A folder makes a service known; in a flat workspace any file that names it does. */
function isKnown(name: string, files: readonly ServiceFile[], workspace: Workspace): boolean {
  return files.some((file) => file.handle === name || (workspace.layout === "flat" && file.parts.includes(name)));
}

interface NativeQuestion {
  asked: Asked;
  isNative: boolean;
  isAll: boolean;
  files: readonly ServiceFile[];
  running: RunningServices | undefined;
}

function selectNatives({ asked, isNative, isAll, files, running }: NativeQuestion): Set<string> {
  const withContract = new Set(files.filter((file) => file.kind === "contract").map((file) => file.parts[0] as string));
  const natives = new Set([...(running?.natives ?? []).filter((handle) => withContract.has(handle)), ...asked.excluded]);
  // what runs already, and is only part of it for that, stays on what it runs on
  const isJoining = (handle: string): boolean => isAll || asked.names.includes(handle) || !running?.services.includes(handle);
  if (isNative) for (const handle of withContract) if (isJoining(handle)) natives.add(handle);
  return natives;
}

function contractOf(handle: string, files: readonly ServiceFile[]): Contract {
  const file = files.findLast((candidate) => candidate.kind === "contract" && candidate.parts[0] === handle);
  if (file !== undefined) return readContract({ path: file.path, handle });
  throw new HarborError(`Cannot run "${handle}" natively: it has no contract (${handle}_native.yml)`, {
    hint: `Run it in a container: harbor up ${handle}`,
  });
}
