/** GET /dashboard: how all are, as JSON; live with ?watch=true; a page for people where a browser asks. */
import type { Conductor } from "../core/conductor.ts";
import type { Component } from "../core/registry.ts";
import { isoTime } from "./answers.ts";
import { type Call, isYes, queryOf, type Routes, wantsPage } from "./call.ts";
import { readQueryNumber } from "./fields.ts";
import { type EventStream, streamEvents } from "./sse.ts";

export const routes: Routes = { "/dashboard": { GET: { handle: show, access: "page" } } };

export const LIMIT = { fallback: 500, least: 1, most: 10_000 };
const EVERY_MS = 1_000;
const READER_BYTES = 1_048_576;

async function show(call: Call): Promise<Response> {
  if (wantsPage(call.request)) return page();
  const limit = readQueryNumber(queryOf(call), "limit", LIMIT);
  if (isYes(queryOf(call).get("watch"))) return streamEvents(call, (stream) => watch(call.conductor, limit, stream));
  return Response.json(await summarize(call.conductor, limit));
}

/** Once a second; a reader that is behind is left out until it has read. */
async function watch(conductor: Conductor, limit: number, stream: EventStream): Promise<void> {
  while (!stream.signal.aborted) {
    if (stream.waiting() < READER_BYTES) stream.send("dashboard", await summarize(conductor, limit));
    await Bun.sleep(EVERY_MS);
  }
}

async function summarize(conductor: Conductor, limit: number): Promise<object> {
  const { registry, alerts, clock, store } = conductor;
  const status = await store.status();
  const counts: Record<string, number> = { starting: 0, healthy: 0, degraded: 0, offline: 0 };
  for (const { health } of registry.all()) counts[health.state] = (counts[health.state] ?? 0) + 1;
  const isBad = !status.ok || (counts.degraded ?? 0) + (counts.offline ?? 0) > 0;
  return {
    // the worst that there is
    overall_status: (counts.offline ?? 0) > 0 ? "critical" : isBad ? "degraded" : "healthy",
    timestamp: isoTime(clock.now()),
    uptime_seconds: Math.round((clock.steady() - conductor.startedAt) / 1_000),
    store: status,
    components_total: registry.size,
    components_by_status: counts,
    components: registry
      .all()
      .take(limit)
      .map((component) => describe(conductor, component))
      .toArray(),
    alerts: alerts
      .firing()
      .map(({ alert, componentId, since }) => ({ alert_name: alert, component_id: componentId, since: isoTime(since) })),
  };
}

function describe({ monitor, measures }: Conductor, component: Component): object {
  const { health } = component;
  const traffic = measures.traffic.of(component.id);
  return {
    component_id: component.id,
    component: component.name,
    version: component.version,
    status: health.state,
    uptime_seconds: Math.round(measures.valueOf(component, "uptime_seconds") ?? 0),
    last_heartbeat: health.beatAt === undefined ? null : isoTime(monitor.dateOf(health.beatAt)),
    requests: traffic.requests,
    errors: traffic.errors,
    requests_per_minute: traffic.requestsPerMinute,
    errors_per_minute: traffic.errorsPerMinute,
    metrics: component.metrics ?? {},
  };
}

/** It has nothing in it that would need a token: it asks for one, and for the rest with that. */
async function page(): Promise<Response> {
  const html = await Bun.file(new URL("dashboard.html", import.meta.url)).text();
  const hash = (tag: string): string => {
    const [, text = ""] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(html) ?? [];
    return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
  };
  const policy = `default-src 'none'; style-src ${hash("style")}; script-src ${hash("script")}; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-cache",
      vary: "accept, authorization",
    },
  });
}
