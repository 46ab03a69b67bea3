/** Where a process of this host finds what the stack's network knows by name: `ollama:11434` is `127.0.0.1:33821` here. */
import { authorityOf } from "../config/connection.ts";
import type { Contract } from "../native/read-contract.ts";
import { addressOf, type NativeSpec, offersPort } from "../native/resolve-contract.ts";
import type { ConnectedSpec } from "./_connect-services.ts";
import { hostOf, readPorts } from "./read-ports.ts";

export interface HostAddressesOptions {
  /** Of the merged model; what stands in for natives publishes nothing. */
  services: Record<string, Record<string, unknown>>;
  natives: readonly NativeSpec[];
  /** Processes of this host reach these themselves, without a bridge. */
  connected: readonly ConnectedSpec[];
  contracts: ReadonlyMap<string, Contract>;
  values: (name: string) => string | undefined;
}

/**
 * The names of a native service in the stack's network. The second is plainly a local one: programs that fear a name made
 * to point at them (Ollama) answer to no other while they listen on loopback.
 */
export function stackNames(service: string): string[] {
  return [service, `${service}.internal`];
}

/** What comes instead of a name and a port, in a URL: scheme and path where they are others. */
export interface HostAddress {
  scheme?: string;
  authority: string;
  path?: string;
}

/** Name and port in the stack's network → where that is for this host, of all that can be reached from it. */
export function readHostAddresses(options: HostAddressesOptions): Map<string, HostAddress> {
  // without a process nobody asks
  return options.natives.length === 0
    ? new Map()
    : new Map([...publishedAddresses(options), ...nativeAddresses(options), ...serverAddresses(options)]);
}

type Entry = readonly [place: string, address: HostAddress];

function publishedAddresses({ services, values }: HostAddressesOptions): Entry[] {
  return Object.entries(services).flatMap(([name, service]) =>
    readPorts(service, values)
      .filter(({ protocol }) => protocol === "tcp")
      .map(({ address, published, target }): Entry => [`${name}:${target}`, { authority: `${hostOf(address)}:${published}` }]),
  );
}

function nativeAddresses({ natives, contracts }: HostAddressesOptions): Entry[] {
  return natives.filter(offersPort).flatMap((spec) => {
    const names = [spec.handle, ...stackNames(contracts.get(spec.handle)?.service ?? spec.handle)];
    return names.map((name): Entry => [`${name}:${spec.containerPort}`, { authority: `${addressOf(spec)}:${spec.port}` }]);
  });
}

/** Without the bridge: what that adds, a process has to bring itself. */
function serverAddresses({ connected }: HostAddressesOptions): Entry[] {
  return connected.flatMap(({ handle, address, containerPort }) => {
    const { scheme, path } = address;
    const isWeb = scheme === "http" || scheme === "https";
    const found: HostAddress = { authority: authorityOf(address), path, ...(isWeb ? { scheme } : {}) };
    return stackNames(handle).map((name): Entry => [`${name}:${containerPort}`, found]);
  });
}

/** A text with the URLs in it as this host can use them; all else in it stays. */
export function toHostAddresses(text: string, addresses: ReadonlyMap<string, HostAddress>): string {
  if (!text.includes("://")) return text;
  return text.replace(
    /([A-Za-z][A-Za-z0-9+.-]*)?:\/\/([^\s/@]*@)?([\w.-]+:\d+)(?!\d)/g,
    (whole, scheme: string | undefined, user: string | undefined, authority: string) => {
      const address = addresses.get(authority);
      return address === undefined ? whole : `${address.scheme ?? scheme ?? ""}://${user ?? ""}${address.authority}${address.path ?? ""}`;
    },
  );
}
