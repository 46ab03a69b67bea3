/**
 * What is up → what is ended after what: consumers before what they consume, so that none of them sees its backend
 * vanish. The supervisor sees to the order among natives; containers of a wave go all at once.
 */
import type { Container } from "../engine/list-containers.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import { takeFree } from "./_take-free.ts";

type Native = Pick<ServiceReport, "handle" | "dependsOn">;
type Box = Pick<Container, "service" | "handle" | "runtime" | "dependsOn">;

/** Its containers go before its natives. */
export interface StopWave<C> {
  containers: C[];
  natives: string[];
}

/** Mostly one. What waits for each other in a circle goes last, in one. */
export function orderStops<C extends Box>(natives: readonly Native[], containers: readonly C[]): StopWave<C>[] {
  const handles = new Set(natives.map(({ handle }) => handle));
  /** Key → what depends on it, and goes before. */
  const users = new Map<string, string[]>();
  const use = (user: string, key: string): void => void users.set(key, [...(users.get(key) ?? []), user]);
  for (const { handle, dependsOn } of natives) {
    // handles of natives go before services of the same name, which stand in for them
    for (const name of dependsOn) use(handle, handles.has(name) ? name : keyOf(name));
  }
  for (const { service, handle, runtime, dependsOn } of containers) {
    for (const name of dependsOn) use(keyOf(service), keyOf(name));
    if (runtime === "native") use(keyOf(service), handle);
  }
  const all = new Set([...handles, ...containers.map(({ service }) => keyOf(service))]);
  const done = new Set<string>();
  const isFree = (key: string): boolean => (users.get(key) ?? []).every((user) => done.has(user) || !all.has(user));
  const waves: StopWave<C>[] = [];
  const push = (keys: ReadonlySet<string>): void =>
    void waves.push({
      containers: containers.filter(({ service }) => keys.has(keyOf(service))),
      natives: [...handles].filter((handle) => keys.has(handle)),
    });
  while (done.size < all.size) {
    const boxes = takeFree([...all].filter(isKey), isFree, done);
    const free = takeFree([...handles], isFree, done);
    if (boxes.length + free.length === 0) break;
    push(new Set([...boxes, ...free]));
  }
  if (done.size < all.size) push(all.difference(done));
  return waves;
}

/** One that stands in for a native may have its name. */
const keyOf = (service: string): string => `container ${service}`;
const isKey = (key: string): boolean => key.startsWith("container ");
