/**
 * What the user asked for → what there is of it: the workspace, the configuration, the services and
 * capabilities selected, which run natively by which contract, and the files of all of them.
 */
import { readFileSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { parseYaml } from "../_script/yaml.ts";
import { findHome } from "../config/find-home.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { detectCapabilities } from "../host/detect-capabilities.ts";
import { type Contract, readContract } from "../native/read-contract.ts";
import { findWorkspace, type Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
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
  /** Services that run already and stay as they are. */
  running?: RunningServices | undefined;
}

export interface Selection {
  workspace: Workspace;
  values: Values;
  services: ReadonlySet<string> | "*";
  natives: ReadonlySet<string>;
  capabilities: ReadonlySet<string>;
  knownCapabilities: ReadonlySet<string>;
  files: readonly ServiceFile[];
  /** Of the native services, by handle. */
  contracts: ReadonlyMap<string, Contract>;
  /** What a person should hear, but need not act on. */
  warnings: readonly string[];
}

/** Throws `usage` for a bad name or nothing selected, `unknown` for a name nobody knows. */
export async function readSelection(options: ReadSelectionOptions): Promise<Selection> {
  const { args, env, running } = options;
  const home = findHome(env);
  const workspace = findWorkspace({ home, directory: args.workspace, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) });
  const values = readValues({ workspace, env });
  const capabilities = await selectCapabilities(args, values, env, home, running);
  const knownCapabilities = new Set([...BUILT_IN_CAPABILITIES, ...capabilities]);
  for (const name of args.names) if (knownCapabilities.has(name)) capabilities.add(name);
  const warnings: string[] = [];
  const list = (handles: readonly string[] | "*"): ServiceFile[] => listFiles({ workspace, handles, capabilities: knownCapabilities });

  const asked = { names: args.names.filter((name) => !knownCapabilities.has(name)), excluded: args.exclude };
  if (asked.names.length + asked.excluded.length === 0) embeddedDefault(asked, args, values, list);
  const isAll = asked.names.includes("*");
  const named = [...asked.names.filter((name) => name !== "*"), ...asked.excluded];
  for (const name of named) checkHandle(name);

  const defaults = args["no-defaults"] ? [] : values.list("HARBOR_SERVICES_DEFAULT").filter((name) => !knownCapabilities.has(name));
  const services = new Set([...(running?.services ?? []), ...defaults, ...named]);
  const files = list(isAll ? "*" : [...services]);
  for (const name of services) {
    if (isKnown(name, files, workspace)) continue;
    if (named.includes(name)) throwUnknown(name, [...listHandles(workspace), ...BUILT_IN_CAPABILITIES]);
    services.delete(name);
    warnings.push(`"${name}" is a default service (HARBOR_SERVICES_DEFAULT), but there is no such service`);
  }
  const natives = selectNatives({ asked, isNative: args.native, isAll, files, running });
  const contracts = new Map([...natives].map((handle) => [handle, contractOf(handle, files)]));
  return { workspace, values, services: isAll ? "*" : services, natives, capabilities, knownCapabilities, files, contracts, warnings };
}

interface Asked {
  names: string[];
  excluded: string[];
}

/** With nothing named and nothing configured: what the base file's `x-harbor` names, run natively. */
function embeddedDefault(asked: Asked, args: SelectionArgs, values: Values, list: (handles: string[]) => ServiceFile[]): void {
  if (!args["no-defaults"] && values.list("HARBOR_SERVICES_DEFAULT").length > 0) return;
  if (!args["no-defaults"]) {
    const base = list([]).find((file) => file.kind === "base");
    const text = base === undefined ? "" : readFileSync(base.path, "utf8");
    const document = parseYaml(text, base?.path ?? "") as { "x-harbor"?: { default?: string[] } } | null;
    asked.excluded = document?.["x-harbor"]?.default ?? [];
  }
  if (asked.excluded.length > 0) return;
  throw new HarborError("Cannot tell what to run: no service is named, and there are no default services", {
    exit: "usage",
    hint: "Name one, as in `harbor up -x ollama webui`; `harbor ls` shows them all",
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
  if (isNative) for (const handle of withContract) if (isAll || asked.names.includes(handle)) natives.add(handle);
  return natives;
}

function contractOf(handle: string, files: readonly ServiceFile[]): Contract {
  const file = files.findLast((candidate) => candidate.kind === "contract" && candidate.parts[0] === handle);
  if (file !== undefined) return readContract({ path: file.path, handle });
  throw new HarborError(`Cannot run "${handle}" natively: it has no contract (${handle}_native.yml)`, {
    hint: `Run it in a container: harbor up ${handle}`,
  });
}
