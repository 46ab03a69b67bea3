/** GET /dashboard: how all are, as JSON; live with ?watch=true; a page for people where a browser asks. */
import type { Conductor } from "../core/conductor.ts";
import { causesOf, type State } from "../core/health.ts";
import type { Component } from "../core/registry.ts";
import { describeFiring } from "./alerts.ts";
import { isoTime } from "./answers.ts";
import { type Call, isYes, mayReach, queryOf, type Routes, wantsPage } from "./call.ts";
import { readQueryNumber } from "./fields.ts";
import { answerPage } from "./page.ts";
import { type EventStream, streamEvents } from "./sse.ts";

export const routes: Routes = {
  "/": { GET: { handle: goToPage, access: "page" } },
  "/dashboard": { GET: { handle: show, access: "page" } },
};

export const LIMIT = { fallback: 500, least: 1, most: 10_000 };
const EVERY_MS = 1_000;
const READER_BYTES = 1_048_576;

/** Whoever opens the address that `harbor url` prints. */
function goToPage(): Response {
  return new Response(null, { status: 302, headers: { location: "/dashboard" } });
}

async function show(call: Call): Promise<Response> {
  if (wantsPage(call.request)) return answerPage();
  const limit = readQueryNumber(queryOf(call), "limit", LIMIT);
  if (isYes(queryOf(call).get("watch"))) return streamEvents(call, (stream) => watch(call, limit, stream));
  return Response.json(await summarize(call, limit));
}

/** Once a second; a reader that is behind is left out until it has read. */
async function watch(call: Call, limit: number, stream: EventStream): Promise<void> {
  while (!stream.signal.aborted) {
    if (stream.waiting() < READER_BYTES) stream.send("dashboard", await summarize(call, limit));
    await Bun.sleep(EVERY_MS);
  }
}

/** Of those that rules let whoever asks see. */
async function summarize(call: Call, limit: number): Promise<object> {
  const { conductor } = call;
  const { registry, clock, store } = conductor;
  const status = await store.status();
  const shown = conductor.access.hasRules
    ? [...registry.all()].filter((component) => mayReach(call, "observe", component))
    : [...registry.all()];
  const counts: Record<string, number> = { starting: 0, healthy: 0, degraded: 0, offline: 0 };
  for (const { health } of shown) counts[health.state] = (counts[health.state] ?? 0) + 1;
  const firing = describeFiring(call);
  const isBad = !status.ok || (counts.degraded ?? 0) + (counts.offline ?? 0) > 0;
  return {
    // the worst that there is
    overall_status: (counts.offline ?? 0) > 0 ? "critical" : isBad ? "degraded" : "healthy",
    timestamp: isoTime(clock.now()),
    uptime_seconds: Math.round((clock.steady() - conductor.startedAt) / 1_000),
    store: status,
    components_total: shown.length,
    components_by_status: counts,
    components: pick(shown, limit).map((component) => describe(conductor, component)),
    alerts_total: firing.length,
    alerts: firing.slice(0, limit),
  };
}

/** Where there are more, those that are not well come first. */
function pick(shown: readonly Component[], limit: number): readonly Component[] {
  if (shown.length <= limit) return shown;
  const byState = Map.groupBy(shown, ({ health }) => health.state);
  const worstFirst: readonly State[] = ["offline", "degraded", "starting", "healthy"];
  return worstFirst.flatMap((state) => byState.get(state)?.slice(0, limit) ?? []).slice(0, limit);
}

function describe({ monitor, measures }: Conductor, component: Component): object {
  const { health } = component;
  const traffic = measures.traffic.of(component.id);
  return {
    component_id: component.id,
    component: component.name,
    version: component.version,
    status: health.state,
    causes: causesOf(health),
    status_since: isoTime(monitor.dateOf(health.since)),
    uptime_seconds: Math.round(measures.valueOf(component, "uptime_seconds") ?? 0),
    last_heartbeat: health.beatAt === undefined ? null : isoTime(monitor.dateOf(health.beatAt)),
    requests: traffic.requests,
    errors: traffic.errors,
    requests_per_minute: traffic.requestsPerMinute,
    errors_per_minute: traffic.errorsPerMinute,
    metrics: component.metrics ?? {},
  };
}
