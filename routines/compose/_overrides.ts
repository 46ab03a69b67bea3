/**
 * `env_overrides` of the native services: configuration that holds while they run, and variables for whatever depends
 * on them, container and process alike.
 */
import { HarborError } from "../_script/error.ts";
import type { Values } from "../config/read-values.ts";
import type { Contract } from "../native/read-contract.ts";
import type { Dependencies } from "../native/resolve-contract.ts";
import { collectVariables } from "./_collect-variables.ts";
import { readEnvironment } from "./_read-service-environment.ts";
import { escapeDollars, findExpression, interpolate } from "./interpolate.ts";
import type { MergedCompose } from "./merge-compose.ts";

export interface Override {
  name: string;
  /** For a compose file, with what is left open in it. */
  text: string;
  value: string;
  /** Path of the contract that says so. */
  origin: string;
}

/** Of each native, by handle. Throws, with the contract's path, where a variable is required and missing. */
export function readOverrides(contracts: ReadonlyMap<string, Contract>, values: Values): Map<string, Override[]> {
  const names = new Set([...contracts.values()].flatMap(({ envOverrides }) => Object.keys(envOverrides)));
  const read = ({ envOverrides, path }: Contract): Override[] =>
    Object.entries(envOverrides).map(([name, text]) => {
      const value = fill(text, values, path);
      // one that names another override would be filled in a second time
      return { name, text: mentions(text, names) ? escapeDollars(value) : text, value, origin: path };
    });
  return new Map([...contracts].map(([handle, contract]) => [handle, read(contract)]));
}

function fill(text: string, values: Values, path: string): string {
  try {
    return interpolate(text, values.get);
  } catch (cause) {
    if (!(cause instanceof HarborError)) throw cause;
    const hint = cause.hint === undefined ? {} : { hint: cause.hint };
    throw new HarborError(cause.message, { exit: cause.exit, cause, at: { file: path }, ...hint });
  }
}

function mentions(text: string, names: ReadonlySet<string>): boolean {
  if (!text.includes("$")) return false;
  for (let found = findExpression(text, 0); found !== undefined; found = findExpression(text, found.end)) {
    if (names.has(found.name) || mentions(found.word, names)) return true;
  }
  return false;
}

/** On top of the configuration, so that `${HARBOR_OLLAMA_INTERNAL_URL:-…}` in any file means the native one. */
export function withOverrides(values: Values, overrides: ReadonlyMap<string, readonly Override[]>): Values {
  let result = values;
  for (const list of overrides.values()) {
    const [first] = list;
    if (first !== undefined) result = result.with(first.origin, new Map(list.map(({ name, value }) => [name, value])));
  }
  return result;
}

/** Of the natives among what a service depends on; where two name the same, the first counts. */
export function overridesFor(dependsOn: Dependencies | undefined, overrides: ReadonlyMap<string, readonly Override[]>): Override[] {
  const found = new Map<string, Override>();
  for (const handle of Object.keys(dependsOn ?? {})) {
    for (const override of overrides.get(handle) ?? []) if (!found.has(override.name)) found.set(override.name, override);
  }
  return [...found.values()];
}

/** Gives each service of the model the overrides of the natives it depends on, below what it has itself. */
export function injectOverrides(
  services: Record<string, Record<string, unknown>>,
  dependencies: Record<string, Dependencies>,
  overrides: ReadonlyMap<string, readonly Override[]>,
  variables: MergedCompose["variables"],
): void {
  for (const [name, dependsOn] of Object.entries(dependencies)) {
    const service = services[name];
    const list = overridesFor(dependsOn, overrides);
    if (service === undefined || list.length === 0) continue;
    service.environment = withBelow(service.environment, list);
    for (const { text, origin } of list) collectVariables(text, origin, variables);
  }
}

/** Either spelling stays as it is: a name without a value is compose's to fill in. */
function withBelow(environment: unknown, overrides: readonly Override[]): unknown {
  const own = readEnvironment(environment);
  const others = overrides.filter(({ name }) => !own.has(name));
  if (Array.isArray(environment)) return [...others.map(({ name, text }) => `${name}=${text}`), ...environment];
  return { ...Object.fromEntries(others.map(({ name, text }) => [name, text])), ...(environment as object | undefined) };
}
