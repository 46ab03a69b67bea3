/**
 * Messages through a store without HTTP, or through what it is compared with: sent in batches, received, acknowledged, one
 * batch after the other. One kind, how many a second as a line of JSON.
 *
 *   bun bench/_store-load.ts sqlite FOLDER 5000
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { openStore } from "../services/conductor/store/open-store.ts";
import type { NewMessage } from "../services/conductor/store/store.ts";

const [kind = "", place = "", spanText = ""] = process.argv.slice(2);
const SPAN_MS = Number(spanText);
const BATCH = 500;
const LANES = 4;
const PAYLOAD = { path: "/srv/data/file", size: 4_096, text: "x".repeat(64) };
const BODY = JSON.stringify({ type: "scan", payload: PAYLOAD, sentAt: Date.now() });
/** A day and more: none expires here. */
const FAR_MS = 1e9;

/** One batch all the way; how many were acknowledged. */
type Turn = () => Promise<number>;

/** Of one lane: its own sender and receiver. */
type Lane = (lane: number) => Promise<Turn>;

async function storeLanes(redisUrl: string | undefined): Promise<{ send: Lane; flow: Lane }> {
  const store = await openStore({ folder: place, redisUrl, prefix: "bench" }, { maxWaiting: 1e9 });
  const make = (lane: number): (() => NewMessage[]) => {
    const now = Date.now();
    const sides = { from: `sender-${lane}`, to: `receiver-${lane}`, sentAt: now, expiresAt: now + FAR_MS };
    return () => Array.from({ length: BATCH }, () => ({ ...sides, type: "scan", payload: PAYLOAD, idempotencyKey: null, headers: {} }));
  };
  const send: Lane = async (lane) => {
    const messages = make(lane);
    return async () => (await store.queue.send(messages())).length;
  };
  const flow: Lane = async (lane) => {
    const messages = make(lane);
    const to = `receiver-${lane}`;
    return async () => {
      await store.queue.send(messages());
      const deliveries = await store.queue.receive(to, { max: BATCH, visibilityMs: 30_000, now: Date.now() });
      const receipts = deliveries.map(({ receipt }) => receipt);
      return store.queue.ack(to, receipts);
    };
  };
  return { send, flow };
}

/** XADD, XREADGROUP, XACK, each batch of them in one go, as Bun's client sends what is asked for in one turn. */
async function streamLane(lane: number): Promise<Turn> {
  const client = new Bun.RedisClient(place);
  await client.connect();
  const stream = `bench-stream-${lane}`;
  await client.send("XGROUP", ["CREATE", stream, "receivers", "$", "MKSTREAM"]);
  return async () => {
    await Promise.all(Array.from({ length: BATCH }, () => client.send("XADD", [stream, "*", "body", BODY])));
    const args = ["GROUP", "receivers", "one", "COUNT", String(BATCH), "STREAMS", stream, ">"];
    const answer = (await client.send("XREADGROUP", args)) as Record<string, [string, string[]][]>;
    const received = Object.values(answer).flat();
    for (const [, [, body = ""]] of received) JSON.parse(body);
    // what is acknowledged is removed here as it is there
    const ids = received.map(([id]) => id);
    const [acknowledged] = await Promise.all([client.send("XACK", [stream, "receivers", ...ids]), client.send("XDEL", [stream, ...ids])]);
    return Number(acknowledged);
  };
}

/** Published and acknowledged as a batch; a pull consumer that acknowledges each. */
async function jetstreamLane(lane: number): Promise<Turn> {
  const connection = await connect({ servers: place });
  const manager = await jetstreamManager(connection);
  const subject = `bench-${lane}`;
  await manager.streams.add({ name: subject, subjects: [subject], storage: "file", retention: "workqueue" });
  await manager.consumers.add(subject, { durable_name: "receiver", ack_policy: "explicit", max_ack_pending: 10 * BATCH });
  const client = jetstream(connection);
  const consumer = await client.consumers.get(subject, "receiver");
  return async () => {
    await Promise.all(Array.from({ length: BATCH }, () => client.publish(subject, BODY)));
    let acknowledged = 0;
    for await (const message of await consumer.fetch({ max_messages: BATCH })) {
      message.json();
      message.ack();
      if (++acknowledged === BATCH) break;
    }
    await connection.flush();
    return acknowledged;
  };
}

async function laneOf(): Promise<Lane> {
  if (kind === "redis-streams") return streamLane;
  if (kind === "jetstream") return jetstreamLane;
  const { send, flow } = await storeLanes(kind === "redis" ? place : undefined);
  return kind === "sqlite-send" ? send : flow;
}

const lane = await laneOf();
const turns = await Promise.all(Array.from({ length: LANES }, (_, index) => lane(index)));
const startMs = performance.now();
let done = 0;
await Promise.all(
  turns.map(async (turn) => {
    while (performance.now() - startMs < SPAN_MS) {
      const count = await turn();
      done += count;
    }
  }),
);
process.stdout.write(`${JSON.stringify({ perSecond: (done * 1_000) / (performance.now() - startMs) })}\n`);
process.exit();
