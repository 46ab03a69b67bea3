/** Other programs on the same Redis that know nothing of the conductor: they read and write the same keys, and hear the same channels. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { openStore } from "../../../../services/conductor/store/open-store.ts";
import type { StateChange, Store, StoredEvent } from "../../../../services/conductor/store/store.ts";
import { until } from "../../../_until.ts";
import { makeFolder } from "../../../_workspace.ts";
import { message } from "./_message.ts";
import { HAS_REDIS, type RedisServer } from "./_redis.ts";
import { sharedRedis, stopSharedRedis } from "./_stores.ts";

afterAll(stopSharedRedis);

const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store[Symbol.asyncDispose]();
});

interface Shared {
  store: Store;
  redis: RedisServer;
  prefix: string;
  /** The name in Redis of a key. */
  name: (key: string) => string;
}

/** `prefix` ends in what glob patterns mean something by. */
async function open(): Promise<Shared> {
  const redis = await sharedRedis();
  const prefix = `test-${Bun.randomUUIDv7()}[*]`;
  const store = await openStore({ redisUrl: redis.url, prefix, folder: makeFolder() });
  stores.push(store);
  return { store, redis, prefix, name: (key) => `${prefix}:state:${key}` };
}

function watch({ store }: Shared): StateChange[] {
  const changes: StateChange[] = [];
  void store.state.watch("", (change) => changes.push(change), new AbortController().signal);
  return changes;
}

describe.skipIf(!HAS_REDIS)("shared state in Redis", () => {
  test("ours is a plain string of JSON, and published on the channel of its name", async () => {
    const { store, redis, name } = await open();
    const listener = await new Bun.RedisClient(redis.url).duplicate();
    const heard: string[] = [];
    await listener.connect();
    await listener.subscribe(name("a"), (text, channel) => heard.push(`${channel === name("a")} ${text}`));
    await store.state.put("a", { b: [1, "ü"] }, { ttlMs: 60_000, now: Date.now() });
    expect(await redis.ask("GET", name("a"))).toBe('{"b":[1,"ü"]}');
    expect(await redis.ask("PTTL", name("a"))).toBeGreaterThan(50_000);
    await store.state.put("a", 2, { now: Date.now() });
    expect(await redis.ask("PTTL", name("a"))).toBe(-1);
    await store.state.delete("a", { now: Date.now() });
    expect(await redis.ask("EXISTS", name("a"))).toBe(0);
    await until(() => heard.length === 3, "three messages");
    expect(heard).toEqual(['true {"b":[1,"ü"]}', "true 2", "true "]);
    listener.close();
  });

  test("theirs is a new version: read, listed, watched", async () => {
    const shared = await open();
    const { store, redis, name } = shared;
    const changes = watch(shared);
    await redis.ask("SET", name("their"), '{"n":1}');
    const first = await store.state.get("their", Date.now());
    expect(first).toMatchObject({ key: "their", value: { n: 1 }, expiresAt: null });
    await redis.ask("SET", name("their"), '{"n":2}');
    await redis.ask("SET", name("theirs"), "3");
    const listed = await store.state.list("their", { limit: 10, now: Date.now() });
    expect(listed.map(({ key, value }) => [key, value])).toEqual([
      ["their", { n: 2 }],
      ["theirs", 3],
    ]);
    const second = listed[0];
    expect(second?.version).toBeGreaterThan(first?.version as number);
    expect(await store.state.get("their", Date.now())).toEqual(second as NonNullable<typeof second>);
    expect(await store.state.put("their", 0, { ifVersion: first?.version as number, now: Date.now() })).toBeUndefined();
    expect(await store.state.put("their", 0, { ifVersion: second?.version as number, now: Date.now() })).toBeDefined();
    await redis.ask("DEL", name("their"));
    await until(() => changes.at(-1)?.entry === null, "the deletion is told");
    expect(changes.map(({ key, entry }) => [key, entry?.value])).toEqual([
      ["their", { n: 1 }],
      ["their", { n: 2 }],
      ["theirs", 3],
      ["their", 0],
      ["their", undefined],
    ]);
  });

  test("watchers hear of what they set without anybody reading it, and of its end", async () => {
    const shared = await open();
    const { redis, name, store } = shared;
    const changes = watch(shared);
    const before = Date.now();
    await redis.ask("SET", name("a"), "1", "PX", "60");
    await until(() => changes.length === 2, "the value and its end");
    expect(changes[0]).toMatchObject({ key: "a", entry: { value: 1 } });
    expect(changes[0]?.entry?.expiresAt).toBeGreaterThanOrEqual(before + 1);
    expect(changes[1]).toEqual({ key: "a", entry: null });
    expect(await store.state.list("", { limit: 10, now: Date.now() })).toEqual([]);
  });

  test("what is no JSON is a text, what is no string is not there", async () => {
    const { store, redis, name } = await open();
    await redis.ask("SET", name("text"), "hello {");
    await redis.ask("HSET", name("hash"), "field", "1");
    expect((await store.state.get("text", Date.now()))?.value).toBe("hello {");
    expect(await store.state.get("hash", Date.now())).toBeUndefined();
    expect((await store.state.list("", { limit: 10, now: Date.now() })).map(({ key }) => key)).toEqual(["text"]);
  });

  test("what was there before the conductor is listed", async () => {
    const redis = await sharedRedis();
    const prefix = `test-${Bun.randomUUIDv7()}?`;
    for (let n = 0; n < 30; n++) await redis.ask("SET", `${prefix}:state:${n}`, String(n));
    const store = await openStore({ redisUrl: redis.url, prefix, folder: makeFolder() });
    stores.push(store);
    await until(async () => (await store.state.list("", { limit: 100, now: Date.now() })).length === 30, "all are listed");
  });

  test("other prefixes are other conductors' business", async () => {
    const one = await open();
    const two = await open();
    const changes = watch(one);
    await two.store.state.put("a", 2, { now: Date.now() });
    await one.store.state.put("a", 1, { now: Date.now() });
    await until(() => changes.length > 0, "its own change");
    expect(changes.map(({ entry }) => entry?.value)).toEqual([1]);
    expect((await two.store.state.get("a", Date.now()))?.value).toBe(2);
  });

  test("FLUSHALL by somebody is the end of every entry", async () => {
    const shared = await open();
    const changes = watch(shared);
    await shared.store.state.put("a", 1, { now: Date.now() });
    await until(() => changes.length === 1, "the change");
    await shared.redis.ask("FLUSHALL");
    expect(await shared.store.state.list("", { limit: 10, now: Date.now() })).toEqual([]);
    await shared.store.state.put("b", 1, { now: Date.now() });
    await until(() => changes.some(({ key }) => key === "b"), "changes are still told");
  });
});

/** Two entries as they are after the stream of changes forgot about them. */
const FORGOTTEN = `
for _, key in ipairs({ 'x', 'y' }) do
  redis.call('SET', ARGV[1] .. ':state:' .. key, '1')
  local version = redis.call('INCR', ARGV[1] .. ':revision')
  redis.call('HSET', ARGV[1] .. ':state-meta', key, version .. ' 5 0 ' .. redis.sha1hex('1'))
  redis.call('ZADD', ARGV[1] .. ':state-index', 0, key)
end`;

test.skipIf(!HAS_REDIS)("a watcher that was away for longer than the stream remembers is told what is there", async () => {
  const shared = await open();
  const changes = watch(shared);
  await shared.redis.ask("EVAL", FORGOTTEN, "0", shared.prefix);
  await shared.store.state.put("z", 1, { now: Date.now() });
  await until(() => changes.some(({ key }) => key === "z"), "the change that the stream has");
  expect(changes.map(({ key, entry }) => [key, entry?.version])).toEqual([
    ["x", 1],
    ["y", 2],
    ["z", 3],
  ]);
});

test.skipIf(!HAS_REDIS)("events that others append to the stream are followed too", async () => {
  const { store, redis, prefix } = await open();
  const heard: StoredEvent[] = [];
  void store.events.follow((event) => heard.push(event), new AbortController().signal);
  await redis.ask("XADD", `${prefix}:events`, "*", "type", "theirs", "source", "script", "time", "7", "data", '{"a":1}');
  await redis.ask("XADD", `${prefix}:events`, "*", "type", "bare");
  await until(() => heard.length === 2, "both are heard");
  expect(heard[0]).toEqual({ id: expect.any(String), type: "theirs", source: "script", time: 7, data: { a: 1 } });
  expect(heard[1]).toMatchObject({ type: "bare", source: "", data: null, time: Number(heard[1]?.id.split("-")[0]) });
  expect(await store.events.since(undefined, 10)).toEqual(heard);
});

describe.skipIf(!HAS_REDIS)("the queue in Redis", () => {
  test("is swept without a look at its dead letters, of which there may be many", async () => {
    const { store, redis } = await open();
    const now = Date.now();
    await store.queue.send([message("a", "b", 1, { expiresAt: now })]);
    expect(await store.queue.sweep(now)).toBe(1);
    await redis.ask("CONFIG", "RESETSTAT");
    expect(await store.queue.sweep(now)).toBe(0);
    const commands = String(await redis.ask("INFO", "commandstats"));
    expect(commands).toContain("cmdstat_evalsha:");
    expect(commands).not.toContain("cmdstat_hgetall:");
  });
});
