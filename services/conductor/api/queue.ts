/** POST /queue/send, send-batch, ack, release, redrive; GET /queue/receive, dead-letters, depth */
import { ConductorError } from "../core/conductor-error.ts";
import type { Delivery, NewMessage, QueueDepth } from "../store/store.ts";
import { type Call, queryOf, type Routes, replaced, requireReach, stillSame } from "./call.ts";
import {
  type Fields,
  invalid,
  readFields,
  readOptionalNumber,
  readOptionalText,
  readQueryNumber,
  readRequiredText,
  readTexts,
} from "./fields.ts";
import { describeDeadLetter, describeDelivery, readMessage } from "./message.ts";
import { findOne, ownerOf, senderOf } from "./people.ts";
import { COMPONENT_ID } from "./words.ts";

export const BATCH = 1_000;
/** Receivers of a batch that the audit names. */
const NOTED = 10;
export const RECEIPT = { pattern: /^[\x21-\x7e]{1,256}$/, words: "a receipt, as it was received" };
export const MESSAGE_ID = { pattern: /^\d{1,13}-\d{1,4}$/, words: "the id of a message" };
export const VISIBILITY_S = { fallback: 30, least: 1, most: 43_200 };
export const WAIT_S = { fallback: 0, least: 0, most: 60 };
/** An answer stays below 100 times the largest request. */
export const MAX = { fallback: 10, least: 1, most: 100 };
export const DELAY_S = 43_200;
export const LETTERS = { fallback: 100, least: 1, most: 1_000 };

export const routes: Routes = {
  "/queue/send": { POST: { handle: send } },
  "/queue/send-batch": { POST: { handle: sendBatch } },
  "/queue/receive": { GET: { handle: receive } },
  "/queue/ack": { POST: { handle: acknowledge } },
  "/queue/release": { POST: { handle: release } },
  "/queue/dead-letters": { GET: { handle: listDeadLetters } },
  "/queue/redrive": { POST: { handle: redrive } },
  "/queue/depth": { GET: { handle: depth } },
};

async function send(call: Call): Promise<Response> {
  const fields = await readFields(call);
  const header = call.request.headers.get("idempotency-key");
  const message = readOne(call, header === null ? fields : { idempotency_key: header, ...fields });
  call.note({ from: message.from, to: message.to });
  const [sent] = await call.conductor.mail.send([message]);
  const isDuplicate = sent?.isDuplicate === true;
  const body = { status: "accepted", message_id: sent?.id, to: message.to, is_duplicate: isDuplicate };
  return Response.json(body, { status: isDuplicate ? 200 : 201 });
}

async function sendBatch(call: Call): Promise<Response> {
  const { messages } = await readFields(call);
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > BATCH) {
    throw invalid("messages", `must be a list of 1 to ${BATCH} messages`);
  }
  const read = messages.map((fields: unknown, index) => readNumbered(call, fields, index));
  call.note({ messages: read.length, to: [...new Set(read.map(({ to }) => to))].slice(0, NOTED) });
  const sent = await call.conductor.mail.send(read);
  const answers = sent.map(({ id, isDuplicate }) => ({ message_id: id, is_duplicate: isDuplicate }));
  return Response.json({ status: "accepted", accepted: sent.length, messages: answers }, { status: 201 });
}

/** Complaints say which one it is. */
function readNumbered(call: Call, fields: unknown, index: number): NewMessage {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw invalid(`messages[${index}]`, "must be an object");
  try {
    return readOne(call, fields as Fields);
  } catch (error) {
    if (!(error instanceof ConductorError)) throw error;
    const { code, message, hint, details } = error;
    throw new ConductorError(code, `messages[${index}]: ${message}`, {
      details: { ...details, index },
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function readOne(call: Call, fields: Fields): NewMessage {
  const { conductor } = call;
  const to = findOne(conductor, readRequiredText(fields, "to", COMPONENT_ID));
  requireReach(call, "send", to);
  return readMessage(fields, { from: senderOf(call, fields), to: to.id, now: conductor.clock.now() });
}

/** Answers at once, or when something comes; whoever has registered again meanwhile gets it instead. */
async function receive(call: Call): Promise<Response> {
  const { conductor, request } = call;
  const query = queryOf(call);
  const owner = ownerOf(call, query.get("component") ?? undefined);
  const { id } = owner;
  const options = {
    max: readQueryNumber(query, "max", MAX),
    visibilityMs: readQueryNumber(query, "visibility", VISIBILITY_S) * 1_000,
    waitMs: readQueryNumber(query, "wait", WAIT_S) * 1_000,
  };
  if (options.waitMs > 0) call.hold();
  const mayStill = (): boolean => call.principal.kind === "operator" || conductor.access.may(owner, "receive");
  const isSame = stillSame(call);
  const isStill = (): boolean => isSame() && mayStill();
  const signal = AbortSignal.any([request.signal, conductor.signal]);
  const deliveries = await conductor.mail.receive(id, { ...options, signal, isStill });
  // nobody is there to read them, or not the right one: the next may have them now
  if (deliveries.length > 0 && (request.signal.aborted || !isStill())) await giveBack(call, id, deliveries);
  if (!mayStill()) conductor.access.require(owner, "receive");
  if (!isStill()) throw replaced(call);
  return Response.json({ messages: deliveries.map(describeDelivery) });
}

async function giveBack({ conductor }: Call, id: string, deliveries: readonly Delivery[]): Promise<void> {
  const receipts = deliveries.map(({ receipt }) => receipt);
  await conductor.mail.release(id, receipts, 0);
}

async function acknowledge(call: Call): Promise<Response> {
  const { id, receipts } = await readReceipts(call);
  return Response.json({ status: "acknowledged", acknowledged: await call.conductor.mail.ack(id, receipts) });
}

async function release(call: Call): Promise<Response> {
  const { id, receipts, fields } = await readReceipts(call);
  const delayS = readOptionalNumber(fields, "delay_seconds", 0, DELAY_S) ?? 0;
  return Response.json({ status: "released", released: await call.conductor.mail.release(id, receipts, Math.round(delayS * 1_000)) });
}

async function readReceipts(call: Call): Promise<{ id: string; receipts: string[]; fields: Fields }> {
  const fields = await readFields(call);
  const { id } = ownerOf(call, readOptionalText(fields, "component_id", COMPONENT_ID));
  const receipts = readTexts(fields, "receipts", RECEIPT, BATCH);
  if (receipts.length === 0) throw invalid("receipts", "is missing or empty: name those that are meant");
  return { id, receipts, fields };
}

async function listDeadLetters(call: Call): Promise<Response> {
  const query = queryOf(call);
  const letters = await call.conductor.store.queue.deadLetters(scopeOf(call, query));
  const shown = letters.slice(0, readQueryNumber(query, "limit", LETTERS));
  return Response.json({ messages: shown.map(describeDeadLetter), total: letters.length });
}

/** A component puts back its own alone; others' are to it as if they were not there. */
async function redrive(call: Call): Promise<Response> {
  const ids = readTexts(await readFields(call), "message_ids", MESSAGE_ID, BATCH);
  const { conductor, principal } = call;
  if (principal.kind === "operator") return Response.json({ status: "redriven", redriven: await conductor.mail.redrive(ids) });
  const own = new Set((await conductor.store.queue.deadLetters(principal.component.id)).map(({ id }) => id));
  const redriven = await conductor.mail.redrive(ids.filter((id) => own.has(id)));
  return Response.json({ status: "redriven", redriven });
}

async function depth(call: Call): Promise<Response> {
  const depths = await call.conductor.store.queue.depth(scopeOf(call, queryOf(call)));
  const entries = Object.entries(depths).map(([id, { waiting, inFlight, dead }]: [string, QueueDepth]) => [
    id,
    { waiting, in_flight: inFlight, dead },
  ]);
  return Response.json({ queues: Object.fromEntries(entries) });
}

/** One component's; undefined for everybody's, which is the operator's to see. It may name one that has left: its messages are still there. */
function scopeOf(call: Call, query: URLSearchParams): string | undefined {
  const name = query.get("component") ?? undefined;
  if (call.principal.kind === "component") return ownerOf(call, name).id;
  if (name === undefined) return undefined;
  if (!COMPONENT_ID.pattern.test(name)) throw invalid("component", `must be ${COMPONENT_ID.words}`);
  const { registry } = call.conductor;
  return registry.get(name) === undefined && registry.named(name).length === 0 ? name : findOne(call.conductor, name).id;
}
