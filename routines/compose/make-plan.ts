#!/usr/bin/env bun
/**
 * Everything together: a selection → one plan, typed and serialisable. Nothing is started, no engine
 * is asked, nothing outside `state/` changes.
 *
 *   bun routines/compose/make-plan.ts -x ollama webui --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import type { Env, Values } from "../config/read-values.ts";
import { readAllVariables, type ServiceVariables } from "../config/service-variables.ts";
import { detectEngineKind } from "../engine/detect-engine-kind.ts";
import type { Dependencies, NativeSpec } from "../native/resolve-contract.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import type { ConnectedSpec } from "./_connect-services.ts";
import { readHostAddresses } from "./_host-addresses.ts";
import { joinDirect, tellOfDirect } from "./_join-direct.ts";
import { type Broken, leaveOutBroken } from "./_leave-out-broken.ts";
import { type Links, linkNatives } from "./_link-natives.ts";
import { injectOverrides, type Override, readOverrides, withOverrides } from "./_overrides.ts";
import { giveOwnVariables } from "./_own-variables.ts";
import { addVolumes } from "./_own-volumes.ts";
import { type PlannedNative, planNatives, reachFromHost } from "./_plan-natives.ts";
import { type PlannedService, planServices } from "./_plan-services.ts";
import { readEnvironment } from "./_read-service-environment.ts";
import { applyModules } from "./apply-modules.ts";
import { checkPortClaims, type PortClaim } from "./check-model.ts";
import { type ExcludedNatives, excludeNatives } from "./exclude-natives.ts";
import { type ComposeModel, type MergedCompose, mergeCompose } from "./merge-compose.ts";
import { projectName } from "./project-name.ts";
import { type RunningServices, readSelection, type Selection } from "./read-selection.ts";
import { findSlips, printable, type ResolvedFile, type ResolvedServiceFile, resolveFiles } from "./resolve-files.ts";
import { type SelectionArgs, selectionArgs } from "./selection-args.ts";
import type { Bridge } from "./write-proxy.ts";

export type { ConnectedSpec } from "./_connect-services.ts";
export type { EnvironmentEntry, PlannedNative } from "./_plan-natives.ts";
export type { PlannedService } from "./_plan-services.ts";

export interface Plan {
  project: string;
  workspace: Workspace;
  capabilities: string[];
  services: PlannedService[];
  files: ResolvedFile[];
  natives: NativeSpec[];
  /** Servers that are not Harbor's and stand in for services. */
  connected: ConnectedSpec[];
  /**
   * Service of the merged model that waits for others, but for proxies → what it waits for: natives by handle, those
   * without a port among them, of which compose itself does not know.
   */
  dependencies: Record<string, Dependencies>;
  /** The merged model, `${…}` as written; no services when everything runs natively. */
  compose: ComposeModel;
}

/** A plan with what it was made from: for verbs, never printed. */
export interface MadePlan {
  plan: Plan;
  values: Values;
  selection: Selection;
  merged: MergedCompose;
  /** The plan's natives, with where each of their variables comes from. */
  natives: PlannedNative[];
  /** Services of the merged model that stand in for natives and connected ones; in the plan's own model only where a container needs them. */
  standIns: string[];
  /** What the user gives a service alone, by handle. */
  ownVariables: ReadonlyMap<string, ServiceVariables>;
}

export interface MakePlanOptions {
  args: SelectionArgs;
  env: Env;
  cwd?: string;
  workspace?: Workspace | undefined;
  running?: RunningServices | undefined;
  /** For what only shows: secrets in a keychain stay there, and are `********` in the plan. */
  sealed?: boolean;
  /** How a container reaches this host; by the platform when left out. */
  bridge?: Bridge;
  /** Where containers reach this host itself; by the system when left out. */
  findGateway?: () => string | undefined;
}

/** Throws `usage`, `unknown` or `failed`, each with the place and the next step. */
export async function makePlan(options: MakePlanOptions): Promise<MadePlan> {
  const { names, exclude, container } = options.args;
  return leaveOutBroken([...names, ...exclude, ...container], (broken) => planWithout(broken, options));
}

async function planWithout(broken: Broken, options: MakePlanOptions): Promise<MadePlan> {
  const selection = await readSelection({ ...options, broken });
  const resolved = resolveFiles(selection);
  const { contracts, connections } = selection;
  const overrides = readOverrides(contracts, selection.values);
  const values = withOverrides(selection.values, overrides);
  const bridge = options.bridge ?? bridgeOf(options, selection);
  const excluded = excludeNatives({ resolved, contracts, connections, values: values.get, bridge, findGateway: options.findGateway });
  const projectDirectory = projectDirectoryOf(selection.workspace);
  const merged = mergeCompose({ files: excluded.files, projectDirectory, values: values.get });
  await applyModules({ resolved, merged, selection, values });

  const project = projectName(values, selection.workspace.home);
  const owners = ownersOf(merged, resolved);
  const connected = [...excluded.connected.values()].map(({ spec }) => spec);
  const standIns = [...excluded.natives.values(), ...excluded.connected.values()].flatMap(({ proxies }) => proxies);
  const links = linkNatives({
    services: servicesOf(merged),
    natives: excluded.natives,
    contracts,
    connected: [...excluded.connected.values()],
    values: values.get,
    sources: merged.sources,
    handles: () => listHandles(selection.workspace),
  });
  const compose = finishModel({ merged, excluded, standIns, owners, project, links, overrides });
  const own = readAllVariables(selection.workspace.home, new Set([...contracts.keys(), ...owners.values()]));
  const planned = planNatives({ natives: excluded.natives, contracts, overrides, links, values, own });
  const specs = planned.map(({ spec }) => spec);
  joinDirect({ compose, natives: specs, contracts });
  const definitions = new Map([...excluded.natives, ...excluded.connected].map(([handle, { definition }]) => [handle, definition]));
  const services = planServices({ selection, owners, compose, natives: specs, connected, definitions, values, sources: merged.sources });
  checkPortClaims(claimsOf(services, selection, merged));
  const addresses = readHostAddresses({ services: compose.services as Services, natives: specs, connected, contracts, values: values.get });
  const natives = planned.map((native) => reachFromHost(native, addresses));
  const user = layUsersOwnOn({ compose, merged, owners, standIns, own, values, home: selection.workspace.home, env: options.env });
  const plan: Plan = {
    project,
    workspace: selection.workspace,
    capabilities: [...selection.capabilities],
    services,
    files: resolved.map(printable),
    natives: natives.map(({ spec }) => spec),
    connected,
    dependencies: links.containers,
    compose,
  };
  const found = [...selection.warnings, ...findSlips(resolved, selection), ...tellOfDirect({ natives: specs, contracts })];
  const warnings = [...found, ...tellOfUnbridged(natives, connected), ...user.warnings];
  return { plan, values: user.values, selection: { ...selection, warnings }, merged, natives, standIns, ownVariables: own };
}

/** Of processes that talk to a server themselves: what the bridge adds, they have to bring. */
function tellOfUnbridged(natives: readonly PlannedNative[], connected: readonly ConnectedSpec[]): string[] {
  return connected.flatMap(({ handle, url, isInsecure, ca, hasToken }) => {
    const missing = [...(isInsecure || ca !== undefined ? ["trust its certificate"] : []), ...(hasToken ? ["have its token"] : [])];
    const users = natives.filter(({ environment }) => environment.some(({ value }) => value.includes(url))).map(({ spec }) => spec.handle);
    if (missing.length === 0 || users.length === 0) return [];
    return [
      `${users.join(", ")}, native, ${users.length === 1 ? "talks" : "talk"} to ${handle} without the bridge: it has to ${missing.join(" and ")} itself`,
    ];
  });
}

interface UsersOwn {
  compose: ComposeModel;
  merged: MergedCompose;
  owners: ReadonlyMap<string, string>;
  standIns: readonly string[];
  own: ReadonlyMap<string, ServiceVariables>;
  values: Values;
  home: string;
  env: Env;
}

/** Mounts and variables that the user adds have the last word; changes the model. */
function layUsersOwnOn({ compose, merged, owners, own, values, home, env, ...given }: UsersOwn): { values: Values; warnings: string[] } {
  const services = compose.services as Services;
  const standIns = new Set(given.standIns);
  const warnings = addVolumes({ model: compose, standIns, values, home, env });
  return { values: giveOwnVariables({ services, owners, standIns, own, values, variables: merged.variables }), warnings };
}

/** Only an engine on this very kernel shares the host's network and mounts its sockets. */
function bridgeOf({ env }: MakePlanOptions, { workspace, values }: Selection): Bridge {
  const kind = detectEngineKind({ env, home: workspace.home, wanted: values.get("HARBOR_ENGINE_KIND") });
  return kind === "linux" ? "socket" : "host-gateway";
}

/** A flat workspace's paths mean its root; the layers' files carry whole paths, so any folder serves. */
export function projectDirectoryOf(workspace: Workspace): string {
  const flat = workspace.layers.find((layer) => layer.kind === "flat");
  return flat?.root ?? workspace.home;
}

type Services = Record<string, Record<string, unknown>>;

function servicesOf({ model }: MergedCompose): Services {
  return (model.services ?? {}) as Services;
}

/** Service of the model → the handle it belongs to: that of the first file which brings it. */
function ownersOf(merged: MergedCompose, resolved: readonly ResolvedServiceFile[]): Map<string, string> {
  const handles = new Map(resolved.map(({ path, file }) => [path, file.handle ?? file.parts[0]]));
  const owners = new Map<string, string>();
  for (const name of Object.keys(servicesOf(merged))) {
    const handle = merged.sources
      .get(name)
      ?.map((path) => handles.get(path))
      .find((it) => it !== undefined);
    owners.set(name, handle ?? name);
  }
  return owners;
}

interface FinishOptions {
  merged: MergedCompose;
  excluded: ExcludedNatives;
  /** Services that stand in for what is in no container. */
  standIns: readonly string[];
  owners: ReadonlyMap<string, string>;
  project: string;
  links: Links;
  overrides: ReadonlyMap<string, readonly Override[]>;
}

/** Adds the project's name, labels, and what natives inject into their dependants. */
function finishModel({ merged, excluded, standIns, owners, project, links, overrides }: FinishOptions): ComposeModel {
  const services = servicesOf(merged);
  const proxies = new Set(standIns);
  const toServers = new Set([...excluded.connected.values()].flatMap((server) => server.proxies));
  const rest = Object.fromEntries(Object.entries(merged.model).filter(([key]) => !OWN_KEYS.includes(key)));
  // with nothing in containers nobody needs a proxy, and no engine is needed at all
  if (Object.keys(services).every((name) => proxies.has(name))) return { name: project, services: {} };
  injectOverrides(services, links.containers, overrides, merged.variables);
  for (const [name, service] of Object.entries(services)) {
    noteBareNames(service.environment, merged);
    service.labels = withLabels(service.labels, {
      "harbor.handle": owners.get(name) ?? name,
      "harbor.runtime": toServers.has(name) ? "connected" : proxies.has(name) ? "native" : "container",
    });
  }
  return { name: project, services, ...rest };
}

/** What this program says itself, or compose has no use for. */
const OWN_KEYS = ["name", "services", "x-harbor", "version"];

/** `environment: [NAME]` is a variable of the files like any other: compose needs its value. */
function noteBareNames(environment: unknown, { variables }: MergedCompose): void {
  for (const [name, text] of readEnvironment(environment)) {
    if (text === undefined && !variables.has(name)) variables.set(name, { files: [], required: false });
  }
}

function withLabels(labels: unknown, more: Record<string, string>): unknown {
  if (Array.isArray(labels)) return [...labels, ...Object.entries(more).map(([name, value]) => `${name}=${value}`)];
  return { ...(labels as object | undefined), ...more };
}

function claimsOf(services: readonly PlannedService[], selection: Selection, merged: MergedCompose): PortClaim[] {
  return services.flatMap(({ handle, containers, ports }) => {
    const path = selection.contracts.get(handle)?.path ?? merged.sources.get(containers[0] ?? "")?.[0];
    return ports.map((port) => ({ ...port, handle, path }));
  });
}

export const command = defineCommand({
  meta: {
    name: "make-plan",
    description: "Make the whole plan of a selection",
    examples: ["harbor routine make-plan -x ollama webui --json"],
  },
  args: { ...selectionArgs, ...jsonArg },
  async run({ args }) {
    const { plan } = await makePlan({ args, env: process.env });
    emit(plan, { json: true, render: String });
  },
});

if (import.meta.main) await runScript(command);
