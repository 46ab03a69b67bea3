/** GET /events, GET /events/subscribe, POST /events/publish */
import { ConductorError } from "../core/conductor-error.ts";
import { isType, isTypeGlob } from "../core/match-type.ts";
import { type Call, nameOf, queryOf, type Routes } from "./call.ts";
import { invalid, readFields, readQueryNumber, readRequiredText } from "./fields.ts";
import { describeEvent, streamEvents } from "./sse.ts";
import { admitsFor } from "./visible.ts";

/** What the conductor says itself, which nobody else may say in its place. */
const RESERVED = /^(?:component-|conductor-|alert-|message-dead$)/;
const TYPE = { pattern: /^[\s\S]*$/, words: "a name of letters, digits and . _ : - (128 at most)" };
export const TYPES = 32;
const DATA_BYTES = 262_144;
export const LIMIT = { fallback: 100, least: 1, most: 1_000 };
export const EVENT_ID = /^\d{1,20}(?:-\d{1,20})?$/;

export const routes: Routes = {
  "/events": { GET: { handle: list } },
  "/events/subscribe": { GET: { handle: subscribe } },
  "/events/publish": { POST: { handle: publish } },
};

async function publish(call: Call): Promise<Response> {
  const fields = await readFields(call);
  const type = readRequiredText(fields, "event_type", TYPE);
  if (!isType(type)) throw invalid("event_type", `must be ${TYPE.words}`);
  if (RESERVED.test(type)) throw invalid("event_type", "is one of the conductor's own (component-…, conductor-…, alert-…, message-dead)");
  refuseTooLarge(fields.data);
  const { conductor, principal } = call;
  const event = { type, source: nameOf(principal), time: conductor.clock.now(), data: fields.data ?? null };
  const [stored] = await conductor.hub.publish([event]);
  return Response.json({ status: "published", event_id: stored?.id }, { status: 201 });
}

/** Thousands are kept, and each goes to everybody who listens. */
function refuseTooLarge(data: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(data ?? null));
  if (bytes <= DATA_BYTES) return;
  throw new ConductorError("payload_too_large", `"data" has ${bytes} bytes, and may have ${DATA_BYTES}`, {
    hint: "put it into the shared state, and publish its key",
    details: { field: "data", limit: DATA_BYTES },
  });
}

/** What is kept, oldest first, after `since`. */
async function list(call: Call): Promise<Response> {
  const query = queryOf(call);
  const since = query.get("since") ?? undefined;
  if (since !== undefined && !EVENT_ID.test(since)) throw invalid("since", "must be the id of an event");
  const events = await call.conductor.hub.history(since, readQueryNumber(query, "limit", LIMIT), admitsFor(call));
  return Response.json({ events: events.map(describeEvent) });
}

/** Live from now on; after a break from where the reader was, by what every event source sends: `Last-Event-ID`. */
function subscribe(call: Call): Response {
  const query = queryOf(call);
  const types = query.getAll("event_type").flatMap((text) => text.split(","));
  if (types.length > TYPES || !types.every(isTypeGlob)) {
    throw invalid("event_type", `must be at most ${TYPES} names of types, with * for any part of one: entity-*`);
  }
  const since = call.request.headers.get("last-event-id") ?? query.get("since") ?? undefined;
  if (since !== undefined && !EVENT_ID.test(since)) throw invalid("Last-Event-ID", "must be the id of an event");
  return streamEvents(call, (stream) =>
    call.conductor.hub.subscribe({ types: [...types].sort(), since, sink: stream, signal: stream.signal, admits: admitsFor(call) }),
  );
}
