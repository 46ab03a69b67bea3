/**
 * What the user gives one service alone → the environment of its container. The merged file names them, as it does any other
 * value; what they are is in the file of values beside it, so that a secret is in no plan that is printed or ejected.
 */
import type { Values } from "../config/read-values.ts";
import type { ServiceVariables } from "../config/service-variables.ts";
import { readEnvironment } from "./_read-service-environment.ts";
import type { MergedCompose } from "./merge-compose.ts";

type Services = Record<string, Record<string, unknown>>;

/** By which a merged file names a service's own variable. */
export function ownReference(handle: string, name: string): string {
  return `HARBOR_ENV__${handle.toUpperCase().replaceAll("-", "_")}__${name}`;
}

export interface GiveOwnVariablesOptions {
  services: Services;
  /** Service of the model → the handle it belongs to. */
  owners: ReadonlyMap<string, string>;
  /** Services that stand in for natives: they get none of a process's variables. */
  standIns: ReadonlySet<string>;
  /** By handle. */
  own: ReadonlyMap<string, ServiceVariables>;
  values: Values;
  variables: MergedCompose["variables"];
}

/** Changes the services' environment; gives the values with those of the references. */
export function giveOwnVariables({ services, owners, standIns, own, values, variables }: GiveOwnVariablesOptions): Values {
  let result = values;
  for (const [handle, { file, values: given }] of own) {
    const receivers = receiversOf(handle, services, owners, standIns);
    if (receivers.length === 0) continue;
    for (const name of receivers) {
      const service = services[name] as Record<string, unknown>;
      service.environment = withOnTop(service.environment, handle, given.keys());
    }
    const references = [...given].map(([name, value]): [string, string] => [ownReference(handle, name), value]);
    for (const [name] of references) variables.set(name, { files: [file], required: false });
    result = result.with(file, new Map(references));
  }
  return result;
}

/** The container of that name, not its database's; where there is none, all that belong to the handle. */
export function receiversOf(
  handle: string,
  services: Services,
  owners: ReadonlyMap<string, string>,
  standIns: ReadonlySet<string>,
): string[] {
  const all = Object.keys(services).filter((name) => owners.get(name) === handle && !standIns.has(name));
  return all.includes(handle) ? [handle] : all;
}

function withOnTop(environment: unknown, handle: string, names: Iterable<string>): unknown {
  const given = [...names].map((name): [string, string] => [name, `\${${ownReference(handle, name)}}`]);
  if (!Array.isArray(environment)) return { ...(environment as object | undefined), ...Object.fromEntries(given) };
  const own = new Map(given);
  const others = environment.filter((item) => !own.has([...readEnvironment([item]).keys()][0] ?? ""));
  return [...others, ...given.map(([name, text]) => `${name}=${text}`)];
}
