/** GET /services, GET /services/<id>, GET /resolve */
import type { Strategy } from "../core/balance.ts";
import type { Conductor } from "../core/conductor.ts";
import { causesOf, type State } from "../core/health.ts";
import type { ComponentChange } from "../core/monitor.ts";
import type { Component } from "../core/registry.ts";
import { isoTime } from "./answers.ts";
import { type Call, isYes, mayReach, queryOf, type Routes, reachable, requireReach } from "./call.ts";
import { invalid, OFFSET, readQueryNumber } from "./fields.ts";
import { type EventStream, streamEvents } from "./sse.ts";
import { findTargets, noInstance } from "./targets.ts";

export const STATES: readonly State[] = ["starting", "healthy", "degraded", "offline"];
export const STRATEGIES: readonly Strategy[] = ["least-loaded", "round-robin"];
export const LIMIT = { fallback: 1_000, least: 1, most: 10_000 };
const READER_BYTES = 1_048_576;
/** What may be a range of versions: to Bun whatever is none matches everything. */
const RANGE = /^[\s^~<>=v]*\d/;

export const routes: Routes = {
  "/services": { GET: { handle: list } },
  "/services/:id": { GET: { handle: show } },
  "/resolve": { GET: { handle: resolve } },
};

type Filter = (component: Component) => boolean;

function list(call: Call): Response {
  const query = queryOf(call);
  const isWanted = readFilter(query);
  const filter: Filter = (component) => isWanted(component) && mayReach(call, "discover", component);
  if (isYes(query.get("watch"))) return streamEvents(call, (stream) => watch(call.conductor, filter, stream));
  const limit = readQueryNumber(query, "limit", LIMIT);
  const offset = readQueryNumber(query, "offset", OFFSET);
  const found = candidatesFor(call.conductor, query).filter(filter);
  const services = found.slice(offset, offset + limit).map((component) => describe(call.conductor, component));
  return Response.json({ services, total: found.length });
}

function show(call: Call): Response {
  const component = call.conductor.registry.expect(call.params.id ?? "");
  requireReach(call, "discover", component);
  return Response.json(describe(call.conductor, component));
}

/** One that can take a request now. */
function resolve(call: Call): Response {
  const query = queryOf(call);
  const { conductor } = call;
  const name = query.get("capability") ?? query.get("component");
  if (name === null) throw invalid("capability", "is missing: say what is looked for, by ?capability= or ?component=");
  const strategy = readStrategy(query);
  const filter = readFilter(query);
  const found = query.has("capability") ? conductor.registry.capableOf(name) : findTargets(conductor, name);
  if (found.length === 0) throw query.has("capability") ? noInstance(name, []) : conductor.registry.unknown(name);
  const candidates = reachable(call, "discover", found);
  const chosen = conductor.balance.choose(`${strategy} ${name}`, candidates.filter(filter), strategy);
  if (chosen === undefined) throw noInstance(name, candidates);
  return Response.json({ strategy, ...describe(conductor, chosen) });
}

/** All at first, then what changes of them; one that does not match any more is `removed`. */
function watch(conductor: Conductor, filter: Filter, stream: EventStream): void {
  const shown = new Set<Component>();
  for (const component of conductor.registry.all()) if (filter(component)) shown.add(component);
  stream.send("services", { services: [...shown].map((component) => describe(conductor, component)) });
  const stop = conductor.monitor.onChange(({ component, kind }: ComponentChange) => {
    if (stream.waiting() > READER_BYTES) return drop(stream);
    const isMatch = kind !== "gone" && filter(component);
    const wasShown = shown.has(component);
    if (isMatch) shown.add(component);
    else shown.delete(component);
    if (isMatch) stream.send(wasShown ? "changed" : "added", describe(conductor, component));
    else if (wasShown) stream.send("removed", { component_id: component.id, status: component.health.state });
  });
  stream.signal.addEventListener("abort", stop);
}

function drop(stream: EventStream): void {
  stream.send("conductor-dropped", { reason: `more than ${READER_BYTES} bytes were waiting to be read` });
  stream.close();
}

/** The fewest that can match. */
function candidatesFor({ registry }: Conductor, query: URLSearchParams): Component[] {
  const capability = listed(query, "capability")[0];
  if (capability !== undefined) return [...registry.capableOf(capability)];
  const name = query.get("component");
  return name === null ? [...registry.all()] : [...registry.named(name)];
}

/** Every capability that is named, any of the states, a version or a range of them as npm writes these. */
function readFilter(query: URLSearchParams): Filter {
  const capabilities = listed(query, "capability");
  const states = listed(query, "status");
  const name = query.get("component");
  const version = query.get("version");
  const wrong = states.find((state) => !STATES.some((known) => known === state));
  if (wrong !== undefined) throw invalid("status", `must be of ${STATES.join(", ")}, not "${wrong}"`);
  return (component) =>
    (name === null || component.name === name || component.id === name) &&
    capabilities.every((capability) => component.capabilities.includes(capability)) &&
    (states.length === 0 || states.includes(component.health.state)) &&
    (version === null || component.version === version || (RANGE.test(version) && Bun.semver.satisfies(component.version, version)));
}

function readStrategy(query: URLSearchParams): Strategy {
  const text = query.get("strategy") ?? "least-loaded";
  const strategy = STRATEGIES.find((known) => known === text);
  if (strategy === undefined) throw invalid("strategy", `must be one of ${STRATEGIES.join(", ")}`);
  return strategy;
}

function listed(query: URLSearchParams, name: string): string[] {
  return query.getAll(name).flatMap((text) => text.split(",").filter((part) => part !== ""));
}

function describe({ monitor, registry }: Conductor, component: Component) {
  const { health } = component;
  return {
    component_id: component.id,
    component: component.name,
    instance_id: component.instance,
    version: component.version,
    status: health.state,
    causes: causesOf(health),
    status_since: isoTime(monitor.dateOf(health.since)),
    last_heartbeat: health.beatAt === undefined ? null : isoTime(monitor.dateOf(health.beatAt)),
    missed_heartbeats: health.missed,
    heartbeat_interval: health.intervalMs / 1_000,
    lease_seconds: health.doesBeat ? health.leaseMs / 1_000 : null,
    heartbeats: health.doesBeat,
    registered_by: registry.isOfStack(component) ? "harbor" : "component",
    url: component.url,
    host: component.host,
    port: component.port,
    capabilities: component.capabilities,
    health_check_url: component.healthCheckUrl,
    ...(component.publicKey === null ? {} : { public_key: component.publicKey }),
    registered_at: isoTime(component.registeredAt),
    metrics: component.metrics ?? {},
  };
}
