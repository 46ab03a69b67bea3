/** In the OpenAPI document: who is there. */
import { routes as discovery, LIMIT, STATES, STRATEGIES } from "../discovery.ts";
import { OFFSET } from "../fields.ts";
import { routes as heartbeat, METRICS, REPORTED } from "../heartbeat.ts";
import {
  CAPABILITIES,
  CAPABILITY,
  HOST,
  INTERVAL_S,
  LEASE_S,
  NAME,
  OTHERS_SHOWN,
  routes as register,
  URL_TEXT,
  VERSION,
} from "../register.ts";
import { COMPONENT_ID } from "../words.ts";
import type { Group, Operation, Parameter } from "./describe.ts";
import {
  choice,
  count,
  integer,
  list,
  map,
  matching,
  number,
  object,
  orNull,
  ref,
  ruled,
  type Schema,
  text,
  time,
  timeOrNull,
  yesOrNo,
} from "./schema.ts";

const id = matching(COMPONENT_ID.pattern);
export const metrics = map({ type: "number" }, { maxProperties: METRICS });
const status = choice(STATES);

const publicKey: Schema = { type: "object", description: "What encrypts for it: a JWK, or a JWK Set (RFC 7517)" };

const leaseOrNull = orNull(number("None for one without heartbeats"));

const component: Readonly<Record<string, Schema>> = {
  component_id: id,
  component: text(),
  instance_id: text("Another each time that it registers"),
  version: text(),
  status,
  causes: list(choice(["missed heartbeats", "reported degraded", "reported unhealthy", "health check fails"])),
  status_since: time,
  last_heartbeat: timeOrNull,
  missed_heartbeats: count,
  heartbeat_interval: number("Seconds"),
  lease_seconds: leaseOrNull,
  heartbeats: yesOrNo("Whether it beats; else it is known by its checks, until it is deregistered"),
  registered_by: choice(["component", "harbor"], "`harbor`: a service of the stack"),
  url: text("Where it is reached"),
  host: text(),
  port: integer(),
  capabilities: list(text()),
  health_check_url: orNull(text()),
  registered_at: time,
  metrics: map({ type: "number" }),
};

/** Where it gave one. */
const optional: Readonly<Record<string, Schema>> = { public_key: publicKey };

const exampleRegistration = { component: "sherlock-hub", version: "1.0.0", port: 8001, capabilities: ["entity-analysis"] };

const registerOne: Operation = {
  id: "register",
  summary: "Register a component",
  description: "Under a name with one instance that is a restart: the same id, a new token, and the old one is no longer good.",
  body: object(
    { component: ruled(NAME), port: integer("Where it listens", { least: 1, most: 65_535 }) },
    {
      version: ruled(VERSION),
      capabilities: list(ruled(CAPABILITY), { maxItems: CAPABILITIES }),
      health_check_url: ruled(URL_TEXT, "Asked as often as it beats; on its own port, or a URL of its own host"),
      heartbeat_interval: number("Seconds; the conductor's where it is left out", INTERVAL_S),
      lease_seconds: number("How long it is known without a heartbeat", LEASE_S),
      instances: choice(["one", "many"], "`many`: another one beside those of its name"),
      component_id: ruled(COMPONENT_ID, "Of many, the one that it is again"),
      host: ruled(HOST, "Where it is, if not where it registers from"),
      public_key: publicKey,
      heartbeats: yesOrNo("`false`: known by its health check alone, which it has to have, until it is deregistered"),
    },
  ),
  example: exampleRegistration,
  answers: {
    201: {
      description: "It is known now, and after a restart of the conductor",
      schema: object({
        status: { const: "registered" },
        component_id: id,
        instance_id: text(),
        is_replacement: yesOrNo(),
        token: text("For everything else, in its name"),
        heartbeat_interval: number("Seconds"),
        next_heartbeat: timeOrNull,
        lease_seconds: leaseOrNull,
        components_total: count,
        components: list(object({ component_id: id, status, capabilities: list(text()) }), { maxItems: OTHERS_SHOWN }),
      }),
    },
  },
  errors: ["bad_address", "registry_full"],
};

const beat: Operation = {
  id: "beat",
  summary: "Say that a component is alive",
  body: object(
    { component_id: ruled(COMPONENT_ID) },
    {
      timestamp: { type: ["string", "number"], description: "As text, or a number since 1970; not ahead of the conductor's clock" },
      status: choice(REPORTED, "How it is by its own account"),
      metrics,
    },
  ),
  example: { component_id: "sherlock-hub-001", status: "healthy", metrics: { cpu_percent: 12.5, active_requests: 3 } },
  answers: {
    200: {
      description: "When the next is due, and what has become of others since the last",
      schema: object({ status: text(), component_id: id, next_heartbeat: time, commands: list(ref("Command")) }),
    },
  },
  errors: ["not_yours", "unknown_component", "timestamp_in_the_future"],
};

const filters: readonly Parameter[] = [
  { name: "capability", schema: text(), isList: true, description: "Of several all" },
  { name: "status", schema: status, isList: true, description: "Of several any" },
  { name: "component", schema: text("A name, or an id") },
  { name: "version", schema: text("As it is, or a range as npm has them"), description: "`1.4.0`, `^1.2.0`, `>=2`" },
];

const listAll: Operation = {
  id: "listServices",
  summary: "Who is there",
  query: [
    ...filters,
    { name: "limit", schema: integer(undefined, LIMIT) },
    { name: "offset", schema: integer(undefined, { least: OFFSET.least }) },
    { name: "watch", schema: yesOrNo(), description: "All, and then each change as it comes, as server-sent events" },
  ],
  answers: {
    200: {
      description: "Those that match",
      schema: object({ services: list(ref("Component")), total: count }),
      events: {
        services: object({ services: list(ref("Component")) }),
        added: ref("Component"),
        changed: ref("Component"),
        removed: object({ component_id: id, status: text() }),
        "conductor-dropped": ref("Dropped"),
      },
    },
  },
};

const resolve: Operation = {
  id: "resolve",
  summary: "One that can take a request now",
  query: [...filters, { name: "strategy", schema: choice(STRATEGIES) }],
  answers: {
    200: {
      description: "The one with the least to do, or whose turn it is",
      schema: object({ strategy: choice(STRATEGIES), ...component }, optional),
    },
  },
  errors: ["unknown_component", "no_instance"],
};

export const components: Group = {
  tag: "Components",
  description: "Registering, beating, finding each other",
  routes: { ...register, ...heartbeat, ...discovery },
  operations: {
    "/register": { POST: registerOne },
    "/deregister": {
      POST: {
        id: "deregister",
        summary: "Leave",
        body: object({ component_id: ruled(COMPONENT_ID) }),
        example: { component_id: "sherlock-hub-001" },
        answers: { 200: { description: "It is forgotten", schema: object({ status: { const: "deregistered" }, component_id: id }) } },
        errors: ["not_yours", "unknown_component"],
      },
    },
    "/heartbeat": { POST: beat },
    "/services": { GET: listAll },
    "/services/:id": {
      GET: {
        id: "getService",
        summary: "One of them",
        path: [{ name: "id", schema: text() }],
        answers: { 200: { description: "All that is known of it", schema: ref("Component") } },
        errors: ["unknown_component"],
      },
    },
    "/resolve": { GET: resolve },
  },
  schemas: {
    Component: object(component, optional),
    Command: {
      oneOf: [
        object({
          command: { const: "peer_status" },
          component_id: id,
          component: text(),
          from: orNull(text("Null: it has just registered")),
          status: text(),
        }),
        object({ command: { const: "refresh_services", description: "More has changed than is remembered" } }),
      ],
    },
    Dropped: object({ reason: text() }),
    Failed: object({ code: text(), message: text() }),
    Replaced: object({ component_id: id, reason: text() }),
  },
};
