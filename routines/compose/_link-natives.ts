/**
 * Who waits for whom, natives and containers together: what a contract says in `depends_on`, and what the merged model
 * says of the service that stands in for it, since a cross file's `depends_on` holds whatever the service runs on.
 */
import type { Place } from "../_script/error.ts";
import type { Contract } from "../native/read-contract.ts";
import type { Dependencies, DependencyCondition } from "../native/resolve-contract.ts";
import type { ConnectedService } from "./_connect-services.ts";
import { hasStandIn } from "./_join-direct.ts";
import { checkModel, placeOf } from "./check-model.ts";
import type { ExcludedService } from "./exclude-natives.ts";
import { interpolate } from "./interpolate.ts";

type Service = Record<string, unknown>;
type Services = Record<string, Service>;

export interface LinkNativesOptions {
  /** Of the merged model. What is only about a native that nothing stands in for is taken out: compose can wait for no such thing. */
  services: Services;
  natives: ReadonlyMap<string, ExcludedService>;
  contracts: ReadonlyMap<string, Contract>;
  /** What stands in for servers of the user's own: a native waits for none of them, for nothing of them is started. */
  connected: readonly Pick<ConnectedService, "service" | "proxies">[];
  values: (name: string) => string | undefined;
  /** Service name → the files that contribute to it. */
  sources: ReadonlyMap<string, string[]>;
  /** Every handle there is; asked for a message alone. */
  handles: () => readonly string[];
}

/** Natives by handle, all else by service of the model. */
export interface Links {
  /** Handle of a native → what it waits for. */
  natives: Map<string, Dependencies>;
  /** Service of the model that waits for any, but for those that stand in for natives → what it waits for. */
  containers: Record<string, Dependencies>;
}

/** Throws for a service that nothing defines, a dependency that is not there, a circle. */
export function linkNatives(options: LinkNativesOptions): Links {
  const { services, natives, contracts, values } = options;
  const handleOf = new Map([...contracts.values()].map(({ service, handle }) => [service, handle]));
  const graph = withNatives(options);
  checkModel({
    ...options,
    services: graph,
    placeOfDependency: (service, name) => placeInContract(contracts, handleOf.get(service), name),
  });
  const waitsFor = (name: string, without: readonly string[]): Dependencies =>
    Object.fromEntries(
      conditionsOf(graph[name] ?? {}, values)
        .filter(([other]) => graph[other] !== undefined && !without.includes(other))
        .map(([other, condition]) => [handleOf.get(other) ?? other, condition]),
    );
  const standIns = new Set([...natives.values(), ...options.connected].flatMap(({ proxies }) => proxies));
  const servers = options.connected.map(({ service }) => service);
  const containers = Object.keys(services).filter((name) => !standIns.has(name) && !handleOf.has(name));
  const links: Links = {
    natives: new Map(
      [...contracts.values()].map(({ handle, service }) => [
        handle,
        waitsFor(service, [...(natives.get(handle)?.proxies ?? []), ...servers]),
      ]),
    ),
    containers: Object.fromEntries(
      containers.map((name) => [name, waitsFor(name, [])] as const).filter(([, others]) => Object.keys(others).length > 0),
    ),
  };
  for (const contract of contracts.values()) {
    const native = natives.get(contract.handle);
    if (native !== undefined && !hasStandIn(native.spec)) takeOut(services, contract.service);
  }
  return links;
}

/** The model with a service for each native, which depends on what its contract names as well. */
function withNatives({ services, contracts, values }: LinkNativesOptions): Services {
  const graph = { ...services };
  const serviceOf = (name: string): string => contracts.get(name)?.service ?? name;
  for (const { service, dependsOn } of contracts.values()) {
    const own = Object.entries(dependsOn).map(([name, condition]) => [serviceOf(name), { condition }]);
    const merged = conditionsOf(services[service] ?? {}, values).map(([name, condition]) => [name, { condition }]);
    // without a port there is no proxy, and nothing else that could be missing
    graph[service] = { image: "", ...services[service], depends_on: { ...Object.fromEntries(merged), ...Object.fromEntries(own) } };
  }
  return graph;
}

const CONDITIONS: readonly DependencyCondition[] = ["service_started", "service_healthy", "service_completed_successfully"];

/** Both spellings of `depends_on`; an optional dependency counts where it is there, as in compose. */
function conditionsOf({ depends_on: list }: Service, values: LinkNativesOptions["values"]): [string, DependencyCondition][] {
  if (Array.isArray(list)) return list.map((name) => [String(name), "service_started"]);
  return Object.entries((list ?? {}) as Record<string, { condition?: unknown } | null>).map(([name, entry]) => {
    const condition = interpolate(String(entry?.condition ?? ""), values);
    return [name, CONDITIONS.find((known) => known === condition) ?? "service_started"];
  });
}

/** Of a dependency that the contract itself names; a list of names has no place of its own for each. */
function placeInContract(contracts: ReadonlyMap<string, Contract>, handle: string | undefined, name: string): { at?: Place } | undefined {
  const contract = handle === undefined ? undefined : contracts.get(handle);
  if (contract === undefined) return undefined;
  const isOwn = Object.keys(contract.dependsOn).some((own) => (contracts.get(own)?.service ?? own) === name);
  return isOwn ? placeOf([contract.path], [...contract.blockPath.map(String), "depends_on"]) : undefined;
}

function takeOut(services: Services, name: string): void {
  delete services[name];
  for (const service of Object.values(services)) {
    const { depends_on: list } = service;
    if (Array.isArray(list)) service.depends_on = list.filter((other) => String(other) !== name);
    else if (list !== undefined && list !== null)
      service.depends_on = Object.fromEntries(Object.entries(list).filter(([key]) => key !== name));
    if (service.depends_on !== undefined && Object.keys(service.depends_on as object).length === 0) delete service.depends_on;
  }
}
