#!/usr/bin/env bun
/**
 * Resolved files → what is merged: a native service's definition is out, its contract stands in that
 * place, cross files stay whole, and of its capability files only what concerns the process is kept.
 * In the place of a connected service's definition stands what leads to its server.
 *
 *   bun routines/compose/exclude-natives.ts -x ollama webui
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import type { Connection } from "../config/connection.ts";
import { findGateway as findEngineBridge } from "../host/find-gateway.ts";
import type { Contract } from "../native/read-contract.ts";
import { type NativeSpec, resolveContract } from "../native/resolve-contract.ts";
import { type ConnectedService, connectService } from "./_connect-services.ts";
import { hasStandIn } from "./_join-direct.ts";
import { readEnvironment } from "./_read-service-environment.ts";
import { escapeDollars } from "./interpolate.ts";
import { type ComposeModel, type MergeFile, mergeCompose } from "./merge-compose.ts";
import { firstTarget } from "./read-ports.ts";
import { readSelection } from "./read-selection.ts";
import { type ResolvedServiceFile, resolveFiles } from "./resolve-files.ts";
import { selectionArgs } from "./selection-args.ts";
import { type Bridge, goesThroughGateway, writeProxy } from "./write-proxy.ts";

type Lookup = (name: string) => string | undefined;

export interface ExcludeNativesOptions {
  resolved: readonly ResolvedServiceFile[];
  /** Of the native services, by handle. */
  contracts: ReadonlyMap<string, Contract>;
  /** Servers that stand in for services, by handle. */
  connections: ReadonlyMap<string, Connection>;
  values: Lookup;
  /** How a container reaches this host's loopback. */
  bridge: Bridge;
  /** Where containers reach this host itself; by the system when left out. */
  findGateway?: (() => string | undefined) | undefined;
}

/** What the rest of the plan needs of one native service. */
export interface ExcludedService {
  spec: NativeSpec;
  /** The service that was left out. */
  definition: Record<string, unknown>;
  /** Services of the model that stand in for the process: the proxy and its helpers; the helpers alone where it has no port. */
  proxies: string[];
  /** What capability and cross files set for it, `${…}` as written, and which of them; noted while the files are merged. */
  environment: Record<string, { text: string; origin: string }>;
}

export interface ExcludedNatives {
  files: MergeFile[];
  natives: Map<string, ExcludedService>;
  connected: Map<string, ConnectedService>;
}

/** Reads the definitions it leaves out: for their port, and for the companions that go with them. */
export function excludeNatives(options: ExcludeNativesOptions): ExcludedNatives {
  const { resolved, contracts, connections, values, bridge } = options;
  const natives = new Map<string, ExcludedService>();
  const companions = new Set<string>();
  for (const contract of contracts.values()) {
    const definition = definitionOf(contract.handle, resolved, values);
    for (const name of Object.keys(definition)) if (name !== contract.service) companions.add(name);
    natives.set(contract.handle, excludedService(contract, definition[contract.service], options));
  }
  const connected = new Map<string, ConnectedService>();
  for (const [handle, connection] of connections) {
    const services = definitionOf(handle, resolved, values);
    for (const name of Object.keys(services)) companions.add(name);
    connected.set(handle, connectService({ handle, connection, resolved, services, values, bridge }));
  }
  const gone = new Set([...companions, ...[...contracts.values(), ...connected.values()].map(({ service }) => service)]);
  const placeOf = placesOf(connected, resolved);
  const toMerge = (file: ResolvedServiceFile): MergeFile => {
    const { path, directory, kind, parts } = file.file;
    const contract = kind === "contract" ? contracts.get(parts[0] ?? "") : undefined;
    const server = placeOf.get(file);
    if (server !== undefined) return { path, directory, document: server.document };
    if (contract !== undefined) return { path, directory, document: standIn(contract, natives, options) };
    if (contracts.size + connections.size === 0) return { path, directory };
    if (kind === "capability") {
      return { path, directory, transform: (document) => keepForProcess(document, path, { contracts, natives, values }, gone) };
    }
    return kind === "cross"
      ? { path, directory, transform: (document) => collect(document, path, { contracts, natives, values }) }
      : { path, directory };
  };
  const files = resolved.filter((file) => (file.included && file.kind !== "module") || placeOf.has(file)).map(toMerge);
  return { files, natives, connected };
}

/** Left out as a definition, or else as a contract, each of them holds the place of what leads to its server. */
function placesOf(
  connected: ReadonlyMap<string, ConnectedService>,
  resolved: readonly ResolvedServiceFile[],
): Map<ResolvedServiceFile, ConnectedService> {
  const places = new Map<ResolvedServiceFile, ConnectedService>();
  for (const [handle, server] of connected) {
    const own = resolved.filter(({ file }) => file.parts[0] === handle);
    const place = own.find(({ kind }) => kind === "definition") ?? own.find(({ kind }) => kind === "contract");
    if (place !== undefined) places.set(place, server);
  }
  return places;
}

type Services = Record<string, Record<string, unknown>>;

/** What reading a file for the natives in it takes. */
interface World {
  contracts: ReadonlyMap<string, Contract>;
  natives: Map<string, ExcludedService>;
  values: Lookup;
}

/** Read as if it were to be merged: with all its documents, extends and includes. */
function definitionOf(handle: string, resolved: readonly ResolvedServiceFile[], values: Lookup): Services {
  const definition = resolved.find(({ file }) => file.kind === "definition" && file.parts[0] === handle);
  if (definition === undefined) return {};
  const { path, directory } = definition.file;
  return servicesOf(mergeCompose({ files: [{ path, directory }], projectDirectory: directory, values }).model);
}

/** Inside the stack the process has the port its container would have. */
function excludedService(
  contract: Contract,
  definition: Record<string, unknown> | undefined,
  { values, bridge, findGateway }: ExcludeNativesOptions,
): ExcludedService {
  const containerPort = definition === undefined ? undefined : firstTarget(definition, values);
  const isOwn = usesOwnProxy(contract, bridge);
  const gateway = bridge === "socket" ? () => gatewayFor(contract, findGateway) : undefined;
  const spec = resolveContract({
    contract: isOwn ? { ...contract, bridge: "relay" } : contract,
    values,
    containerPort,
    findGateway: gateway,
  });
  return { spec, definition: definition ?? {}, proxies: [], environment: {} };
}

/**
 * The contract as a compose file, with the proxy that Harbor writes where it has none of its own, or one that leads
 * nowhere here. To a process without a port none leads, and to one that containers connect to themselves: what the file
 * says of its service is for linkNatives alone.
 */
function standIn(contract: Contract, natives: Map<string, ExcludedService>, options: ExcludeNativesOptions): ComposeModel {
  const native = natives.get(contract.handle) as ExcludedService;
  if (!hasStandIn(native.spec)) {
    native.proxies = Object.keys(servicesOf(contract.document)).filter((name) => name !== contract.service);
    return contract.document;
  }
  const document = usesOwnProxy(contract, options.bridge)
    ? contract.document
    : writeProxy({ contract, spec: native.spec, bridge: options.bridge });
  native.proxies = Object.keys(servicesOf(document));
  return document;
}

/** Throws where the engine has no bridge: nothing could connect. */
function gatewayFor({ handle, path }: Contract, findGateway = findEngineBridge): string {
  const address = findGateway();
  if (address !== undefined) return address;
  throw new HarborError(`Cannot join "${handle}" to containers directly: this host has no docker0 network`, {
    exit: "missing",
    at: { file: path },
    hint: 'Start the engine first, or leave out "bridge: direct"',
  });
}

/** A contract's own proxy goes before anything of ours, but for one that leads nowhere here. */
function usesOwnProxy(contract: Contract, bridge: Bridge): boolean {
  return contract.hasProxy && !(bridge === "socket" && goesThroughGateway(contract));
}

/** A capability file, less what it says of services that are not in containers, and of companions that went with their definitions. */
function keepForProcess(document: ComposeModel, path: string, world: World, gone: ReadonlySet<string>): ComposeModel {
  collect(document, path, world);
  const services = Object.entries(servicesOf(document)).filter(([name]) => !gone.has(name));
  return { ...document, services: Object.fromEntries(services) };
}

/** Notes the environment that a file sets for native services; the file itself stays as it is. */
function collect(document: ComposeModel, path: string, { contracts, natives, values }: World): ComposeModel {
  const services = servicesOf(document);
  for (const contract of contracts.values()) {
    const { environment } = natives.get(contract.handle) as ExcludedService;
    for (const [name, text] of readEnvironment(services[contract.service]?.environment)) {
      const value = text === undefined ? values(name) : undefined;
      // a name without a value takes the configuration's, whose `$` means nothing
      if (value !== undefined) environment[name] = { text: escapeDollars(value), origin: path };
      else if (text !== undefined) environment[name] = { text, origin: path };
    }
  }
  return document;
}

function servicesOf(document: ComposeModel | null): Services {
  return (document?.services ?? {}) as Services;
}

export const command = defineCommand({
  meta: {
    name: "exclude-natives",
    description: "Show which files are merged, and what stands in for each native service",
    examples: ["harbor routine exclude-natives -x ollama webui"],
  },
  args: { ...selectionArgs, ...jsonArg },
  async run({ args }) {
    const selection = await readSelection({ args, env: process.env });
    const { files, natives } = excludeNatives({
      resolved: resolveFiles(selection),
      ...selection,
      values: selection.values.get,
      bridge: "socket",
    });
    const result = { files: files.map((file) => file.path), natives: [...natives.values()] };
    emit(result, { json: args.json, render: (it) => it.files.join("\n") });
  },
});

if (import.meta.main) await runScript(command);
