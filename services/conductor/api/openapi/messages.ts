/** In the OpenAPI document: messages that wait until they are received. */
import { TYPE } from "../../core/match-type.ts";
import { TTL_S as BROADCAST_TTL_S, routes as broadcast, CAPABILITY } from "../broadcast.ts";
import { HEADERS, KEY, TTL_S } from "../message.ts";
import { BATCH, DELAY_S, LETTERS, MAX, MESSAGE_ID, routes as queue, RECEIPT, VISIBILITY_S, WAIT_S } from "../queue.ts";
import { COMPONENT_ID } from "../words.ts";
import type { Group, Operation } from "./describe.ts";
import {
  anything,
  choice,
  count,
  integer,
  list,
  map,
  matching,
  number,
  object,
  ref,
  ruled,
  type Schema,
  text,
  time,
  timeOrNull,
  yesOrNo,
} from "./schema.ts";

const ttl = (fallback: number): Schema => ({
  ...number("Then it is a dead letter", { most: TTL_S.most }),
  exclusiveMinimum: 0,
  default: fallback,
});
const sent: Readonly<Record<string, Schema>> = {
  from: ruled(COMPONENT_ID, "The one that asks; the conductor's token may say which"),
  message_type: matching(TYPE),
  payload: anything("Any JSON"),
  headers: map(text(undefined, { maxLength: HEADERS.length }), {
    maxProperties: HEADERS.count,
    propertyNames: { pattern: HEADERS.name.source },
  }),
  idempotency_key: ruled(KEY, "The same sender's second one with it within a day is not kept"),
};
const message: Readonly<Record<string, Schema>> = {
  message_id: text("Tells a second delivery"),
  from: text(),
  to: text(),
  message_type: text(),
  payload: anything("Any JSON"),
  headers: map(text()),
  sent_at: time,
  expires_at: timeOrNull,
};
const receipts = list(ruled(RECEIPT), { minItems: 1, maxItems: BATCH });
const whose = { name: "component", schema: text(), description: "The one that asks; the conductor's token says whose" };
const own = ruled(COMPONENT_ID, "The one that asks; the conductor's token says whose");

const answerOne = object({ status: { const: "accepted" }, message_id: text(), to: text(), is_duplicate: yesOrNo() });

const send: Operation = {
  id: "send",
  summary: "Send a message",
  description: "Answered when it is on disk.",
  headers: [{ name: "Idempotency-Key", schema: ruled(KEY), description: "As `idempotency_key`" }],
  body: ref("NewMessage"),
  example: { to: "sherlock-hub", message_type: "scan", payload: { path: "/tmp" }, idempotency_key: "scan-1" },
  answers: {
    200: { description: "It was sent before", schema: answerOne },
    201: { description: "It waits for its receiver", schema: answerOne },
  },
  errors: ["not_yours", "unknown_component", "queue_full"],
};

const sendBatch: Operation = {
  id: "sendBatch",
  summary: "Send several: all, or none where one is wrong",
  body: object({ messages: list(ref("NewMessage"), { minItems: 1, maxItems: BATCH }) }),
  example: {
    messages: [
      { to: "sherlock-hub-001", payload: 1 },
      { to: "sherlock-hub-001", payload: 2, ttl_seconds: 60 },
    ],
  },
  answers: {
    201: {
      description: "In the order given",
      schema: object({
        status: { const: "accepted" },
        accepted: count,
        messages: list(object({ message_id: text(), is_duplicate: yesOrNo() })),
      }),
    },
  },
  errors: ["not_yours", "unknown_component", "queue_full"],
};

const receive: Operation = {
  id: "receive",
  summary: "Receive messages",
  description: "They are nobody else's until they are acknowledged, given back, or their time is over.",
  query: [
    whose,
    { name: "max", schema: { ...integer(undefined, MAX), default: MAX.fallback } },
    { name: "visibility", schema: { ...integer("Seconds", VISIBILITY_S), default: VISIBILITY_S.fallback } },
    { name: "wait", schema: { ...integer("Seconds that it waits for the first", WAIT_S), default: WAIT_S.fallback } },
  ],
  answers: { 200: { description: "Oldest first; none where none came", schema: object({ messages: list(ref("Delivery")) }) } },
  errors: ["not_yours", "unknown_component"],
};

export const messages: Group = {
  tag: "Messages",
  description: "They wait until they are received and acknowledged",
  routes: { ...queue, ...broadcast },
  operations: {
    "/queue/send": { POST: send },
    "/queue/send-batch": { POST: sendBatch },
    "/queue/receive": { GET: receive },
    "/queue/ack": {
      POST: {
        id: "acknowledge",
        summary: "They are done",
        body: object({ receipts }, { component_id: own }),
        example: { receipts: ["1793448000000-0.1"] },
        answers: {
          200: { description: "How many receipts were good", schema: object({ status: { const: "acknowledged" }, acknowledged: count }) },
        },
        errors: ["not_yours", "unknown_component"],
      },
    },
    "/queue/release": {
      POST: {
        id: "release",
        summary: "Give them back",
        body: object({ receipts }, { component_id: own, delay_seconds: number("They wait so long", { least: 0, most: DELAY_S }) }),
        example: { receipts: ["1793448000000-0.1"], delay_seconds: 1 },
        answers: {
          200: { description: "How many receipts were good", schema: object({ status: { const: "released" }, released: count }) },
        },
        errors: ["not_yours", "unknown_component"],
      },
    },
    "/queue/dead-letters": {
      GET: {
        id: "listDeadLetters",
        summary: "Those that are not handed out any more",
        query: [whose, { name: "limit", schema: integer(undefined, LETTERS) }],
        answers: { 200: { description: "Oldest first", schema: object({ messages: list(ref("DeadLetter")), total: count }) } },
        errors: ["not_yours", "unknown_component"],
      },
    },
    "/queue/redrive": {
      POST: {
        id: "redrive",
        summary: "Put dead letters back",
        body: object({}, { message_ids: list(ruled(MESSAGE_ID), { maxItems: BATCH }) }),
        example: { message_ids: ["1793448000000-0"] },
        answers: { 200: { description: "How many there were", schema: object({ status: { const: "redriven" }, redriven: count }) } },
      },
    },
    "/queue/depth": {
      GET: {
        id: "depth",
        summary: "How many messages there are",
        query: [whose],
        answers: {
          200: {
            description: "By receiver",
            schema: object({ queues: map(object({ waiting: count, in_flight: count, dead: count })) }),
          },
        },
        errors: ["not_yours", "unknown_component"],
      },
    },
    "/broadcast": {
      POST: {
        id: "broadcast",
        summary: "One message for every other component, or those that can do something",
        body: object({}, { ...sent, capability: ruled(CAPABILITY), ttl_seconds: ttl(BROADCAST_TTL_S) }),
        example: { message_type: "maintenance", payload: { in_minutes: 5 } },
        answers: {
          201: {
            description: "How many got it, and how many did not: by the access rules, or because too much waits for them already",
            schema: object(
              { status: { const: "accepted" }, recipients: count, duplicates: count },
              { not_allowed: count, queue_full: count },
            ),
          },
        },
        errors: ["not_yours", "unknown_component"],
      },
    },
  },
  schemas: {
    NewMessage: object(
      { to: ruled(COMPONENT_ID, "An id, or the name of one with one instance") },
      { ...sent, ttl_seconds: ttl(TTL_S.fallback) },
    ),
    Delivery: object({ ...message, attempt: integer(undefined, { least: 1 }), receipt: text(), visible_until: time }),
    DeadLetter: object({ ...message, reason: choice(["expired", "attempts"]), attempts: count, died_at: time }),
  },
};
