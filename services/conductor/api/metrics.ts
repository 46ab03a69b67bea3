/** GET /metrics, GET /metrics/<component id>, with ?start&end over time; GET /metrics/prometheus as OpenMetrics 1.0. */
import type { Conductor } from "../core/conductor.ts";
import type { Component } from "../core/registry.ts";
import { tierFor } from "../core/series.ts";
import { isoTime } from "./answers.ts";
import { type Call, mayReach, queryOf, type Routes, requireReach } from "./call.ts";
import { invalid, OFFSET, readQueryNumber } from "./fields.ts";
import { writeOpenMetrics } from "./open-metrics.ts";

export const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
export const LIMIT = { fallback: 100, least: 1, most: 1_000 };
const HOUR_MS = 3_600_000;
const MILLISECONDS_FROM = 100_000_000_000;

export const routes: Routes = {
  "/metrics": { GET: { handle: list } },
  "/metrics/prometheus": { GET: { handle: scrape } },
  "/metrics/:id": { GET: { handle: show } },
};

/** What Prometheus asks for, it says in `Accept`. */
async function list(call: Call): Promise<Response> {
  if (call.request.headers.get("accept")?.includes("application/openmetrics-text") === true) return scrape(call);
  const query = queryOf(call);
  const { conductor } = call;
  const limit = readQueryNumber(query, "limit", LIMIT);
  const offset = readQueryNumber(query, "offset", OFFSET);
  const components = conductor.registry
    .all()
    .filter((component) => mayReach(call, "observe", component))
    .drop(offset)
    .take(limit)
    .map((component) => describe(conductor, component, query))
    .toArray();
  const { size, refused } = conductor.measures.series;
  return Response.json({ components, components_total: conductor.registry.size, series: size, values_without_room: refused });
}

function show(call: Call): Response {
  const component = call.conductor.registry.expect(call.params.id ?? "");
  requireReach(call, "observe", component);
  return Response.json(describe(call.conductor, component, queryOf(call)));
}

async function scrape(call: Call): Promise<Response> {
  const isShown = (component: Component): boolean => mayReach(call, "observe", component);
  return new Response(await writeOpenMetrics(call.conductor, isShown), { headers: { "content-type": OPEN_METRICS } });
}

function describe({ measures, clock }: Conductor, component: Component, query: URLSearchParams): object {
  const about = { component_id: component.id, component: component.name };
  if (!query.has("start") && !query.has("end")) return { ...about, metrics: measures.all(component) };
  const now = clock.now();
  const end = readTime(query, "end") ?? now;
  const start = readTime(query, "start") ?? end - HOUR_MS;
  if (start > end) throw invalid("start", "is later than the end");
  const series = measures.series.metricsOf(component.id).map((metric) => {
    const points = measures.series.read(component.id, metric, { start, end, now });
    return [metric, points.map(({ time, ...rest }) => ({ time: isoTime(time), ...rest }))];
  });
  return {
    ...about,
    start: isoTime(start),
    end: isoTime(end),
    step_seconds: tierFor(start, now).stepMs / 1_000,
    series: Object.fromEntries(series),
  };
}

/** A time as text, or a number of seconds or milliseconds since 1970. */
function readTime(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const number = Number(text);
  const time = Number.isNaN(number) || text === "" ? Date.parse(text) : number < MILLISECONDS_FROM ? number * 1_000 : number;
  if (Number.isFinite(time) && Math.abs(time) <= 8.64e15) return time;
  throw invalid(name, "must be a time as in 2026-01-31T12:00:00Z, or a number of seconds or milliseconds since 1970");
}
