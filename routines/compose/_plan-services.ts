/** A merged model and the native processes → one entry for each service: what it runs on, its ports and URLs. */
import { HarborError, type Place } from "../_script/error.ts";
import type { Values } from "../config/read-values.ts";
import { addressOf, type NativeSpec, offersPort } from "../native/resolve-contract.ts";
import type { ConnectedSpec } from "./_connect-services.ts";
import { readScheme } from "./_read-scheme.ts";
import { placeOf } from "./check-model.ts";
import { interpolate } from "./interpolate.ts";
import type { ComposeModel } from "./merge-compose.ts";
import { hostOf, type PublishedPort, readPorts } from "./read-ports.ts";
import type { Selection } from "./read-selection.ts";

export interface PlannedService {
  handle: string;
  /** `connected`: nothing of it runs here, a server of the user's own stands in for it. */
  runtime: "container" | "native" | "connected";
  /** Why it runs on that. */
  because: string;
  /** Services of the compose model that belong to it: its container and companions, or its proxy. */
  containers: string[];
  ports: PublishedPort[];
  urls: string[];
  /** For a person: the images, the command line, or the server's URL. */
  runs: string;
  /** Of a connected one: by which it is known to be there. */
  connection?: ConnectedSpec;
}

type Service = Record<string, unknown>;

export interface PlanServicesOptions {
  selection: Selection;
  /** Service of the model → the handle it belongs to. */
  owners: ReadonlyMap<string, string>;
  compose: ComposeModel;
  natives: readonly NativeSpec[];
  connected: readonly ConnectedSpec[];
  values: Values;
  /** Of native and connected services: the service that was left out. */
  definitions: ReadonlyMap<string, Service>;
  /** Service of the model → the files that contribute to it. */
  sources: ReadonlyMap<string, string[]>;
}

/** By handle. Throws for a service that was asked for and would run on nothing. */
export function planServices(options: PlanServicesOptions): PlannedService[] {
  const { selection, owners, natives } = options;
  const services = (options.compose.services ?? {}) as Record<string, Service>;
  const servers = new Map(options.connected.map((spec) => [spec.handle, spec]));
  const byHandle = new Map<string, string[]>([...natives, ...servers.values()].map(({ handle }) => [handle, []]));
  if (selection.services !== "*") for (const handle of selection.services) byHandle.set(handle, []);
  for (const name of Object.keys(services)) {
    const handle = owners.get(name) ?? name;
    const others = byHandle.get(handle);
    if (others === undefined) byHandle.set(handle, [name]);
    else others.push(name);
  }
  const nativeOf = new Map(natives.map((native) => [native.handle, native]));
  return [...byHandle.keys()].sort().map((handle) => {
    const containers = byHandle.get(handle) ?? [];
    const server = servers.get(handle);
    const because = selection.reasons.get(handle) ?? "a file of the selection brings it";
    if (server !== undefined) {
      return { handle, runtime: "connected", because, containers, ports: [], urls: [server.url], runs: server.url, connection: server };
    }
    const native = nativeOf.get(handle);
    if (native === undefined && containers.length === 0) refuseNothing(handle, selection);
    const read = <T>(key: string, work: (service: Service) => T): T[] =>
      containers.map((name) => atPlace(() => work(services[name] ?? {}), options.sources.get(name), ["services", name, key]));
    const ports = native === undefined ? read("ports", (service) => readPorts(service, options.values.get)).flat() : nativePorts(native);
    const scheme = readScheme(native === undefined ? services[handle] : options.definitions.get(handle), options.values.get);
    const urls = ports.filter((port) => port.protocol === "tcp").map((port) => `${scheme}://${hostOf(port.address)}:${port.published}`);
    const runs = native?.argv.join(" ") ?? read("image", (service) => imageOf(service, options.values)).join(", ");
    return { handle, runtime: native === undefined ? "container" : "native", because, containers, ports, urls, runs };
  });
}

/** In a flat workspace a name may only select cross files (`mcp-server-time`): then it runs nothing, and means to. */
function refuseNothing(handle: string, { files, workspace }: Selection): void {
  const own = files.filter((file) => file.parts.length === 1 && file.parts[0] === handle);
  const definition = own.find((file) => file.kind === "definition");
  if (definition !== undefined) {
    throw new HarborError(`Cannot run "${handle}": its definition has no services`, { at: { file: definition.path } });
  }
  if (own.some((file) => file.kind === "contract")) {
    throw new HarborError(`Cannot run "${handle}" in a container: it has no definition (compose.${handle}.yml)`, {
      hint: `Run it natively: harbor up -x ${handle}`,
    });
  }
  if (workspace.layout === "flat") return;
  throw new HarborError(`Cannot run "${handle}": its folder has neither a definition nor a contract`, {
    hint: `It needs compose.${handle}.yml, to run in a container, or ${handle}_native.yml, to run natively`,
  });
}

/** An error that does not say where gets the place of the key it was about. */
function atPlace<T>(work: () => T, files: readonly string[] | undefined, path: readonly string[]): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof HarborError) || error.at !== undefined) throw error;
    const { message, exit, hint, details } = error;
    const place: { at?: Place } = placeOf(files, path);
    throw new HarborError(message, { exit, details, cause: error, ...place, ...(hint === undefined ? {} : { hint }) });
  }
}

function imageOf(service: Service, values: Values): string {
  return service.image === undefined ? "built here" : interpolate(String(service.image), values.get);
}

function nativePorts(native: NativeSpec): PublishedPort[] {
  return offersPort(native) ? [{ address: addressOf(native), published: native.port, target: native.containerPort, protocol: "tcp" }] : [];
}
