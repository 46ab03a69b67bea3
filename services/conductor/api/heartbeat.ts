/** POST /heartbeat: the one route that is asked all the time. */
import type { PeerChange } from "../core/change-log.ts";
import type { Conductor } from "../core/conductor.ts";
import { ConductorError } from "../core/conductor-error.ts";
import type { Reported } from "../core/health.ts";
import type { Component, Metrics } from "../core/registry.ts";
import { isoTime } from "./answers.ts";
import { type Call, componentFor, type Routes } from "./call.ts";
import { type Fields, invalid, readFields, readOptionalChoice, readRequiredText } from "./fields.ts";
import { COMPONENT_ID } from "./words.ts";

export const REPORTED: readonly Reported[] = ["healthy", "degraded", "unhealthy"];
/** Clocks differ a little. */
const AHEAD_MS = 5_000;
export const METRICS = 64;
/** A number below it is in seconds: 1973 in milliseconds, the year 5138 in seconds. */
const MILLISECONDS_FROM = 100_000_000_000;

export const routes: Routes = { "/heartbeat": { POST: { handle: beat } } };

async function beat(call: Call): Promise<Response> {
  const fields = await readFields(call);
  const component = componentFor(call, readRequiredText(fields, "component_id", COMPONENT_ID));
  const { conductor } = call;
  if (!component.health.doesBeat) throw invalid("component_id", `is ${component.id}, which was registered as one without heartbeats`);
  checkTimestamp(fields, conductor);
  const reported = readOptionalChoice(fields, "status", REPORTED) ?? "healthy";
  const metrics = readMetrics(fields);
  if (metrics !== undefined) {
    component.metrics = metrics;
    conductor.measures.report(component, conductor.clock.now());
  }
  conductor.monitor.apply(component, { kind: "beat", reported });
  const { health } = component;
  return Response.json({
    status: health.state,
    component_id: component.id,
    next_heartbeat: isoTime(conductor.clock.now() + health.intervalMs),
    commands: listCommands(conductor, component),
  });
}

/**
 * Health is judged by when a beat comes, on the conductor's own clock, so a component whose clock is behind is no worse for it.
 * One that is ahead would put its metrics where nobody looks for them: it is told.
 */
function checkTimestamp(fields: Fields, { clock }: Conductor): void {
  const { timestamp } = fields;
  if (timestamp === undefined || timestamp === null) return;
  const time =
    typeof timestamp === "number" ? (timestamp < MILLISECONDS_FROM ? timestamp * 1_000 : timestamp) : Date.parse(String(timestamp));
  if (!Number.isFinite(time))
    throw invalid("timestamp", "must be a time as in 2026-01-31T12:00:00Z, or a number of seconds or milliseconds since 1970");
  const now = clock.now();
  if (time <= now + AHEAD_MS) return;
  throw new ConductorError(
    "timestamp_in_the_future",
    `"timestamp" is ${Math.round((time - now) / 1_000)} s ahead of the conductor's clock`,
    {
      hint: "set the component's clock, or leave the timestamp out",
      details: { field: "timestamp", server_time: isoTime(now) },
    },
  );
}

function readMetrics(fields: Fields): Metrics | undefined {
  const { metrics } = fields;
  if (metrics === undefined || metrics === null) return undefined;
  if (typeof metrics !== "object" || Array.isArray(metrics)) throw invalid("metrics", "must be an object of numbers");
  const entries = Object.entries(metrics);
  if (entries.length > METRICS) throw invalid("metrics", `may have at most ${METRICS} numbers`);
  const wrong = entries.find(([name, value]) => !Number.isFinite(value) || name.length > 128);
  if (wrong !== undefined) throw invalid(`metrics.${wrong[0].slice(0, 128)}`, "must be a number, under a name of 128 characters at most");
  return metrics as Metrics;
}

/** What has become of others that it may find since its last beat. */
function listCommands({ monitor, access }: Conductor, component: Component): object[] {
  const { changes } = monitor;
  if (component.toldChange === changes.last) return [];
  const { changes: found, isCut } = changes.since(component.toldChange);
  component.toldChange = changes.last;
  const isTold = ({ componentId: id, component: name }: PeerChange): boolean =>
    id !== component.id && access.may(component, "discover", { id, name });
  const commands: object[] = found.filter(isTold).map(asCommand);
  // it was away for longer than changes are kept
  return isCut ? [{ command: "refresh_services" }, ...commands] : commands;
}

function asCommand({ componentId, component, from, to }: PeerChange): object {
  return { command: "peer_status", component_id: componentId, component, from, status: to };
}
