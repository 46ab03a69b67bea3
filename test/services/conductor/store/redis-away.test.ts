/** Redis that is silent, ends, comes back, wants a password, or was never there: bounded waits, clear words, nothing acknowledged is lost. */
import { afterEach, describe, expect, test } from "bun:test";
import { openStore } from "../../../../services/conductor/store/open-store.ts";
import { openRedisStore } from "../../../../services/conductor/store/redis-store.ts";
import { type StateChange, type Store, type StoredEvent, StoreError } from "../../../../services/conductor/store/store.ts";
import { freePort } from "../../../_ports.ts";
import { until } from "../../../_until.ts";
import { makeFolder } from "../../../_workspace.ts";
import { message } from "./_message.ts";
import { HAS_REDIS, RedisServer } from "./_redis.ts";

/** As durable as Redis can be. */
const DURABLE = ["--appendonly", "yes", "--appendfsync", "always"];
/** The longest that a call may take where Redis is silent, and some. */
const BOUND_MS = 4_500;
const LONG = 30_000;

const open: AsyncDisposable[] = [];
const servers: RedisServer[] = [];
afterEach(async () => {
  for (const it of open.splice(0)) await it[Symbol.asyncDispose]();
  for (const server of servers.splice(0)) await server.kill();
});

async function start(args: readonly string[] = DURABLE): Promise<RedisServer> {
  const server = new RedisServer(args);
  servers.push(server);
  return server.start();
}

async function storeOn(url: string): Promise<Store> {
  const store = await openRedisStore(url, "test");
  open.push(store);
  return store;
}

async function failureOf(call: Promise<unknown>): Promise<{ error: StoreError; ms: number }> {
  const since = performance.now();
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  return { error: error as StoreError, ms: performance.now() - since };
}

describe.skipIf(!HAS_REDIS)("Redis away", () => {
  test(
    "silent: calls fail within a bounded time, then at once; afterwards all is as before",
    async () => {
      const server = await start();
      const store = await storeOn(server.url);
      await store.state.put("a", 1, { now: Date.now() });
      server.signal("SIGSTOP");
      const unsure = await failureOf(store.state.put("a", 2, { now: Date.now() }));
      expect(unsure.ms).toBeLessThan(BOUND_MS);
      expect(unsure.error).toMatchObject({
        code: "unavailable",
        isUnsure: true,
        message: `Redis at 127.0.0.1:${server.port} cannot be reached: no answer for 3 s`,
      });
      const waited = await failureOf(store.queue.send([message("a", "b")]));
      expect(waited.ms).toBeLessThan(BOUND_MS);
      expect(waited.error).toMatchObject({ code: "unavailable", isUnsure: false });
      for (const call of [
        () => store.state.get("a", 1),
        () => store.state.list("", { limit: 1, now: 1 }),
        () => store.events.append([{ type: "t", source: "s", time: 1, data: 1 }]),
        () => store.documents.list("kind"),
        () => store.queue.sweep(1),
      ]) {
        const { error, ms } = await failureOf(call());
        expect(error.code).toBe("unavailable");
        expect(ms).toBeLessThan(300);
      }
      expect(await store.status()).toMatchObject({ kind: "redis", ok: false, reason: expect.stringContaining("cannot be reached") });
      server.signal("SIGCONT");
      await until(async () => (await store.status()).ok, "it is there again", 10_000);
      expect((await store.state.get("a", Date.now()))?.value).toBeOneOf([1, 2]);
      expect(await store.queue.depth()).toEqual({});
    },
    LONG,
  );

  test(
    "killed and started again: what was acknowledged is there, followers and watchers go on without a gap",
    async () => {
      const server = await start();
      const store = await storeOn(server.url);
      const changes: StateChange[] = [];
      const heard: StoredEvent[] = [];
      const { signal } = new AbortController();
      void store.state.watch("", (change) => changes.push(change), signal);
      void store.events.follow((event) => heard.push(event), signal);
      let isOver = false;
      const sent: string[] = [];
      const events: string[] = [];
      let lastPut = 0;
      /** Until it is over, and past every failure. */
      const keepOn = async (once: (n: number) => Promise<void>): Promise<void> => {
        for (let n = 1; !isOver; n++) {
          try {
            await once(n);
          } catch (error) {
            expect(error).toMatchObject({ code: "unavailable" });
            await Bun.sleep(20);
          }
        }
      };
      const load = [
        keepOn(async (n) => {
          const [answer] = await store.queue.send([message("a", "b", n)]);
          sent.push(answer?.id as string);
        }),
        keepOn(async (n) => {
          await store.state.put("n", n, { now: Date.now() });
          lastPut = n;
        }),
        keepOn(async (n) => {
          const [event] = await store.events.append([{ type: "t", source: "s", time: n, data: n }]);
          events.push(event?.id as string);
        }),
      ];
      for (let kill = 0; kill < 3; kill++) {
        const before = sent.length;
        await until(() => sent.length > before + 100, "some load", 10_000);
        await server.kill();
        await until(async () => !(await store.status()).ok, "it is noticed", 10_000);
        await server.start();
      }
      const before = sent.length;
      await until(() => sent.length > before + 100, "load after the last time", 10_000);
      isOver = true;
      await Promise.all(load);

      const left: { id: string; n: number }[] = [];
      while (true) {
        const deliveries = await store.queue.receive("b", { max: 1_000, visibilityMs: 1_000, now: Date.now() });
        if (deliveries.length === 0) break;
        left.push(...deliveries.map((it) => ({ id: it.message.id, n: it.message.payload as number })));
        await store.queue.ack(
          "b",
          deliveries.map(({ receipt }) => receipt),
        );
      }
      const ids = new Set(left.map(({ id }) => id));
      expect(sent.filter((id) => !ids.has(id))).toEqual([]);
      expect(left.map(({ n }) => n)).toEqual(left.map(({ n }) => n).toSorted((a, b) => a - b));
      expect((await store.state.get("n", Date.now()))?.value).toBeGreaterThanOrEqual(lastPut);

      await until(() => heard.at(-1)?.id === events.at(-1), "the follower is where the events are");
      const heardIds = heard.map(({ id }) => id);
      expect(new Set(heardIds).size).toBe(heardIds.length);
      expect(events.filter((id) => !heardIds.includes(id))).toEqual([]);
      expect(heardIds).toEqual((await store.events.since(undefined, 100_000)).map(({ id }) => id));
      await until(() => (changes.at(-1)?.entry?.value as number) >= lastPut, "the watcher is where the state is");
      const versions = changes.map(({ entry }) => entry?.version ?? 0);
      expect(versions).toEqual(Array.from(versions, (_, index) => (versions[0] as number) + index));
    },
    LONG,
  );

  test(
    "cut off while others go on: what they did meanwhile is told, once and in order",
    async () => {
      const server = await start();
      const store = await storeOn(server.url);
      const other = await storeOn(server.url);
      const changes: StateChange[] = [];
      const heard: StoredEvent[] = [];
      void store.state.watch("", (change) => changes.push(change), new AbortController().signal);
      void store.events.follow((event) => heard.push(event), new AbortController().signal);
      for (let n = 0; n < 300; n++) {
        // everybody's connections, at three moments
        if (n % 100 === 50) await server.ask("CLIENT", "KILL", "TYPE", "normal");
        const put = (): Promise<unknown> =>
          other.state
            .put(`k${n % 5}`, n, { now: Date.now(), ifVersion: 0 })
            .then(() => other.state.put(`k${n % 5}`, n, { now: Date.now() }));
        await until(
          () =>
            put().then(
              () => true,
              () => false,
            ),
          "it is connected again",
        );
        await until(
          () =>
            other.events.append([{ type: "t", source: "s", time: 1, data: n }]).then(
              () => true,
              () => false,
            ),
          "it is connected again",
        );
      }
      await server.ask("SET", "test:state:foreign", '"theirs"');
      await until(() => changes.at(-1)?.key === "foreign" && heard.at(-1)?.data === 299, "all is told");
      const versions = changes.map(({ entry }) => entry?.version ?? 0);
      expect(versions).toEqual(Array.from(versions, (_, index) => index + 1));
      expect(heard).toEqual(await store.events.since(undefined, 1_000));
      expect(new Set(heard.map(({ data }) => data)).size).toBe(300);
    },
    LONG,
  );

  test(
    "never there: the store opens, says so, and works when Redis comes",
    async () => {
      const server = new RedisServer();
      servers.push(server);
      const since = performance.now();
      const store = await storeOn(server.url);
      expect(performance.now() - since).toBeLessThan(BOUND_MS);
      expect(await store.status()).toMatchObject({
        ok: false,
        reason: expect.stringContaining(`Redis at 127.0.0.1:${server.port} cannot be reached`),
      });
      const heard: unknown[] = [];
      void store.events.follow(({ data }) => heard.push(data), new AbortController().signal);
      await server.start();
      await until(async () => (await store.status()).ok, "it is there", 10_000);
      await until(async () => {
        await store.events.append([{ type: "t", source: "s", time: 1, data: 1 }]);
        return heard.length > 0;
      }, "events are followed");
    },
    LONG,
  );

  test(
    "with a password: without it the reason is clear, and the password is in no message",
    async () => {
      const server = await start(["--appendonly", "no"]);
      const good = `redis://:s3cr%40t@127.0.0.1:${server.port}/2`;
      await server.ask("CONFIG", "SET", "requirepass", "s3cr@t");
      const store = await storeOn(good);
      await store.state.put("a", 1, { now: Date.now() });
      const changes: StateChange[] = [];
      void store.state.watch("", (change) => changes.push(change), new AbortController().signal);
      const client = new Bun.RedisClient(good);
      await client.set("test:state:b", "2");
      client.close();
      await until(() => changes.length === 1, "the listener has the password too");
      for (const url of [server.url, `redis://:wr0ng@127.0.0.1:${server.port}`]) {
        const refused = await storeOn(url);
        const { error } = await failureOf(refused.state.get("a", 1));
        expect(error.message).toMatch(/NOAUTH|WRONGPASS|auth/i);
        expect(JSON.stringify([error.message, error.hint, await refused.status()])).not.toContain("wr0ng");
      }
    },
    LONG,
  );

  test("says what an accepted message does not survive", async () => {
    const forgetful = await storeOn((await start(["--appendonly", "no"])).url);
    expect(await forgetful.status()).toMatchObject({ ok: true, reason: expect.stringContaining("--appendonly yes --appendfsync always") });
    const lazy = await storeOn((await start(["--appendonly", "yes", "--appendfsync", "everysec"])).url);
    expect(await lazy.status()).toMatchObject({ ok: true, reason: expect.stringContaining("the last second") });
    const lossy = await storeOn((await start([...DURABLE, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"])).url);
    expect(await lossy.status()).toMatchObject({ ok: true, reason: expect.stringContaining("noeviction") });
    const durable = await storeOn((await start()).url);
    expect(await durable.status()).toEqual({ kind: "redis", ok: true });
  });

  test("full: writes are refused with Redis's word, reads go on", async () => {
    const server = await start([...DURABLE, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]);
    const store = await storeOn(server.url);
    await store.state.put("a", 1, { now: Date.now() });
    const fill = async (): Promise<never> => {
      while (true) await store.queue.send([message("a", "b", "x".repeat(100_000))]);
    };
    const { error } = await failureOf(fill());
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("OOM"), hint: expect.stringContaining("memory") });
    expect((await store.queue.depth("b")).b?.waiting).toBeGreaterThan(0);
  });
});

test.each(["http://127.0.0.1:1", "127.0.0.1:6379", "redis:", "nonsense"])("%s is no address of a Redis", async (redisUrl) => {
  await expect(openStore({ redisUrl, folder: makeFolder() })).rejects.toMatchObject({
    code: "refused",
    message: expect.stringContaining("HARBOR_CONDUCTOR_REDIS_URL"),
  });
});

test("nobody listens there: unavailable, and closing does not wait", async () => {
  const store = await openRedisStore(`redis://127.0.0.1:${freePort()}`, "test");
  expect((await store.status()).ok).toBe(false);
  await store[Symbol.asyncDispose]();
});
