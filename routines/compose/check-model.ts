/**
 * What is wrong with a merged model before any engine sees it: a service that nothing defines, a
 * dependency that is not there or goes in a circle, two services on one host port.
 */
import { readFileSync } from "node:fs";
import { HarborError, type Place } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { locateYaml } from "../_script/yaml.ts";
import type { PublishedPort } from "./read-ports.ts";

type Services = Record<string, Record<string, unknown>>;

export interface CheckModelOptions {
  services: Services;
  /** Service name → the files that contribute to it. */
  sources: ReadonlyMap<string, string[]>;
  /** Every handle there is; asked for a message alone. */
  handles?: () => readonly string[];
  /** Where a service's dependency on another stands, if not in its compose files. */
  placeOfDependency?: (service: string, dependency: string) => { at?: Place } | undefined;
}

/** Throws for the first kind of problem found, with all of its kind as details. */
export function checkModel(options: CheckModelOptions): void {
  checkDefined(options);
  checkDependencies(options);
  checkCircles(options);
}

/** A cross file that changes a service which no definition brings is nearly always a slip in its name. */
function checkDefined({ services, sources }: CheckModelOptions): void {
  const names = Object.keys(services);
  for (const name of names) {
    const { image, build, provider, extends: extended } = services[name] ?? {};
    if ([image, build, provider, extended].some((value) => value !== undefined && value !== null)) continue;
    const others = names.filter((other) => other !== name);
    const guess = nearest(name, others);
    const suggestion = guess === undefined ? "" : `; did you mean "${guess}"?`;
    throw new HarborError(`Cannot use service "${name}": no selected file defines it with an image or a build${suggestion}`, {
      ...placeOf(sources.get(name), ["services", name]),
      hint: "A cross file may only change services of the definitions it is added to",
    });
  }
}

/** The names a service depends on; with `required: false` left out. */
export function readDependencies(service: Record<string, unknown>): string[] {
  const { depends_on: list } = service;
  if (Array.isArray(list)) return list.map(String);
  const entries = Object.entries((list ?? {}) as Record<string, { required?: boolean } | null>);
  return entries.filter(([, condition]) => condition?.required !== false).map(([name]) => name);
}

function checkDependencies(options: CheckModelOptions): void {
  for (const [name, service] of Object.entries(options.services)) {
    for (const dependency of readDependencies(service)) {
      if (options.services[dependency] === undefined) throw dependencyError(name, dependency, options);
    }
  }
}

function dependencyError(name: string, dependency: string, options: CheckModelOptions): HarborError {
  const { services, handles } = options;
  const known = handles?.() ?? [];
  const at = whereDepends(name, dependency, options);
  if (known.includes(dependency)) {
    return new HarborError(`Cannot start "${name}": it depends on "${dependency}", which is not selected`, {
      ...at,
      hint: `Add ${dependency} to the command, or take the dependency out`,
    });
  }
  const guess = nearest(dependency, [...Object.keys(services), ...known]);
  const suggestion = guess === undefined ? "" : `; did you mean "${guess}"?`;
  return new HarborError(`Cannot start "${name}": it depends on "${dependency}", which nothing defines${suggestion}`, {
    ...at,
    hint: "Mend its name, or take the dependency out",
  });
}

function whereDepends(name: string, dependency: string, { sources, placeOfDependency }: CheckModelOptions): { at?: Place } {
  return placeOfDependency?.(name, dependency) ?? placeOf(sources.get(name), ["services", name, "depends_on"]);
}

function checkCircles(options: CheckModelOptions): void {
  const { services } = options;
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name) || services[name] === undefined) return;
    if (path.includes(name)) {
      const circle = [...path.slice(path.indexOf(name)), name];
      throw new HarborError(`Cannot order services: ${circle.join(" depends on ")}`, {
        ...whereDepends(name, circle[1] ?? name, options),
        hint: "Take one of these dependencies out",
      });
    }
    for (const dependency of readDependencies(services[name])) visit(dependency, [...path, name]);
    done.add(name);
  };
  for (const name of Object.keys(services)) visit(name, []);
}

export interface PortClaim extends PublishedPort {
  handle: string;
  /** Where it is claimed, for the message. */
  path: string | undefined;
}

/** Throws when two services claim one port of one address; an empty address is every address. */
export function checkPortClaims(claims: readonly PortClaim[]): void {
  const seen = new Map<string, PortClaim[]>();
  for (const claim of claims) {
    const key = `${claim.published}/${claim.protocol}`;
    const others = seen.get(key) ?? [];
    const clash = others.find((other) => meet(other.address, claim.address));
    if (clash !== undefined) {
      const who =
        clash.handle === claim.handle ? `${claim.handle} claims it more than once` : `${clash.handle} and ${claim.handle} both claim it`;
      throw new HarborError(`Cannot publish port ${claim.published} twice: ${who}`, {
        hint: `Give one of them another: HARBOR_${claim.handle.toUpperCase().replaceAll("-", "_")}_HOST_PORT in config.env, or in the file itself where the port is written out`,
        details: [clash, claim].flatMap((it) => (it.path === undefined ? [] : [`${it.handle}: ${it.path}`])),
      });
    }
    seen.set(key, [...others, claim]);
  }
}

function meet(a: string, b: string): boolean {
  const isAny = (address: string): boolean => address === "" || address === "0.0.0.0" || address === "::";
  return a === b || isAny(a) || isAny(b);
}

/** Where a key stands: in the last of the files that has it, since that one decides. */
export function placeOf(files: readonly string[] | undefined, path: readonly string[]): { at?: Place } {
  for (const file of files?.toReversed() ?? []) {
    try {
      const found = locateYaml(readFileSync(file, "utf8"), path);
      if (found !== undefined) return { at: { file, ...found } };
    } catch {
      // a module, or gone by now: another file, or the name alone, still helps
    }
  }
  const [first] = files ?? [];
  return first === undefined ? {} : { at: { file: first } };
}
