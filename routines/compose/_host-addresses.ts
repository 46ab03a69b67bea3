/** Where a process of this host finds what the stack's network knows by name: `ollama:11434` is `127.0.0.1:33821` here. */
import type { Contract } from "../native/read-contract.ts";
import { addressOf, type NativeSpec, offersPort } from "../native/resolve-contract.ts";
import { hostOf, readPorts } from "./read-ports.ts";

export interface HostAddressesOptions {
  /** Of the merged model; what stands in for natives publishes nothing. */
  services: Record<string, Record<string, unknown>>;
  natives: readonly NativeSpec[];
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

/** Name and port in the stack's network → address and port on this host, of all that can be reached from it. */
export function readHostAddresses({ services, natives, contracts, values }: HostAddressesOptions): Map<string, string> {
  const addresses = new Map<string, string>();
  if (natives.length === 0) return addresses; // nobody asks
  for (const [name, service] of Object.entries(services)) {
    for (const { address, published, target, protocol } of readPorts(service, values)) {
      if (protocol === "tcp") addresses.set(`${name}:${target}`, `${hostOf(address)}:${published}`);
    }
  }
  for (const spec of natives) {
    if (!offersPort(spec)) continue;
    for (const name of [spec.handle, ...stackNames(contracts.get(spec.handle)?.service ?? spec.handle)]) {
      addresses.set(`${name}:${spec.containerPort}`, `${addressOf(spec)}:${spec.port}`);
    }
  }
  return addresses;
}

/** A text with the URLs in it as this host can use them; all else in it stays. */
export function toHostAddresses(text: string, addresses: ReadonlyMap<string, string>): string {
  if (!text.includes("://")) return text;
  return text.replace(/(:\/\/(?:[^\s/@]*@)?)([\w.-]+:\d+)(?!\d)/g, (whole, before: string, authority: string) => {
    const address = addresses.get(authority);
    return address === undefined ? whole : `${before}${address}`;
  });
}
