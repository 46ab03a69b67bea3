/** POST /alerts/configure, GET /alerts, DELETE /alerts/<name>, POST /alerts/<name>/silence */
import { ExpressionError, parseCondition } from "../core/alert-expression.ts";
import { type AlertRule, type Channel, MAX_RULES } from "../core/alerts.ts";
import { ConductorError } from "../core/conductor-error.ts";
import { nameOfId } from "../core/registry.ts";
import { isAddress } from "../core/smtp.ts";
import { isoTime } from "./answers.ts";
import { type Call, mayReach, type Routes } from "./call.ts";
import { type Fields, invalid, readFields, readOptionalChoice, readOptionalNumber, readRequiredText, readTexts } from "./fields.ts";

/** The other two are the conductor's own. */
export const NAME = {
  pattern: /^(?!component-(?:degraded|offline)$)[A-Za-z0-9][\w.-]{0,63}$/,
  words: "a name of letters, digits and . _ - (64 at most), none of the conductor's own alerts",
};
export const COMPONENT = { pattern: /^[A-Za-z0-9*][\w.*-]{0,127}$/, words: "a component's name or id, with * for any part of one" };
const ANY_TEXT = { pattern: /^[\s\S]+$/, words: "a text" };
export const DAY_S = 86_400;
export const SEVERITIES = ["info", "warning", "critical"] as const;
export const COMPONENTS = 100;
export const CHANNELS = 10;

export const routes: Routes = {
  "/alerts": { GET: { handle: list } },
  "/alerts/configure": { POST: { handle: configure, access: "operator" } },
  "/alerts/:name": { DELETE: { handle: remove, access: "operator" } },
  "/alerts/:name/silence": { POST: { handle: silence, access: "operator" } },
};

/** To a component: of those that it may observe, and without whom else they are told. */
function list(call: Call): Response {
  const { conductor, principal } = call;
  const alerts = conductor.alerts.rules().map((rule) => (principal.kind === "operator" ? describe(rule) : describeForOthers(rule)));
  return Response.json({ alerts, firing: describeFiring(call) });
}

/** What fires for those that whoever asks may observe, each with what its rule says of it. */
export function describeFiring(call: Call): object[] {
  const { alerts, clock } = call.conductor;
  const isShown = (id: string): boolean => mayReach(call, "observe", { id, name: nameOfId(id) });
  const firing = alerts.firing().filter(({ componentId }) => isShown(componentId));
  return firing.map(({ alert, componentId, since }) => {
    const { condition = "", severity = "warning", silencedUntil = 0 } = alerts.get(alert) ?? {};
    const about = { alert_name: alert, component_id: componentId, since: isoTime(since) };
    return { ...about, condition, severity, is_silenced: silencedUntil > clock.now() };
  });
}

/** In place of the one of that name, whose silence goes on. */
async function configure(call: Call): Promise<Response> {
  const { alerts } = call.conductor;
  const fields = await readFields(call);
  const name = readRequiredText(fields, "alert_name", NAME);
  const before = alerts.get(name);
  if (before === undefined && alerts.rules().length >= MAX_RULES) throw invalid("alert_name", `is one more than ${MAX_RULES} alerts`);
  const rule: AlertRule = {
    name,
    condition: readCondition(fields),
    components: readTexts(fields, "components", COMPONENT, COMPONENTS),
    channels: readChannels(fields),
    forMs: (readOptionalNumber(fields, "for_seconds", 0, DAY_S) ?? 0) * 1_000,
    severity: readOptionalChoice(fields, "severity", SEVERITIES) ?? "warning",
    silencedUntil: before?.silencedUntil ?? 0,
  };
  call.note({ alert_name: name, condition: rule.condition });
  await alerts.configure(rule);
  return Response.json({ status: "configured", ...describe(rule) }, { status: 201 });
}

async function remove({ conductor, params }: Call): Promise<Response> {
  const name = params.name ?? "";
  if (!(await conductor.alerts.remove(name))) throw unknownAlert(conductor.alerts.rules(), name);
  return Response.json({ status: "deleted", alert_name: name });
}

/** `duration_seconds: 0` ends it. */
async function silence(call: Call): Promise<Response> {
  const { alerts, clock } = call.conductor;
  const name = call.params.name ?? "";
  const seconds = readOptionalNumber(await readFields(call), "duration_seconds", 0, 365 * DAY_S);
  if (seconds === undefined) throw invalid("duration_seconds", "is missing: 0 ends a silence");
  const rule = alerts.get(name);
  if (rule === undefined) throw unknownAlert(alerts.rules(), name);
  const silenced = { ...rule, silencedUntil: clock.now() + seconds * 1_000 };
  await alerts.configure(silenced);
  return Response.json({ status: seconds === 0 ? "not silenced" : "silenced", ...describe(silenced) });
}

function readCondition(fields: Fields): string {
  const condition = readRequiredText(fields, "condition", ANY_TEXT);
  try {
    parseCondition(condition);
    return condition;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { message, position } = error;
    throw new ConductorError("bad_condition", `The condition ${message}, at character ${position + 1}`, {
      hint: 'as in "errors_per_minute > 5 and cpu_percent > 90"',
      details: { field: "condition", position, pointer: `${condition.slice(0, 200)}\n${" ".repeat(Math.min(position, 200))}^` },
    });
  }
}

function readChannels({ notification_channels: value = [] }: Fields): Channel[] {
  if (!Array.isArray(value) || value.length > CHANNELS) throw invalid("notification_channels", `must be a list of at most ${CHANNELS}`);
  return value.map((each, index) => readChannel(each, `notification_channels.${index}`));
}

function readChannel(value: unknown, field: string): Channel {
  if (value === "desktop") return { type: "desktop" };
  const { type, url, to } = (typeof value === "object" && value !== null ? value : {}) as Fields;
  if (type === "desktop") return { type };
  if (type === "webhook" || type === "slack") {
    const isUrl = typeof url === "string" && ["http:", "https:"].includes(URL.parse(url)?.protocol ?? "");
    if (!isUrl) throw invalid(`${field}.url`, "must be an http or https URL");
    return { type, url };
  }
  if (type === "email") {
    if (typeof to !== "string" || !isAddress(to)) throw invalid(`${field}.to`, "must be a mail address");
    return { type, to };
  }
  throw invalid(field, 'must be "desktop", {"type": "webhook", "url"}, {"type": "slack", "url"} or {"type": "email", "to"}');
}

function unknownAlert(rules: readonly AlertRule[], name: string): ConductorError {
  return new ConductorError("unknown_alert", `There is no alert "${name}"`, { details: { known: rules.map((rule) => rule.name) } });
}

function describeForOthers(rule: AlertRule): object {
  return { ...describe(rule), notification_channels: rule.channels.map(({ type }) => ({ type })) };
}

function describe({ name, condition, components, channels, forMs, severity, silencedUntil }: AlertRule): object {
  return {
    ...{ alert_name: name, condition, components, for_seconds: forMs / 1_000, severity },
    silenced_until: silencedUntil === 0 ? null : isoTime(silencedUntil),
    // a webhook's path is what lets one in
    notification_channels: channels.map((channel) =>
      "url" in channel ? { type: channel.type, host: new URL(channel.url).host } : channel,
    ),
  };
}
