/** Everything that is measured of a component: what it reports itself, and what the conductor sees of it. */
import type { Monitor } from "./monitor.ts";
import type { Component } from "./registry.ts";
import { SeriesStore } from "./series.ts";
import { Traffic } from "./traffic.ts";

/** What the conductor sees; a component that reports a metric of the same name has the last word on it. */
const OWN: Readonly<Record<string, (component: Component, measures: Measures) => number | undefined>> = {
  up: ({ health }) => Number(health.state === "healthy"),
  degraded: ({ health }) => Number(health.state === "degraded"),
  offline: ({ health }) => Number(health.state === "offline"),
  missed_heartbeats: ({ health }) => health.missed,
  uptime_seconds: (component, { monitor }) => Math.max(0, (monitor.dateOf(monitor.steady()) - component.registeredAt) / 1_000),
  requests_total: ({ id }, { traffic }) => traffic.of(id).requests,
  errors_total: ({ id }, { traffic }) => traffic.of(id).errors,
  requests_per_minute: ({ id }, { traffic }) => traffic.of(id).requestsPerMinute,
  errors_per_minute: ({ id }, { traffic }) => traffic.of(id).errorsPerMinute,
  response_seconds: ({ id }, { traffic }) => traffic.of(id).responseSeconds,
};
/** Of those, what is kept over time, of components that something is routed to. */
const SAMPLED = ["requests_per_minute", "errors_per_minute", "response_seconds"];

export class Measures {
  readonly series = new SeriesStore();
  readonly traffic: Traffic;
  readonly monitor: Monitor;

  constructor(monitor: Monitor) {
    this.monitor = monitor;
    this.traffic = new Traffic(() => monitor.steady());
  }

  /** What a component says of itself with a heartbeat. */
  report(component: Component, now: number): void {
    for (const [name, value] of Object.entries(component.metrics ?? {})) this.series.add(component.id, name, value, now);
  }

  /** To be called every now and then, with those that are there. */
  sample(find: (id: string) => Component | undefined, now: number): void {
    for (const id of this.traffic.ids()) {
      const component = find(id);
      // one that left while a request to it was under way
      if (component === undefined) this.traffic.forget(id);
      else for (const name of SAMPLED) this.series.add(id, name, this.valueOf(component, name) ?? Number.NaN, now);
    }
  }

  /** Undefined where nobody knows. */
  valueOf(component: Component, metric: string): number | undefined {
    const { metrics } = component;
    if (metrics !== null && Object.hasOwn(metrics, metric)) return metrics[metric];
    return Object.hasOwn(OWN, metric) ? OWN[metric]?.(component, this) : undefined;
  }

  all(component: Component): Record<string, number> {
    const own = Object.keys(OWN).map((name) => [name, this.valueOf(component, name)] as const);
    const known = own.filter((entry): entry is [string, number] => entry[1] !== undefined);
    return { ...Object.fromEntries(known), ...component.metrics };
  }

  forget({ id }: Component): void {
    this.series.forget(id);
    this.traffic.forget(id);
  }
}
