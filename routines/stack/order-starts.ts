/**
 * A plan → what is started after what. Native services and containers come in waves: the supervisor sees to the order
 * among natives, compose to that among containers, and here to the rest.
 */
import type { Plan } from "../compose/make-plan.ts";
import type { NativeSpec } from "../native/start-process.ts";
import { takeFree } from "./_take-free.ts";

export interface Wave {
  natives: NativeSpec[];
  /** Services of the model; all of them, also those of earlier waves, in the last wave that has any. */
  containers: string[];
}

/** Mostly one: natives that wait for no container, then all containers. A circle was refused when the plan was made. */
export function orderStarts({ natives, dependencies, services, compose }: Plan): Wave[] {
  const containers = new Set(Object.keys(compose.services as object));
  const proxyOf = new Map(natives.flatMap(({ handle }) => standIns(handle, services).map((name) => [name, handle] as const)));
  const waits = new Map<string, string[]>();
  for (const { handle, dependsOn } of natives) waits.set(handle, Object.keys(dependsOn));
  for (const name of containers) {
    const native = proxyOf.get(name);
    // one that stands in for a native may have its name
    waits.set(`container ${name}`, native === undefined ? Object.keys(dependencies[name] ?? {}) : [native]);
  }
  const handles = new Set(natives.map((native) => native.handle));
  const done = new Set<string>();
  const isFree = (key: string): boolean => (waits.get(key) ?? []).every((name) => done.has(handles.has(name) ? name : `container ${name}`));
  const waves: Wave[] = [];
  while (done.size < handles.size + containers.size) {
    const free = takeFree([...handles], isFree, done);
    const keys = takeFree(
      [...containers].map((name) => `container ${name}`),
      isFree,
      done,
    );
    if (free.length + keys.length === 0) break;
    waves.push({
      natives: natives.filter(({ handle }) => free.includes(handle)),
      containers: keys.map((key) => key.slice("container ".length)),
    });
  }
  const last = waves.findLast((wave) => wave.containers.length > 0);
  if (last !== undefined) last.containers = [...containers];
  return waves;
}

function standIns(handle: string, services: Plan["services"]): string[] {
  return services.find((it) => it.handle === handle && it.runtime === "native")?.containers ?? [];
}
