/** Messages a second: over HTTP and in the store, each batch on disk before it is answered; on Redis against its own streams. */
import { closeSync, fsyncSync, mkdtempSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { runLoad, startConductor } from "./_conductor.ts";
import type { Bound, FigureContext, Gauge, Reading } from "./_figure.ts";
import { median } from "./_measure.ts";
import { startNats, startRedis } from "./_peers.ts";

const HTTP = new URL("./_conductor-load.ts", import.meta.url).pathname;
const STORE = new URL("./_store-load.ts", import.meta.url).pathname;
const SPAN_MS = 30_000;
const STORE_SPAN_MS = 10_000;
const WAITING = 1_000_000;
const LEAST: Bound = { least: 20_000 };
/** Of 500 messages and more that go to the disk together. */
const FSYNC = { bytes: 131_072, times: 100 };

type Read = Gauge["read"];

/** What an fsync of a batch takes on this disk now, in ms: the floor of every answer. */
function measureFsync({ scratch }: FigureContext): number {
  const file = openSync(join(scratch, "fsync"), "w");
  const bytes = new Uint8Array(FSYNC.bytes);
  const times = Array.from({ length: FSYNC.times }, () => {
    const startMs = performance.now();
    writeSync(file, bytes);
    fsyncSync(file);
    return performance.now() - startMs;
  });
  closeSync(file);
  return median(times);
}

/** Sent, received and acknowledged over HTTP; after `waiting` that nobody has received. */
function flow({ waiting = 0, hasKeys = false, redis = false } = {}): Read {
  return async (context, setting) => {
    const url = redis ? await redisUrl(context, setting) : {};
    if (typeof url === "string") return url;
    const { port } = await startConductor(context, setting, url);
    if (waiting > 0) await runLoad(HTTP, "fill-queue", port, waiting);
    const { perSecond = Number.NaN, slowestSecond = Number.NaN } = await runLoad(HTTP, "flow", port, SPAN_MS, hasKeys ? "keys" : "");
    return { value: perSecond, beside: { "slowest second": slowestSecond, "fsync ms": measureFsync(context) } };
  };
}

async function redisUrl(context: FigureContext, setting: AsyncDisposableStack): Promise<Record<string, string> | string> {
  const port = await startRedis(context, setting);
  return typeof port === "string" ? port : { HARBOR_CONDUCTOR_REDIS_URL: `redis://127.0.0.1:${port}` };
}

async function fill(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading> {
  const { port } = await startConductor(context, setting);
  const { perSecond = Number.NaN } = await runLoad(HTTP, "fill-queue", port, WAITING);
  return { value: perSecond, beside: { "fsync ms": measureFsync(context) } };
}

/** JetStream beside it, in the same run: it answers before the disk has what it was given. */
async function store(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading> {
  const folder = (): string => mkdtempSync(join(context.scratch, "store-"));
  const { perSecond = Number.NaN } = await runLoad(STORE, "sqlite", folder(), STORE_SPAN_MS);
  const { perSecond: sent = Number.NaN } = await runLoad(STORE, "sqlite-send", folder(), STORE_SPAN_MS);
  const nats = await startNats(context, setting);
  const { perSecond: theirs = Number.NaN } =
    typeof nats === "string" ? {} : await runLoad(STORE, "jetstream", `127.0.0.1:${nats}`, STORE_SPAN_MS);
  return { value: perSecond, beside: { "sent alone": sent, "JetStream without fsync": theirs, "fsync ms": measureFsync(context) } };
}

/** In turn, so that a busy moment meets both; each in a Redis of its own. */
async function againstStreams(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading | string> {
  const sums = { redis: 0, "redis-streams": 0 };
  const port = await startRedis(context, setting);
  if (typeof port === "string") return port;
  const other = await startRedis(context, setting);
  for (let turn = 0; turn < 2; turn++) {
    for (const [kind, at] of [
      ["redis", port],
      ["redis-streams", other],
    ] as const) {
      const { perSecond = Number.NaN } = await runLoad(STORE, kind, `redis://127.0.0.1:${at}/${turn}`, STORE_SPAN_MS / 2);
      sums[kind] += perSecond / 2;
    }
  }
  return { value: sums.redis / sums["redis-streams"], beside: { "messages/s": sums.redis, "streams'": sums["redis-streams"] } };
}

const gauge = (name: string, title: string, read: Read, bound: Bound | null = LEAST): Gauge => ({
  name: `conductor-queue-${name}`,
  title: `conductor: ${title}`,
  unit: "/s",
  bound,
  runs: 3,
  read,
});

export const figures: Gauge[] = [
  gauge("send", `messages/s over HTTP, batches of 500, until ${WAITING} wait`, fill),
  gauge("flow", "messages/s over HTTP, sent, received and acknowledged, 30 s", flow()),
  gauge("waiting", `the same with ${WAITING} waiting`, flow({ waiting: WAITING })),
  gauge("keys", "the same with idempotency keys", flow({ hasKeys: true }), null),
  gauge("store", "messages/s in the store, sent, received and acknowledged", store),
  { ...gauge("redis", "messages/s on Redis / its streams, appendfsync always", againstStreams, { least: 0.5 }), unit: "" },
  gauge("redis-flow", "messages/s over HTTP on Redis, sent, received and acknowledged, 30 s", flow({ redis: true }), null),
];
