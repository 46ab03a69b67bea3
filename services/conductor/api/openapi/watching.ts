/** In the OpenAPI document: how all are, what was measured, and alerts. */
import { MAX_LENGTH } from "../../core/alert-expression.ts";
import { routes as alerts, CHANNELS, COMPONENT, COMPONENTS, DAY_S, NAME, SEVERITIES } from "../alerts.ts";
import { LIMIT as DASHBOARD_LIMIT, routes as dashboard } from "../dashboard.ts";
import { STATES } from "../discovery.ts";
import { OFFSET } from "../fields.ts";
import { LIMIT, routes as metrics, OPEN_METRICS } from "../metrics.ts";
import type { Group, Operation, Parameter } from "./describe.ts";
import { choice, count, integer, list, map, number, object, orNull, ref, ruled, type Schema, text, time, timeOrNull } from "./schema.ts";

const about: Readonly<Record<string, Schema>> = { component_id: text(), component: text() };
const measured: Schema = { oneOf: [ref("Measures"), ref("Series")] };
const moment: Schema = { type: ["string", "number"] };
const span: readonly Parameter[] = [
  { name: "start", schema: moment, description: "From then on over time; an hour before the end where only that is said" },
  { name: "end", schema: moment, description: "A time as text, or a number of seconds or milliseconds since 1970" },
];
const firing = list(
  object({
    ...{ alert_name: text(), component_id: text(), since: time },
    ...{ condition: text(), severity: choice(SEVERITIES), is_silenced: { type: "boolean" } },
  }),
);
const alertPath = [{ name: "name", schema: text() }];
const alert: Readonly<Record<string, Schema>> = {
  alert_name: text(),
  condition: text(),
  components: list(text()),
  for_seconds: number(),
  severity: choice(SEVERITIES),
  silenced_until: timeOrNull,
  notification_channels: list(object({ type: text() }, { host: text("Of a webhook: its path lets one in"), to: text() })),
};

const configure: Operation = {
  id: "configureAlert",
  summary: "Make an alert, or change it",
  body: object(
    { alert_name: ruled(NAME), condition: text("As in `errors_per_minute > 5 and up == 1`", { minLength: 1, maxLength: MAX_LENGTH }) },
    {
      components: list(ruled(COMPONENT), { maxItems: COMPONENTS, description: "All where it is left out" }),
      for_seconds: number("How long it has to hold", { least: 0, most: DAY_S }),
      severity: choice(SEVERITIES),
      notification_channels: list(ref("Channel"), { maxItems: CHANNELS }),
    },
  ),
  example: {
    ...{ alert_name: "many-errors", condition: "errors_per_minute > 5", components: ["sherlock-*"], for_seconds: 60 },
    notification_channels: ["desktop"],
  },
  answers: { 201: { description: "It is looked at from now on", schema: object({ status: { const: "configured" }, ...alert }) } },
  errors: ["bad_condition"],
};

const silence: Operation = {
  id: "silenceAlert",
  summary: "Notify nobody for a while",
  path: alertPath,
  body: object({ duration_seconds: number("0 ends a silence", { least: 0, most: 365 * DAY_S }) }),
  example: { duration_seconds: 3_600 },
  answers: { 200: { description: "It is so", schema: object({ status: choice(["silenced", "not silenced"]), ...alert }) } },
  errors: ["unknown_alert"],
};

export const watching: Group = {
  tag: "Watching",
  description: "How all are, what was measured, what is told to whom",
  routes: { ...metrics, ...dashboard, ...alerts },
  operations: {
    "/": {
      GET: {
        id: "home",
        summary: "To the dashboard",
        description: "A browser needs no token for it.",
        answers: { 302: { description: "It is at /dashboard", headers: { Location: "/dashboard" } } },
      },
    },
    "/dashboard": {
      GET: {
        id: "dashboard",
        summary: "How all are",
        description: "A browser gets a page, without a token; it asks for one.",
        query: [
          { name: "limit", schema: integer("Of components", DASHBOARD_LIMIT) },
          { name: "watch", schema: { type: "boolean" }, description: "Once a second, as server-sent events" },
        ],
        answers: {
          200: { description: "All at once", schema: ref("Dashboard"), events: { dashboard: ref("Dashboard") }, content: "text/html" },
        },
      },
    },
    "/metrics": {
      GET: {
        id: "listMetrics",
        summary: "What was measured of all",
        query: [
          { name: "limit", schema: integer("Of components", LIMIT) },
          { name: "offset", schema: integer(undefined, { least: OFFSET.least }) },
          ...span,
        ],
        answers: {
          200: {
            description: "Now, or over time; for Prometheus as OpenMetrics",
            schema: object({ components: list(measured), components_total: count, series: count, values_without_room: count }),
            content: OPEN_METRICS,
          },
        },
      },
    },
    "/metrics/prometheus": {
      GET: {
        id: "scrape",
        summary: "All as OpenMetrics 1.0",
        answers: { 200: { description: "Text", content: OPEN_METRICS } },
      },
    },
    "/metrics/:id": {
      GET: {
        id: "getMetrics",
        summary: "What was measured of one",
        path: [{ name: "id", schema: text() }],
        query: span,
        answers: { 200: { description: "Now, or over time", schema: measured } },
        errors: ["unknown_component"],
      },
    },
    "/alerts": {
      GET: {
        id: "listAlerts",
        summary: "Alerts, and what fires",
        answers: { 200: { description: "All", schema: object({ alerts: list(ref("Alert")), firing }) } },
      },
    },
    "/alerts/configure": { POST: configure },
    "/alerts/:name": {
      DELETE: {
        id: "removeAlert",
        summary: "Remove it",
        path: alertPath,
        answers: { 200: { description: "It is gone", schema: object({ status: { const: "deleted" }, alert_name: text() }) } },
        errors: ["unknown_alert"],
      },
    },
    "/alerts/:name/silence": { POST: silence },
  },
  schemas: {
    Alert: object(alert),
    Channel: {
      oneOf: [
        { const: "desktop" },
        object({ type: { const: "desktop" } }),
        object({ type: choice(["webhook", "slack"]), url: text(undefined, { format: "uri" }) }),
        object({ type: { const: "email" }, to: text(undefined, { format: "email" }) }),
      ],
    },
    Measures: object({ ...about, metrics: map(orNull(number())) }),
    Series: object({
      ...about,
      start: time,
      end: time,
      step_seconds: number(),
      series: map(list(object({ time, mean: number(), max: number(), count }))),
    }),
    Dashboard: object({
      overall_status: choice(["healthy", "degraded", "critical"]),
      timestamp: time,
      uptime_seconds: count,
      store: ref("Store"),
      components_total: count,
      components_by_status: object(Object.fromEntries(STATES.map((state) => [state, count]))),
      components: list(
        object({
          ...about,
          version: text(),
          status: choice(STATES),
          causes: list(text()),
          status_since: time,
          uptime_seconds: count,
          last_heartbeat: timeOrNull,
          ...{ requests: count, errors: count, requests_per_minute: count, errors_per_minute: count },
          metrics: map({ type: "number" }),
        }),
      ),
      alerts_total: count,
      alerts: firing,
    }),
  },
};
