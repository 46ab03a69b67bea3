/** Natives without their definitions → what to start: each with all its variables, and where each of these comes from. */
import type { Values } from "../config/read-values.ts";
import type { ServiceVariables } from "../config/service-variables.ts";
import type { Contract } from "../native/read-contract.ts";
import type { NativeSpec } from "../native/resolve-contract.ts";
import { type HostAddress, toHostAddresses } from "./_host-addresses.ts";
import type { Links } from "./_link-natives.ts";
import { type Override, overridesFor } from "./_overrides.ts";
import type { ExcludedService } from "./exclude-natives.ts";
import { escapeDollars, interpolate } from "./interpolate.ts";

/** A variable of a service. */
export interface EnvironmentEntry {
  name: string;
  value: string;
  /** As it was written, `${…}` and all. */
  text: string;
  /** A file, or where in the configuration its value stands. */
  origin: string;
}

export interface PlanNativesOptions {
  natives: ReadonlyMap<string, ExcludedService>;
  contracts: ReadonlyMap<string, Contract>;
  overrides: ReadonlyMap<string, readonly Override[]>;
  links: Links;
  values: Values;
  /** What the user gives a service alone, by handle. */
  own: ReadonlyMap<string, ServiceVariables>;
}

export interface PlannedNative {
  spec: NativeSpec;
  environment: EnvironmentEntry[];
}

/** With what each waits for; URLs in their variables are still the stack's. */
export function planNatives(options: PlanNativesOptions): PlannedNative[] {
  const { natives, contracts, links } = options;
  return [...natives].map(([handle, { spec }]) => {
    const contract = contracts.get(handle) as Contract;
    const entries = new Map<string, EnvironmentEntry>();
    for (const entry of entriesOf(contract, options)) entries.set(entry.name, entry);
    return { spec: { ...spec, dependsOn: links.natives.get(handle) ?? {} }, environment: [...entries.values()] };
  });
}

/** The lowest first: what it depends on, capability and cross files, the contract's own, what the user set, and set for it alone. */
function entriesOf({ handle, env, envVars, path }: Contract, options: PlanNativesOptions): EnvironmentEntry[] {
  const { natives, overrides, links, values, own: given } = options;
  const fromFiles = Object.entries(natives.get(handle)?.environment ?? {}).map(([name, written]) => filled(name, written, values));
  // as the contract was resolved: the port of one that sleeps is another for its process
  const resolved = natives.get(handle)?.spec.env ?? {};
  const own = Object.entries(env).map(([name, text]) => ({ name, value: resolved[name] ?? "", text, origin: path }));
  const passed = envVars.flatMap((name) => {
    const { value, origin } = values.find(name) ?? {};
    return value === undefined || origin === undefined
      ? []
      : [{ name, value: resolved[name] ?? value, text: escapeDollars(value), origin }];
  });
  const { file: origin = "", values: alone = [] } = given.get(handle) ?? {};
  const users = [...alone].map(([name, value]) => ({ name, value, text: escapeDollars(value), origin }));
  return [...overridesFor(links.natives.get(handle), overrides), ...fromFiles, ...own, ...passed, ...users];
}

function filled(name: string, { text, origin }: { text: string; origin: string }, values: Values): EnvironmentEntry {
  return { name, value: interpolate(text, values.get), text, origin };
}

/** With URLs as the host can use them: no name of the stack's network means anything to a process. */
export function reachFromHost({ spec, environment }: PlannedNative, addresses: ReadonlyMap<string, HostAddress>): PlannedNative {
  const entries = environment.map((entry) => ({ ...entry, value: toHostAddresses(entry.value, addresses) }));
  return { spec: { ...spec, env: Object.fromEntries(entries.map(({ name, value }) => [name, value])) }, environment: entries };
}
