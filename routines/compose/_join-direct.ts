/**
 * Services that containers connect to themselves, without a proxy: each container gets their names with the address where
 * they listen. Faster, and open to more than this stack: docs/adr/0009-one-relay.md.
 */
import type { Contract } from "../native/read-contract.ts";
import { type NativeSpec, type OfferingSpec, offersPort } from "../native/resolve-contract.ts";
import { stackNames } from "./_host-addresses.ts";
import type { ComposeModel } from "./merge-compose.ts";

type Services = Record<string, Record<string, unknown>>;

/** Whether a container stands in for it in the stack's network. */
export function hasStandIn(spec: NativeSpec): spec is OfferingSpec {
  return offersPort(spec) && spec.bridge === "relay";
}

function isDirect(spec: NativeSpec): spec is OfferingSpec {
  return offersPort(spec) && spec.bridge === "direct";
}

export interface JoinDirectOptions {
  /** Of the finished model; changed in place. */
  compose: ComposeModel;
  natives: readonly NativeSpec[];
  contracts: ReadonlyMap<string, Contract>;
}

/** A name that a container has an address for already stays as it is. */
export function joinDirect({ compose, natives, contracts }: JoinDirectOptions): void {
  const hosts = natives
    .filter(isDirect)
    .flatMap(({ handle, address }) =>
      stackNames(contracts.get(handle)?.service ?? handle).map((name) => [name, address ?? "host-gateway"] as const),
    );
  if (hosts.length === 0) return;
  for (const service of Object.values((compose.services ?? {}) as Services)) {
    if (hasOwnNetwork(service)) service.extra_hosts = withHosts(service.extra_hosts, hosts);
  }
}

/** In another container's network the engine takes no names. */
function hasOwnNetwork({ network_mode: mode }: Record<string, unknown>): boolean {
  return typeof mode !== "string" || !/^(?:none$|service:|container:)/.test(mode);
}

/** Either spelling stays as it is. */
function withHosts(known: unknown, hosts: readonly (readonly [string, string])[]): unknown {
  if (!Array.isArray(known)) return { ...Object.fromEntries(hosts), ...(known as object | undefined) };
  const names = known.map((entry) => String(entry).split(/[:=]/, 1)[0]);
  return [...known, ...hosts.filter(([name]) => !names.includes(name)).map(([name, address]) => `${name}:${address}`)];
}

/** What is opened, for whoever starts it; and where a contract asks for it in vain. */
export function tellOfDirect({ natives, contracts }: Omit<JoinDirectOptions, "compose">): string[] {
  return natives.flatMap((spec) => {
    const { handle, address } = spec;
    if (contracts.get(handle)?.bridge === "direct" && !isDirect(spec))
      return [`${handle} has a proxy of its own: "bridge: direct" says nothing`];
    if (!isDirect(spec) || address === undefined) return [];
    const place = `${address}:${spec.port}`;
    return [
      `${handle} listens on ${place} (bridge: direct): containers of every network of this host reach it, and so does a host of the LAN that routes to that address`,
    ];
  });
}
