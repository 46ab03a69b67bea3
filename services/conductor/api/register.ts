/** POST /register, POST /deregister */
import { checkHealthUrl, checkHost } from "../core/address.ts";
import type { Conductor } from "../core/conductor.ts";
import type { Component, Registration } from "../core/registry.ts";
import { isoTime } from "./answers.ts";
import { type Call, componentFor, type Routes } from "./call.ts";
import {
  type Fields,
  invalid,
  readFields,
  readOptionalChoice,
  readOptionalFlag,
  readOptionalNumber,
  readOptionalText,
  readRequiredText,
  readTexts,
} from "./fields.ts";
import { readPublicKey } from "./public-key.ts";
import { COMPONENT_ID } from "./words.ts";

/** `-001` at the end is what ids have: a name with it could be taken for one. */
export const NAME = {
  pattern: /^(?!.*-\d{3,}$)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/,
  words: "a name of letters, digits and . _ - (64 at most) that does not end like an id (-001)",
};
export const VERSION = { pattern: /^[\x20-\x7e]{1,64}$/, words: "a text of 1 to 64 characters" };
export const CAPABILITY = { pattern: /^[A-Za-z0-9][\w.:-]{0,63}$/, words: "a name of letters, digits and . _ : - (64 at most)" };
export const HOST = { pattern: /^[A-Za-z0-9.:_[\]-]{1,253}$/, words: "a name or an address" };
export const URL_TEXT = { pattern: /^[\x21-\x7e]{1,2048}$/, words: "a URL, or a path" };
export const INTERVAL_S = { least: 1, most: 30 };
export const LEASE_S = { least: 60, most: 31_536_000 };
export const CAPABILITIES = 64;
/** Of the others that are there, and that it may find. */
export const OTHERS_SHOWN = 100;

export const routes: Routes = {
  "/register": { POST: { handle: register, access: "operator" } },
  "/deregister": { POST: { handle: deregister } },
};

async function register(call: Call): Promise<Response> {
  const { conductor } = call;
  const registration = readRegistration(await readFields(call), call);
  const { component, token, isAgain } = await conductor.register(registration);
  const { health } = component;
  call.note({ component_id: component.id, is_replacement: isAgain });
  return Response.json(
    {
      status: "registered",
      component_id: component.id,
      instance_id: component.instance,
      is_replacement: isAgain,
      token,
      heartbeat_interval: health.intervalMs / 1_000,
      next_heartbeat: health.doesBeat ? isoTime(conductor.clock.now() + health.intervalMs) : null,
      lease_seconds: health.doesBeat ? health.leaseMs / 1_000 : null,
      components_total: conductor.registry.size,
      components: listOthers(conductor, component),
    },
    { status: 201 },
  );
}

async function deregister(call: Call): Promise<Response> {
  const id = readRequiredText(await readFields(call), "component_id", COMPONENT_ID);
  call.note({ component_id: id });
  await call.conductor.deregister(componentFor(call, id));
  return Response.json({ status: "deregistered", component_id: id });
}

function readRegistration(fields: Fields, { conductor, from, principal }: Call): Registration {
  const { settings } = conductor;
  const isOfStack = principal.kind === "operator" && principal.isStack === true;
  const addresses = { ...conductor.addresses, isOfStack };
  const port = readOptionalNumber(fields, "port", 1, 65_535);
  if (port === undefined || !Number.isInteger(port)) throw invalid("port", "must be a whole number from 1 to 65535");
  const host = checkHost(addresses, from, readOptionalText(fields, "host", HOST), port);
  const healthUrl = readOptionalText(fields, "health_check_url", URL_TEXT);
  const intervalS = readOptionalNumber(fields, "heartbeat_interval", INTERVAL_S.least, INTERVAL_S.most);
  const leaseS = readOptionalNumber(fields, "lease_seconds", LEASE_S.least, LEASE_S.most);
  const doesBeat = readOptionalFlag(fields, "heartbeats") ?? true;
  if (!doesBeat) refuseUnseen(healthUrl, leaseS);
  return {
    name: readRequiredText(fields, "component", NAME),
    version: readOptionalText(fields, "version", VERSION) ?? "",
    host,
    port,
    capabilities: readTexts(fields, "capabilities", CAPABILITY, CAPABILITIES),
    healthCheck: healthUrl === undefined ? null : checkHealthUrl(addresses, from, host, port, healthUrl),
    publicKey: readPublicKey(fields),
    intervalMs: Math.round((intervalS ?? settings.heartbeatIntervalMs / 1_000) * 1_000),
    leaseMs: Math.round((leaseS ?? settings.leaseMs / 1_000) * 1_000),
    doesBeat,
    isOfStack,
    isOneOfMany: readOptionalChoice(fields, "instances", ["one", "many"]) === "many",
    id: readOptionalText(fields, "component_id", COMPONENT_ID),
  };
}

/** Nothing would ever be heard of it. */
function refuseUnseen(healthUrl: string | undefined, leaseS: number | undefined): void {
  if (healthUrl === undefined)
    throw invalid("health_check_url", "is missing: without heartbeats it is how a component is known to be there");
  if (leaseS !== undefined)
    throw invalid("lease_seconds", "has no place here: without heartbeats a component is known until it is deregistered");
}

function listOthers({ registry, access }: Conductor, component: Component): object[] {
  return registry
    .all()
    .filter((other) => other !== component && access.may(component, "discover", other))
    .take(OTHERS_SHOWN)
    .map(({ id, health, capabilities }) => ({ component_id: id, status: health.state, capabilities }))
    .toArray();
}
