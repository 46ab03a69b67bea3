/** POST /request, GET /requests/listen, POST /requests/answer: a question that waits for its answer. */
import type { Conductor } from "../core/conductor.ts";
import { ConductorError } from "../core/conductor-error.ts";
import { causesOf } from "../core/health.ts";
import { isTypeGlob } from "../core/match-type.ts";
import type { Component } from "../core/registry.ts";
import type { Asked, Outcome } from "../core/request-desk.ts";
import { type Call, holderOf, queryOf, type Routes, reachable } from "./call.ts";
import { invalid, readFields, readOptionalNumber, readOptionalText, readRequiredText } from "./fields.ts";
import { readType } from "./message.ts";
import { ownerOf, senderOf } from "./people.ts";
import { type EventStream, streamEvents } from "./sse.ts";
import { findTargets } from "./targets.ts";
import { COMPONENT_ID } from "./words.ts";

export const TARGET = { pattern: /^[A-Za-z0-9][\w.:-]{0,70}$/, words: "a component's id or name, or a capability" };
export const REQUEST_ID = { pattern: /^[\w-]{1,64}$/, words: "the id of a request" };
export const TIMEOUT_S = { fallback: 30, least: 0.01, most: 3_600 };
export const TYPES = 32;
const READER_BYTES = 1_048_576;
const SHOWN = 20;
const SELF = "conductor";

export const routes: Routes = {
  "/request": { POST: { handle: request } },
  "/requests/listen": { GET: { handle: listen } },
  "/requests/answer": { POST: { handle: answer } },
};

async function request(call: Call): Promise<Response> {
  const { conductor } = call;
  const fields = await readFields(call);
  const to = readRequiredText(fields, "to", TARGET);
  const type = readType(fields, "request_type");
  if (type === undefined) throw invalid("request_type", 'is missing: "ping", or what the other one answers');
  const timeoutS = readOptionalNumber(fields, "timeout_seconds", TIMEOUT_S.least, TIMEOUT_S.most) ?? TIMEOUT_S.fallback;
  const asked: Asked = {
    id: crypto.randomUUID(),
    from: senderOf(call, fields),
    type,
    payload: fields.payload ?? null,
    timeoutMs: timeoutS * 1_000,
  };
  call.note({ from: asked.from, to, request_type: type });
  const start = conductor.clock.steady();
  const { by, result } = await findAnswer(call, to, asked);
  const durationMs = Math.round(conductor.clock.steady() - start);
  return Response.json({ status: "answered", request_id: asked.id, answered_by: by, duration_ms: durationMs, result });
}

interface Answer {
  readonly by: string;
  readonly result: unknown;
}

async function findAnswer(call: Call, to: string, asked: Asked): Promise<Answer> {
  const { conductor } = call;
  const isPing = asked.type === "ping";
  if (isPing && to === SELF && conductor.registry.named(SELF).length === 0) return { by: SELF, result: { response: "pong" } };
  const found = findTargets(conductor, to);
  if (found.length === 0) throw conductor.registry.unknown(to);
  const candidates = reachable(call, "request", found);
  const able = candidates.filter((component) => conductor.desk.listens(component, asked.type));
  const chosen = conductor.balance.choose(`request ${to}`, able, "least-loaded") ?? able[0];
  if (chosen !== undefined) return ask(call, chosen, asked);
  const known = isPing ? candidates.find(isAlive) : undefined;
  if (known === undefined) throw noResponder(to, asked.type, candidates);
  return { by: SELF, result: pongFor(conductor, known) };
}

async function ask(call: Call, component: Component, asked: Asked): Promise<Answer> {
  const { conductor } = call;
  const release = conductor.held.hold(holderOf(call));
  const end = conductor.balance.begin(component);
  call.hold();
  try {
    const outcome = await conductor.desk.ask(component, asked, AbortSignal.any([call.request.signal, conductor.signal]));
    if (outcome.kind === "answered") return { by: component.id, result: outcome.result };
    if (conductor.signal.aborted) throw new ConductorError("unavailable", "The conductor ends", { details: { retry_after: 1 } });
    throw failure(component, asked, outcome);
  } finally {
    end();
    release();
  }
}

function failure({ id }: Component, asked: Asked, outcome: Outcome): ConductorError {
  const details = { request_id: asked.id, component_id: id };
  if (outcome.kind === "failed") {
    return new ConductorError("request_failed", `${id} could not answer "${asked.type}"`, {
      details: { ...details, reason: outcome.error },
    });
  }
  if (outcome.kind === "timeout") {
    return new ConductorError("upstream_timeout", `${id} has not answered "${asked.type}" for ${asked.timeoutMs / 1_000} s`, {
      hint: '"timeout_seconds" waits longer',
      details,
    });
  }
  if (outcome.kind === "not_told") {
    return new ConductorError("no_responder", `${id} does not read its requests`, { hint: "nothing was asked: try again", details });
  }
  return new ConductorError("upstream_failed", `${id} went away before it answered "${asked.type}"`, {
    hint: "it may have been done all the same",
    details,
  });
}

/** Of whom a sign of life is known that is not too old. */
function isAlive({ health }: Component): boolean {
  return health.beatAt !== undefined && (health.state === "healthy" || health.state === "degraded");
}

/** What the conductor knows itself: it has not asked. */
function pongFor({ clock }: Conductor, { id, health }: Component): object {
  const ageMs = Math.round(clock.steady() - (health.beatAt ?? 0));
  return { response: "pong", component_id: id, component_status: health.state, last_heartbeat_ms_ago: ageMs };
}

function noResponder(to: string, type: string, candidates: readonly Component[]): ConductorError {
  const instances = candidates
    .slice(0, SHOWN)
    .map(({ id, health }) => ({ component_id: id, status: health.state, causes: causesOf(health) }));
  return new ConductorError("no_responder", `Nobody listens for "${type}" as "${to}"`, {
    hint: "the component listens with GET /requests/listen; a message waits for it: POST /queue/send",
    details: { instances },
  });
}

/** A stream of what this component is asked, until it goes away or registers again. */
function listen(call: Call): Response {
  const query = queryOf(call);
  const component = ownerOf(call, query.get("component") ?? undefined);
  const types = query.getAll("request_type").flatMap((text) => text.split(","));
  if (types.length > TYPES || !types.every(isTypeGlob)) {
    throw invalid("request_type", `must be at most ${TYPES} names of types, with * for any part of one: list-*`);
  }
  return streamEvents(call, (stream) => serve(call.conductor, component, types, stream), component);
}

function serve({ desk }: Conductor, component: Component, types: readonly string[], stream: EventStream): void {
  const leave = desk.listen({
    component,
    types,
    tell: (asked) => tell(stream, asked),
    cancel: (id) => stream.send("cancel", { request_id: id }),
  });
  stream.signal.addEventListener("abort", leave);
  stream.send("listening", { component_id: component.id, request_types: types.length === 0 ? ["*"] : types });
}

function tell(stream: EventStream, { id, from, type, payload, timeoutMs }: Asked): boolean {
  if (stream.waiting() > READER_BYTES) {
    stream.send("conductor-dropped", { reason: `more than ${READER_BYTES} bytes were waiting to be read` });
    stream.close();
    return false;
  }
  stream.send("request", { request_id: id, from, request_type: type, payload, timeout_seconds: timeoutMs / 1_000 });
  return true;
}

async function answer(call: Call): Promise<Response> {
  const fields = await readFields(call);
  const component = ownerOf(call, readOptionalText(fields, "component_id", COMPONENT_ID));
  const id = readRequiredText(fields, "request_id", REQUEST_ID);
  const { result, error } = fields;
  if ((result === undefined) === (error === undefined)) throw invalid("result", 'is needed, or "error": one of them');
  call.conductor.desk.answer(component, id, error === undefined ? { kind: "answered", result } : { kind: "failed", error });
  return Response.json({ status: "delivered", request_id: id });
}
