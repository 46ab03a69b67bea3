/** A world for the state machine: services by short descriptions, and what the supervisor would do, done at once. */
import { nextDue, step } from "../../../routines/supervisor/_machine.ts";
import {
  type Effect,
  EMPTY_WORLD,
  type Event,
  type Policy,
  type Said,
  type Service,
  stateOf,
  type World,
} from "../../../routines/supervisor/_service.ts";

export const READY = {
  how: "ask",
  intervalMs: 10_000,
  startPeriodMs: 0,
  failures: 3,
  deadlineMs: 60_000,
  isExtensible: true,
  startIntervalMs: 200,
  successes: 1,
} as const;
export const LIVE = { how: "ask", intervalMs: 10_000, startPeriodMs: 0, failures: 3 } as const;

/** On-failure, five times, half a second doubling to thirty; ready by asking. */
export function policyOf(policy: Partial<Policy> = {}): Policy {
  return {
    restart: "on-failure",
    max: 5,
    backoffMs: { first: 500, longest: 30_000 },
    resetAfterMs: 60_000,
    ready: READY,
    live: undefined,
    isKept: false,
    hasPreStart: false,
    hasPostStop: false,
    dependsOn: {},
    ...policy,
  };
}

/** Without the time, which the history adds, and without chance: no jitter. */
type Told = Event extends infer E ? (E extends Event ? Omit<E, "at" | "random"> & { random?: number } : never) : never;

/** One course of events, by hand. */
export class History {
  world: World = EMPTY_WORLD;
  at = 0;
  /** What the latest event asked to be done. */
  effects: Effect[] = [];

  tell(event: Told): this {
    const { world, effects } = step(this.world, { random: 0, ...event, at: this.at } as Event);
    this.world = world;
    this.effects = effects;
    return this;
  }

  /** To the next thing that is due, which must be there; or on by that much. */
  pass(ms = (nextDue(this.world) ?? Number.NaN) - this.at): this {
    this.at += ms;
    return this.tell({ kind: "tick" });
  }

  get(handle: string): Service {
    const service = this.world.services.get(handle);
    if (service === undefined) throw new Error(`no service "${handle}"`);
    return service;
  }

  state(handle: string): string {
    return stateOf(this.get(handle));
  }

  /** What is to be done, in words. */
  todo(): string[] {
    return this.effects.map((effect) => {
      const detail = effect.kind === "hook" ? ` ${effect.hook}` : effect.kind === "probe" ? ` ${effect.probe}` : "";
      return `${effect.kind}${detail} ${effect.handle}`;
    });
  }

  want(handle: string, policy: Partial<Policy> = {}): this {
    return this.tell({ kind: "want", handle, policy: policyOf(policy) });
  }

  spawned(handle: string): this {
    return this.tell({ kind: "spawned", handle, run: this.get(handle).run });
  }

  probed(handle: string, problem?: string, probe: "ready" | "live" = "ready"): this {
    const { run, epoch } = this.get(handle);
    return this.tell({ kind: "probed", handle, run, probe, epoch, ...(problem === undefined ? {} : { problem }) });
  }

  /** What its process says of itself. */
  said(handle: string, said: Said): this {
    return this.tell({ kind: "said", handle, run: this.get(handle).run, ...said });
  }

  exited(handle: string, code: number | null = 1, signal: string | null = null): this {
    return this.tell({ kind: "exited", handle, run: this.get(handle).run, exit: { code, signal } });
  }

  ended(handle: string): this {
    return this.tell({ kind: "ended", handle, run: this.get(handle).run });
  }

  /** Wanted, spawned and ready. */
  up(handle: string, policy: Partial<Policy> = {}): this {
    this.want(handle, policy).spawned(handle);
    return policy.ready === undefined && "ready" in policy ? this : this.probed(handle);
  }
}
