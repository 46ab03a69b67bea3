/** What a service waits for before it starts, and what waits for it before it stops; in which order many are told. */
import type { NativeSpec } from "../native/start-process.ts";
import { type Condition, type ExternalStatus, mayRun, type Service, stateOf, type World } from "./_service.ts";

export interface Blocker {
  why: string;
  /** It will not come about by waiting. */
  isFinal: boolean;
}

/** The first dependency that does not hold; undefined where all do. */
export function blockerOf(service: Service, services: ReadonlyMap<string, Service>, externals: World["externals"]): Blocker | undefined {
  for (const [name, condition] of Object.entries(service.policy.dependsOn)) {
    const native = services.get(name);
    const blocker = native === undefined ? blockedByExternal(name, condition, externals.get(name)) : blockedByNative(native, condition);
    if (blocker !== undefined) return blocker;
  }
  return undefined;
}

const WANTED: Record<Condition, string> = {
  service_started: "start",
  service_healthy: "be ready",
  service_completed_successfully: "complete",
};

function blockedByNative(native: Service, condition: Condition): Blocker | undefined {
  if (holds(native, condition)) return undefined;
  const state = stateOf(native);
  if (state === "failed") return { why: `"${native.handle}", which it depends on, has failed: ${native.why}`, isFinal: true };
  if (native.phase === "resting") return { why: `"${native.handle}", which it depends on, is stopped: ${native.why}`, isFinal: true };
  return { why: `waits for "${native.handle}" to ${WANTED[condition]}`, isFinal: false };
}

/** A sleeping service is as good as a ready one: whoever connects wakes it. */
function holds(native: Service, condition: Condition): boolean {
  if (condition === "service_completed_successfully") return native.isCompleted;
  if (native.phase === "asleep") return true;
  if (condition === "service_healthy") return native.phase === "up" && native.isHealthy;
  return native.phase === "starting" || native.phase === "up" || native.isCompleted;
}

function blockedByExternal(name: string, condition: Condition, status: ExternalStatus | undefined): Blocker | undefined {
  if (status === "failed") return { why: `"${name}", which it depends on, has failed`, isFinal: true };
  const isMet =
    condition === "service_started" ? status !== undefined : status === (condition === "service_healthy" ? "healthy" : "completed");
  return isMet ? undefined : { why: `waits for "${name}" to ${WANTED[condition]}`, isFinal: false };
}

/** Whether nothing that is to stop as well, and depends on it, still runs. */
export function dependentsEnded(service: Service, services: ReadonlyMap<string, Service>): boolean {
  for (const other of services.values()) {
    if (other === service || other.isWanted || !(service.handle in other.policy.dependsOn)) continue;
    if (mayRun(other) || other.phase === "preparing" || other.phase === "finishing") return false;
  }
  return true;
}

interface Dependent {
  spec: Pick<NativeSpec, "handle" | "dependsOn">;
}

/** So that none is told of an earlier end of what it waits for. */
export function dependenciesFirst<T extends Dependent>(them: readonly T[]): T[] {
  const order = new Set<T>();
  const visit = (one: T): void => {
    if (order.has(one)) return;
    for (const other of them) if (other.spec.handle in one.spec.dependsOn) visit(other);
    order.add(one);
  };
  for (const one of them) visit(one);
  return [...order];
}

/** So that none is ended before it is known who goes with it. */
export function dependentsFirst<T extends Dependent>(them: readonly T[]): T[] {
  return dependenciesFirst(them).reverse();
}
