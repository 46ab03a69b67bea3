/** Several conductors where only one may be: on one SQLite file, on one Redis with one prefix. */
import { afterAll, expect, test } from "bun:test";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { usePrograms } from "./_program.ts";
import { HAS_REDIS } from "./store/_redis.ts";
import { sharedRedis, stopSharedRedis } from "./store/_stores.ts";

const programs = usePrograms();
afterAll(stopSharedRedis);

let count = 0;

/** The same prefix for all of one test. */
async function onRedis(): Promise<Record<string, string>> {
  const { url } = await sharedRedis();
  return { HARBOR_CONDUCTOR_REDIS_URL: url, HARBOR_CONDUCTOR_PREFIX: `several-${++count}` };
}

test("on one SQLite file the second is refused, and told what to do", async () => {
  const env = { HARBOR_CONDUCTOR_DATA: makeFolder() };
  const first = await programs(env).start();
  const second = programs(env);
  second.launch();
  expect(await second.exited()).toBe(1);
  await until(() => second.said.includes("Stop the other conductor"), "the hint");
  expect(second.said).toStartWith("conductor: Cannot open");
  expect(second.said).toContain("another process has it open");
  expect((await first.ask("GET", "/services")).status).toBe(200);
});

test.skipIf(!HAS_REDIS)(
  "on one Redis the second waits and says whom for; it knows all when it is its turn",
  async () => {
    const env = await onRedis();
    const first = await programs(env).start();
    const second = programs(env);
    second.launch();
    await until(() => second.said.includes("waits"), "it waits");
    expect(second.said).toMatch(/^conductor: waits: another conductor works on this Redis with this prefix: .*, port \d+, process \d+\n$/);
    expect(second.said).toContain(`port ${first.port}, process ${first.pid}`);
    const hub = (await first.ask("POST", "/register", { component: "hub", port: 4_001 })).body;
    await first.ask("POST", "/queue/send", { to: "hub", payload: 1 });
    // one that ends in order hands over at once
    const since = performance.now();
    expect(await first.end()).toBe(0);
    await until(() => second.said.includes("listens on"), "it takes over", 10_000);
    expect(performance.now() - since).toBeLessThan(3_000);
    const received = await second.ask("GET", "/queue/receive", undefined, { authorization: `Bearer ${hub.token}` });
    expect(received.body.messages).toMatchObject([{ payload: 1, to: "hub-001" }]);
    // one that is killed leaves it after a few seconds
    const third = programs(env);
    third.launch();
    await until(() => third.said.includes("waits"), "it waits");
    await second.end("SIGKILL");
    await until(() => third.said.includes("listens on"), "it takes over", 10_000);
    expect((await third.ask("GET", "/services/hub-001")).status).toBe(200);
  },
  30_000,
);

test.skipIf(!HAS_REDIS)(
  "one that stood still while another took over ends when it goes on, and says why",
  async () => {
    const env = await onRedis();
    const first = await programs(env).start();
    const second = programs(env);
    second.launch();
    await until(() => second.said.includes("waits"), "it waits");
    first.signal("SIGSTOP");
    await until(() => second.said.includes("listens on"), "it takes over", 10_000);
    first.signal("SIGCONT");
    expect(await first.exited()).toBe(1);
    await until(() => first.said.includes("ends: another conductor works on this Redis"), "it says why");
    expect((await second.ask("GET", "/health")).status).toBe(200);
  },
  30_000,
);

test.skipIf(!HAS_REDIS)(
  "nobody takes over from one that stood still alone, and prefixes of their own do not meet",
  async () => {
    const [env, other] = [await onRedis(), await onRedis()];
    const [first, second] = [await programs(env).start(), await programs(other).start()];
    first.signal("SIGSTOP");
    const { ask } = await sharedRedis().then((redis) => ({ ask: redis.ask.bind(redis) }));
    await until(async () => (await ask("GET", `${env.HARBOR_CONDUCTOR_PREFIX}:conductor`)) === null, "its time is over", 10_000);
    first.signal("SIGCONT");
    await until(async () => (await ask("GET", `${env.HARBOR_CONDUCTOR_PREFIX}:conductor`)) !== null, "it has it again", 10_000);
    await first.ask("POST", "/register", { component: "hub", port: 4_001 });
    expect((await first.ask("GET", "/services")).body.total).toBe(1);
    expect((await second.ask("GET", "/services")).body.total).toBe(0);
    expect([await first.end(), await second.end()]).toEqual([0, 0]);
  },
  30_000,
);

test.skipIf(!HAS_REDIS)("a Redis that has forgotten everything is still its own", async () => {
  const env = await onRedis();
  const first = await programs(env).start();
  await first.ask("POST", "/register", { component: "hub", port: 4_001 });
  const redis = await sharedRedis();
  await redis.ask("FLUSHALL");
  await until(async () => (await redis.ask("GET", `${env.HARBOR_CONDUCTOR_PREFIX}:conductor`)) !== null, "it has it again");
  expect((await first.ask("GET", "/services")).body.total).toBe(1);
  expect(await first.end()).toBe(0);
});

test.skipIf(!HAS_REDIS)("one that waits ends when it is asked to", async () => {
  const env = await onRedis();
  await programs(env).start();
  const second = programs(env);
  second.launch();
  await until(() => second.said.includes("waits"), "it waits");
  expect(await second.end()).toBe(0);
});
