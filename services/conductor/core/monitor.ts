/**
 * Keeps the health of all components up to date: beats and checks in, time by itself, and what follows from it told to everyone
 * (events, changes for the next heartbeats of the others). It notices when it was away itself.
 */
import type { StoredEvent } from "../store/store.ts";
import { ChangeLog } from "./change-log.ts";
import type { Clock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import { type Cause, type Effect, type HealthEvent, nextAt, type State, step } from "./health.ts";
import type { Bad, RaisedAlerts } from "./raised-alerts.ts";
import type { Component, Registry } from "./registry.ts";

export type Announcement = Omit<StoredEvent, "id">;

/** Something about a component that discovery may want to know. */
export interface ComponentChange {
  readonly component: Component;
  readonly kind: "registered" | "changed" | "gone";
}

export interface MonitorOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly raised: RaisedAlerts;
  /** Told in batches, a tick after they happened at the latest. */
  readonly announce: (events: readonly Announcement[]) => void;
  /** Its lease is over, or it has left: told once all others have heard of it. */
  readonly forget: (component: Component) => void;
}

const TICK_MS = 50;
/** Two ticks further apart than this: the conductor itself was not running. */
const GAP_MS = 500;
/** A pause below this is a moment, for which a round is granted once in that time: on a machine that is always too busy nobody would be missed. */
const MOMENT_MS = 5_000;
const ROUND_AGAIN_MS = 60_000;
const SOURCE = "conductor";

export class Monitor {
  readonly changes = new ChangeLog();
  readonly #options: MonitorOptions;
  readonly #deadlines: Deadlines;
  readonly #listeners = new Set<(change: ComponentChange) => void>();
  #announcements: Announcement[] = [];
  /** Of the last tick, on both clocks: one stands still while the machine sleeps, one jumps when it is set. */
  #lastTick: { steady: number; now: number };
  /** When everyone was last granted a round, by the steady clock. */
  #grantedAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(options: MonitorOptions) {
    const { clock } = options;
    this.#options = options;
    this.#deadlines = new Deadlines(clock.steady());
    this.#lastTick = { steady: clock.steady(), now: clock.now() };
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Returns what takes the listener away again. */
  onChange(listener: (change: ComponentChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One that has registered, or was known from before. */
  watch(component: Component, kind: "registered" | "replaced" | "known"): void {
    component.toldChange = this.changes.last;
    this.#deadlines.set(component.slot, nextAt(component.health));
    if (kind === "known") return;
    this.#tell(component, "registered");
    this.changes.add({ componentId: component.id, component: component.name, from: null, to: "starting" });
    component.toldChange = this.changes.last;
    this.#announce(`component-${kind}`, component, { version: component.version, capabilities: component.capabilities });
    this.#alert(component, { to: "starting", causes: [] });
  }

  /** Something happened to it just now. */
  apply(component: Component, event: HealthEvent): void {
    this.#noticeGap();
    this.#apply(component, event);
  }

  /** Whatever is due by now. */
  tick(): void {
    this.#noticeGap();
    const { clock, registry } = this.#options;
    const now = clock.steady();
    this.#lastTick = { steady: now, now: clock.now() };
    for (const slot of this.#deadlines.advance(now)) {
      const component = registry.at(slot);
      if (component !== undefined) this.#apply(component, { kind: "time" });
    }
    this.#flush();
  }

  /** By what durations are measured. */
  steady(): number {
    return this.#options.clock.steady();
  }

  /** Of a moment of the steady clock, milliseconds since 1970. */
  dateOf(steady: number): number {
    const { clock } = this.#options;
    return Math.round(clock.now() - (clock.steady() - steady));
  }

  #apply(component: Component, event: HealthEvent): void {
    const { health, effects } = step(component.health, event, this.#options.clock.steady());
    component.health = health;
    this.#deadlines.set(component.slot, nextAt(health));
    for (const effect of effects) this.#follow(component, effect);
    if (health.state !== "gone") return;
    this.#deadlines.clear(component.slot);
    this.#options.forget(component);
  }

  #follow(component: Component, effect: Effect): void {
    if (effect.kind === "missed") this.#announce("component-missed-heartbeat", component, { missed: effect.count }, effect.at);
    else this.#followChange(component, effect);
  }

  #followChange(component: Component, effect: Effect & { kind: "changed" }): void {
    const { from, to, causes, at } = effect;
    this.#tell(component, to === "gone" ? "gone" : "changed");
    const isBack = to === "healthy" && this.#options.raised.of(component.id) !== undefined;
    // the first beat after a registration is news to nobody
    if (!(from === "starting" && to === "healthy") || isBack) {
      this.changes.add({ componentId: component.id, component: component.name, from, to });
    }
    this.#announce(`component-${isBack ? "recovered" : to}`, component, { from, to, causes }, at);
    this.#alert(component, effect);
  }

  #alert(component: Component, { to, causes, at }: { to: State; causes: readonly Cause[]; at?: number }): void {
    const { raised } = this.#options;
    const before = raised.of(component.id);
    const after = isBad(to) ? to : undefined;
    // offline before the conductor began, and silent since: it only looks as if it were less bad by now
    const isStillOffline = before === "offline" && after === "degraded" && component.health.beatAt === undefined;
    if (after === before || isStillOffline) return;
    raised.set(component.id, after);
    if (after !== undefined) {
      const data = { alert_name: `component-${after}`, severity: after === "offline" ? "critical" : "warning", causes };
      this.#announce("alert-firing", component, data, at);
    }
    if (before !== undefined) this.#announce("alert-resolved", component, { alert_name: `component-${before}`, state: to }, at);
  }

  #announce(type: string, component: Component, data: Readonly<Record<string, unknown>>, at?: number): void {
    const time = at === undefined ? this.#options.clock.now() : this.dateOf(at);
    const about = { component_id: component.id, component: component.name };
    this.#announcements.push({ type, source: SOURCE, time, data: { ...about, ...data } });
  }

  #tell(component: Component, kind: ComponentChange["kind"]): void {
    for (const listener of this.#listeners) listener({ component, kind });
  }

  #flush(): void {
    if (this.#announcements.length === 0) return;
    const told = this.#announcements;
    this.#announcements = [];
    this.#options.announce(told);
  }

  /** Asked before anything else is done, since a beat that waited in a socket may be read before a timer runs. */
  #noticeGap(): void {
    const { clock, registry } = this.#options;
    const [steady, now] = [clock.steady(), clock.now()];
    const passed = steady - this.#lastTick.steady;
    const slept = now - this.#lastTick.now - passed;
    if (passed <= GAP_MS && slept <= GAP_MS) return;
    this.#lastTick = { steady, now };
    const pausedMs = Math.max(passed, passed + slept);
    const isAgain = pausedMs < MOMENT_MS && steady - this.#grantedAt < ROUND_AGAIN_MS;
    if (!isAgain) this.#grantedAt = steady;
    for (const component of registry.all()) {
      component.health = step(component.health, { kind: "gap", ms: passed, isAgain }, steady).health;
    }
    const data = { paused_ms: Math.round(pausedMs) };
    this.#announcements.push({ type: "conductor-paused", source: SOURCE, time: now, data });
  }
}

function isBad(state: State): state is Bad {
  return state === "degraded" || state === "offline";
}
