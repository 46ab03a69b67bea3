/**
 * Alerts that were configured: each condition is looked at once a second for each of its components. One that holds for long enough
 * fires, one that does not hold any more is resolved; where it cannot be known, it stays as it is. What fires is kept, so that a restart
 * of the conductor tells nobody twice.
 */
import type { Documents } from "../store/store.ts";
import { type Expression, holds, metricsIn, parseCondition } from "./alert-expression.ts";
import type { Clock } from "./clock.ts";
import type { LateDocuments } from "./late-documents.ts";
import { matchesType } from "./match-type.ts";
import type { Measures } from "./measures.ts";
import type { Announcement } from "./monitor.ts";
import type { Component, Registry } from "./registry.ts";

export type Channel =
  | { readonly type: "webhook" | "slack"; readonly url: string }
  | { readonly type: "email"; readonly to: string }
  | { readonly type: "desktop" };

/** As it is kept. */
export interface AlertRule {
  readonly name: string;
  readonly condition: string;
  /** Names, ids, or globs of them; none is all. */
  readonly components: readonly string[];
  readonly channels: readonly Channel[];
  /** How long the condition has to hold. */
  readonly forMs: number;
  readonly severity: "info" | "warning" | "critical";
  /** Nobody is notified until then; milliseconds since 1970. */
  readonly silencedUntil: number;
}

/** One alert of one component. */
export interface Firing {
  readonly alert: string;
  readonly componentId: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  isNotified: boolean;
}

export interface Notice {
  readonly kind: "firing" | "resolved";
  readonly rule: AlertRule;
  readonly componentId: string;
  readonly values: Readonly<Record<string, number>>;
  readonly since: number;
}

export interface AlertsOptions {
  readonly documents: Documents;
  readonly late: LateDocuments;
  readonly registry: Registry;
  readonly measures: Measures;
  readonly clock: Clock;
  readonly announce: (events: readonly Announcement[]) => void;
  /** Of one look around: what one alert has to say of several components comes together. */
  readonly notify: (notices: readonly Notice[]) => void;
  /** Work that nobody waits for. */
  readonly quietly: (what: string, work: Promise<unknown>) => void;
}

export const MAX_RULES = 100;
const RULES = "alert";
const FIRING = "alert-firing";
const TICK_MS = 1_000;
/** A conductor that was away itself has not seen a condition hold meanwhile. */
const GAP_MS = 2_000;
/** One that comes and goes is told of at most this often; its events are all there. */
const REPEAT_MS = 60_000;
/** Looked at in one tick; with more, each is looked at less often. */
const BUDGET = 20_000;

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #rules = new Map<string, { rule: AlertRule; condition: Expression; metrics: readonly string[] }>();
  readonly #firing = new Map<string, Firing>();
  /** When a condition was first seen to hold, by the steady clock. */
  readonly #pending = new Map<string, number>();
  /** When somebody was last notified that it fires, by the steady clock; forgotten after `REPEAT_MS`. */
  readonly #told = new Map<string, number>();
  /** Of one look around, told at its end. */
  #notices: Notice[] = [];
  #announcements: Announcement[] = [];
  #round: Iterator<void> | undefined;
  #lastTick: number;
  #timer: Timer | undefined;

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#lastTick = options.clock.steady();
  }

  async load(): Promise<void> {
    const { documents, late, quietly } = this.#options;
    for (const { id, value } of await documents.list<AlertRule>(RULES)) {
      // of another version of the conductor, whose conditions were others: the rest is watched all the same
      quietly(
        `the alert "${id}" is left out until it is configured again`,
        Promise.try(() => this.#learn(value)),
      );
    }
    for (const { id, value } of await documents.list<Firing>(FIRING)) {
      if (this.#rules.has(value.alert)) this.#firing.set(id, value);
      else late.delete(FIRING, id);
    }
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  rules(): AlertRule[] {
    return [...this.#rules.values()].map(({ rule }) => rule);
  }

  get(name: string): AlertRule | undefined {
    return this.#rules.get(name)?.rule;
  }

  firing(): Firing[] {
    return [...this.#firing.values()];
  }

  /** Kept before it counts. Throws an ExpressionError. */
  async configure(rule: AlertRule): Promise<void> {
    parseCondition(rule.condition);
    await this.#options.documents.put(RULES, rule.name, rule);
    this.#learn(rule);
  }

  /** What it fires is resolved with it. False where there is none. */
  async remove(name: string): Promise<boolean> {
    const known = this.#rules.get(name);
    const wasKept = await this.#options.documents.delete(RULES, name);
    if (known === undefined) return wasKept;
    for (const [key, firing] of this.#firing) if (firing.alert === name) this.#resolve(key, known.rule, firing, {});
    this.#rules.delete(name);
    this.#forgetPending(name);
    this.#flush();
    return true;
  }

  tick(): void {
    const now = this.#options.clock.steady();
    const passed = now - this.#lastTick;
    this.#lastTick = now;
    if (passed > GAP_MS) for (const [key, since] of this.#pending) this.#pending.set(key, since + passed);
    this.#round ??= this.#lookAround();
    for (let count = 0; count < BUDGET; count++) {
      if (this.#round.next().done !== true) continue;
      this.#round = undefined;
      break;
    }
    this.#flush();
  }

  #flush(): void {
    const [notices, announcements] = [this.#notices, this.#announcements];
    this.#notices = [];
    this.#announcements = [];
    if (announcements.length > 0) this.#options.announce(announcements);
    if (notices.length > 0) this.#options.notify(notices);
  }

  #learn(rule: AlertRule): void {
    const condition = parseCondition(rule.condition);
    // another condition has not held yet, however long the one before has
    if (this.#rules.get(rule.name)?.rule.condition !== rule.condition) this.#forgetPending(rule.name);
    this.#rules.set(rule.name, { rule, condition, metrics: metricsIn(condition) });
  }

  *#lookAround(): Generator<void> {
    const { registry } = this.#options;
    for (const { rule } of [...this.#rules.values()]) {
      for (const component of componentsOf(rule, registry)) {
        if (matchesComponent(rule.components, component)) this.#look(rule.name, component);
        yield;
      }
    }
    this.#tidy();
  }

  /** Whoever has left, or is meant no longer, has nothing left to fire, and nothing that holds. */
  #tidy(): void {
    const { registry, clock } = this.#options;
    const isMeant = (alert: string, id: string): boolean => {
      const [rule, component] = [this.get(alert), registry.get(id)];
      return rule !== undefined && component !== undefined && matchesComponent(rule.components, component);
    };
    for (const [key, firing] of this.#firing) {
      const rule = this.get(firing.alert);
      if (rule !== undefined && !isMeant(rule.name, firing.componentId)) this.#resolve(key, rule, firing, {});
    }
    for (const key of this.#pending.keys()) {
      const [name = "", id = ""] = key.split("/");
      if (!isMeant(name, id)) this.#pending.delete(key);
    }
    const now = clock.steady();
    for (const [key, at] of this.#told) if (now - at > REPEAT_MS) this.#told.delete(key);
  }

  #forgetPending(name: string): void {
    for (const key of this.#pending.keys()) if (key.startsWith(`${name}/`)) this.#pending.delete(key);
  }

  #look(name: string, component: Component): void {
    const known = this.#rules.get(name);
    if (known === undefined) return;
    const { rule, condition, metrics } = known;
    const key = `${name}/${component.id}`;
    const read = (metric: string) => this.#options.measures.valueOf(component, metric);
    const isMet = holds(condition, read);
    if (isMet === undefined) return;
    const firing = this.#firing.get(key);
    const values = () => valuesOf(metrics, read);
    if (!isMet) {
      this.#pending.delete(key);
      if (firing !== undefined) this.#resolve(key, rule, firing, values());
    } else if (firing === undefined) this.#holdOrFire(key, rule, component, values);
    else if (!firing.isNotified) this.#notify(key, rule, firing, values());
  }

  #holdOrFire(key: string, rule: AlertRule, component: Component, values: () => Record<string, number>): void {
    const now = this.#options.clock.steady();
    const since = this.#pending.get(key) ?? now;
    this.#pending.set(key, since);
    if (now - since < rule.forMs) return;
    this.#pending.delete(key);
    const firing: Firing = { alert: rule.name, componentId: component.id, since: this.#options.clock.now(), isNotified: false };
    this.#firing.set(key, firing);
    this.#options.late.put(FIRING, key, { ...firing });
    this.#announce("alert-firing", rule, firing, values());
    this.#notify(key, rule, firing, values());
  }

  #resolve(key: string, rule: AlertRule, firing: Firing, values: Record<string, number>): void {
    this.#firing.delete(key);
    this.#options.late.delete(FIRING, key);
    this.#announce("alert-resolved", rule, firing, values);
    // whoever was not told that it fires need not hear that it is over
    if (firing.isNotified) this.#notices.push({ kind: "resolved", rule, componentId: firing.componentId, values, since: firing.since });
  }

  /** Once silence is over, of what still fires; of one that has just been told of, after a while. */
  #notify(key: string, rule: AlertRule, firing: Firing, values: Record<string, number>): void {
    const { clock } = this.#options;
    const told = this.#told.get(key);
    if (rule.silencedUntil > clock.now() || (told !== undefined && clock.steady() - told <= REPEAT_MS)) return;
    this.#told.set(key, clock.steady());
    firing.isNotified = true;
    this.#options.late.put(FIRING, key, { ...firing });
    this.#notices.push({ kind: "firing", rule, componentId: firing.componentId, values, since: firing.since });
  }

  #announce(type: string, rule: AlertRule, firing: Firing, values: Record<string, number>): void {
    const time = this.#options.clock.now();
    const { name, condition, severity, silencedUntil } = rule;
    const data = {
      ...{ alert_name: name, component_id: firing.componentId, condition, severity, values },
      ...{ since: new Date(firing.since).toISOString(), is_silenced: silencedUntil > time },
    };
    this.#announcements.push({ type, source: "conductor", time, data });
  }
}

/** All that can be meant: where names and ids are written out, nobody else is looked at. */
function componentsOf({ components }: AlertRule, registry: Registry): Iterable<Component> {
  if (components.length === 0 || components.some((name) => name.includes("*"))) return registry.all();
  const found = components.flatMap((name) => [registry.get(name) ?? [], registry.named(name)].flat());
  return new Set(found);
}

/** Those that are known. */
function valuesOf(metrics: readonly string[], read: (metric: string) => number | undefined): Record<string, number> {
  const values = metrics.map((metric) => [metric, read(metric)] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** By id or name, or a glob of either. */
export function matchesComponent(globs: readonly string[], { id, name }: Component): boolean {
  return globs.length === 0 || matchesType(globs, id) || matchesType(globs, name);
}
