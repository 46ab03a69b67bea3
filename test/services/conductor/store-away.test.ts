/**
 * The running program while its Redis is away: a few seconds, or as many as `HARBOR_TEST_AWAY` says (60: a minute). It says so, keeps
 * what it knows, blames nobody, and catches up.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { type Program, TOKEN, usePrograms } from "./_program.ts";
import { type EventReader, openEvents, type SentEvent } from "./_server.ts";
import { HAS_REDIS, RedisServer } from "./store/_redis.ts";

const AWAY_MS = Number(process.env.HARBOR_TEST_AWAY ?? 6) * 1_000;
const programs = usePrograms();
const servers: RedisServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.kill();
});

async function start(): Promise<{ redis: RedisServer; program: Program }> {
  const redis = await new RedisServer(["--appendonly", "yes", "--appendfsync", "always"]).start();
  servers.push(redis);
  const program = await programs({ HARBOR_CONDUCTOR_DATA: makeFolder(), HARBOR_CONDUCTOR_REDIS_URL: redis.url }).start();
  return { redis, program };
}

type Who = { id: string; headers: Record<string, string> };

async function register(program: Program, component: string): Promise<Who> {
  const { body } = await program.ask("POST", "/register", { component, port: 4_001, heartbeat_interval: 1 });
  return { id: body.component_id, headers: { authorization: `Bearer ${body.token}` } };
}

/** Until the result is disposed of; a beat that is not answered with 200 is remembered. */
function keepBeating(program: Program, all: readonly Who[]): AsyncDisposable & { refused: unknown[] } {
  const refused: unknown[] = [];
  let isBeating = true;
  const beat = async ({ id, headers }: Who): Promise<void> => {
    const reply = await program.ask("POST", "/heartbeat", { component_id: id }, headers).catch((error: Error) => error.message);
    if (typeof reply === "string" || reply.status !== 200) refused.push(reply);
  };
  const end = (async () => {
    for (; isBeating; await Bun.sleep(400)) await Promise.all(all.map(beat));
  })();
  return {
    refused,
    [Symbol.asyncDispose]: () => {
      isBeating = false;
      return end;
    },
  };
}

/** A minute at a time, as long as anybody may wait. */
async function poll(program: Program, { headers }: Who): Promise<{ polls: number; payload: unknown }> {
  for (let polls = 1; ; polls++) {
    const { status, body } = await program.ask("GET", "/queue/receive?wait=60", undefined, headers);
    if (status === 200 && body.messages.length > 0) return { polls, payload: body.messages[0].payload };
  }
}

/** All that comes, until `isLast` says so. */
async function readUntil(events: EventReader, isLast: (event: SentEvent) => boolean): Promise<SentEvent[]> {
  const all: SentEvent[] = [];
  while (true) {
    const event = await events.next();
    if (event === undefined) throw new Error(`the stream ended after ${JSON.stringify(all)}`);
    all.push(event);
    if (isLast(event)) return all;
  }
}

describe.skipIf(!HAS_REDIS)(`Redis away for ${AWAY_MS / 1_000} s`, () => {
  test.each(["killed", "silent"] as const)(
    "%s: it says so once, beats go on and nobody is blamed, writes have to wait; then it catches up and nothing is lost",
    async (how) => {
      const { redis, program } = await start();
      const [hub, sink, dying] = [await register(program, "hub"), await register(program, "sink"), await register(program, "dying")];
      await program.ask("POST", "/heartbeat", { component_id: dying.id });
      await using beats = keepBeating(program, [hub, sink]);
      const send = (to: Who, payload: unknown) => program.ask("POST", "/queue/send", { to: to.id, payload }, hub.headers);
      for (let n = 0; n < 5; n++) expect((await send(sink, n)).status).toBe(201);
      await program.ask("PUT", "/state/mode", { value: "before" });
      const headers = { authorization: `Bearer ${TOKEN}` };
      const types = "event_type=component-degraded,conductor-*,note";
      const events = await openEvents(`${program.url}/events/subscribe?${types}`, headers, AWAY_MS + 20_000);
      const states = await openEvents(`${program.url}/state?watch=true&prefix=m`, headers, AWAY_MS + 20_000);
      expect(await states.next()).toMatchObject({ event: "put", data: { key: "mode", value: "before" } });
      expect(await states.next()).toMatchObject({ event: "synced" });
      // nothing is there for it: it waits through all that follows
      const waiting = poll(program, hub);

      if (how === "killed") await redis.kill();
      else redis.signal("SIGSTOP");
      const awayAt = performance.now();
      await until(async () => (await program.ask("GET", "/health")).body.status === "degraded", "it notices", 10_000);
      const unavailable = { status: 503, body: { error: { code: "unavailable", retry_after: 1, hint: expect.any(String) } } };
      expect(await send(sink, "refused")).toMatchObject(unavailable);
      expect(await program.ask("PUT", "/state/mode", { value: "refused" })).toMatchObject(unavailable);
      expect(await program.ask("POST", "/register", { component: "new", port: 4_001 })).toMatchObject(unavailable);
      expect((await program.ask("GET", "/services")).body.total).toBe(3);
      const { body: health } = await program.ask("GET", "/health");
      expect(health.store).toMatchObject({ ok: false, reason: expect.stringContaining("cannot be reached") });
      const { body: dashboard } = await program.ask("GET", "/dashboard");
      expect(["degraded", "critical"]).toContain(dashboard.overall_status);
      await until(async () => (await program.ask("GET", "/services/dying-001")).body.status === "degraded", "it sees who dies", 10_000);
      await Bun.sleep(Math.max(0, AWAY_MS - (performance.now() - awayAt)));

      if (how === "killed") await redis.start();
      else redis.signal("SIGCONT");
      await until(async () => (await program.ask("GET", "/health")).body.status === "ok", "it is back", 15_000);
      expect((await send(sink, "after")).status).toBe(201);
      expect((await send(hub, "who waits gets it")).status).toBe(201);
      expect(await waiting).toMatchObject(AWAY_MS < 50_000 ? { polls: 1, payload: "who waits gets it" } : { payload: "who waits gets it" });
      const received = await program.ask("GET", "/queue/receive?max=100", undefined, sink.headers);
      expect(received.body.messages.map(({ payload }: { payload: unknown }) => payload)).toEqual([0, 1, 2, 3, 4, "after"]);
      await program.ask("PUT", "/state/mode", { value: "after" });
      const changes = await readUntil(states, ({ data }) => data.value === "after");
      expect(changes.filter(({ event }) => event !== "put")).toEqual([]);
      const caughtUp = await readUntil(events, ({ event }) => event === "conductor-store-back");
      await program.ask("POST", "/events/publish", { event_type: "note" });
      const told = [...caughtUp, await events.next()].map((event) => [event?.event, event?.data.data?.component_id]);
      expect(told).toEqual([
        ["conductor-store-away", undefined],
        ["component-degraded", dying.id],
        ["conductor-store-back", undefined],
        ["note", undefined],
      ]);
      // nobody is blamed, and it was said once
      for (const { id } of [hub, sink]) {
        expect((await program.ask("GET", `/services/${id}`)).body).toMatchObject({ status: "healthy", missed_heartbeats: 0 });
      }
      expect(beats.refused).toEqual([]);
      const lines = program.said.trimEnd().split("\n").slice(1);
      expect(lines).toEqual([
        expect.stringContaining("conductor: the store is away: Redis at"),
        expect.stringContaining("the store is back after"),
      ]);
    },
    AWAY_MS + 60_000,
  );

  test("at the start: it waits, says so with what to do, and begins when Redis is there", async () => {
    const redis = new RedisServer();
    servers.push(redis);
    const program = programs({ HARBOR_CONDUCTOR_DATA: makeFolder(), HARBOR_CONDUCTOR_REDIS_URL: redis.url });
    program.launch();
    await until(() => program.said.includes("waits: Redis at"), "it waits", 10_000);
    expect(program.said).toContain("HARBOR_CONDUCTOR_REDIS_URL");
    await redis.start();
    await until(() => program.said.includes("listens on"), "it begins", 10_000);
    expect(program.said.trimEnd().split("\n").length).toBeLessThanOrEqual(3);
  }, 30_000);
});
