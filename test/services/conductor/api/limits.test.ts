/** What is bounded, and how that is told. */
import { expect, test } from "bun:test";
import { until } from "../../../_until.ts";
import { describeOnBoth, type EventReader, handClock, useServers } from "../_server.ts";

const start = useServers();

describeOnBoth("a full queue", () => {
  test("takes nothing more, says whose it is, and keeps nobody else from a broadcast", async () => {
    const server = await start({ limits: { maxWaiting: 2 } });
    const [hub, sink, other] = [await server.register("hub"), await server.register("sink"), await server.register("other")];
    const send = (to: string, count: number) => {
      const messages = Array.from({ length: count }, (_, n) => ({ to, payload: n }));
      return server.ask("POST", "/queue/send-batch", { token: hub.token, body: { messages } });
    };
    expect((await send("sink", 3)).body.error).toMatchObject({ code: "queue_full", receivers: ["sink-001"], retry_after: 1 });
    expect((await server.ask("GET", "/queue/depth")).body.queues).toEqual({});
    expect((await send("sink", 2)).status).toBe(201);
    const refused = await server.ask("POST", "/queue/send", { token: hub.token, body: { to: "sink" } });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await server.ask("GET", "/health")).body.status).toBe("ok");
    const told = await server.ask("POST", "/broadcast", { token: hub.token, body: { payload: "all" } });
    expect(told.body).toEqual({ status: "accepted", recipients: 1, duplicates: 0, queue_full: 1 });
    expect((await server.ask("GET", "/queue/receive", { token: other.token })).body.messages).toHaveLength(1);
    const { messages } = (await server.ask("GET", "/queue/receive", { token: sink.token })).body;
    const receipts = messages.map(({ receipt }: { receipt: string }) => receipt);
    await server.ask("POST", "/queue/ack", { token: sink.token, body: { receipts } });
    expect((await send("sink", 2)).status).toBe(201);
  });

  test("and a message that nobody will receive is told by an event", async () => {
    const server = await start();
    const [hub] = [await server.register("hub"), await server.register("sink")];
    const body = { to: "sink", payload: "secret", ttl_seconds: 0.01 };
    const sent = await server.ask("POST", "/queue/send", { token: hub.token, body });
    const events = await server.open("/events/subscribe?event_type=message-*&since=0-0");
    expect(await events.next()).toMatchObject({
      event: "message-dead",
      data: {
        source: "conductor",
        data: { message_id: sent.body.message_id, from: "hub-001", to: "sink-001", reason: "expired", attempts: 0 },
      },
    });
    const forged = await server.ask("POST", "/events/publish", { token: hub.token, body: { event_type: "message-dead" } });
    expect(forged.body.error).toMatchObject({ code: "invalid_request", field: "event_type" });
  });
});

describeOnBoth("floods", () => {
  test("of registrations of one name, and of components", async () => {
    const clock = handClock();
    const server = await start({ clock, settings: { maxComponents: 3 } });
    const register = (body: object) => server.ask("POST", "/register", { body: { port: 4_001, ...body } });
    const answers = await Promise.all(Array.from({ length: 60 }, () => register({ component: "hub" })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    expect(answers.find(({ status }) => status === 429)?.body.error).toMatchObject({ code: "rate_limited", retry_after: 1 });
    for (let n = 0; n < 2; n++) expect((await register({ component: "worker", instances: "many" })).status).toBe(201);
    const refused = await register({ component: "one-more" });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: "registry_full", limit: 3 } } });
    expect((await register({ component: "worker", instances: "many" })).status).toBe(503);
    clock.pass(1_000);
    expect((await register({ component: "hub" })).status).toBe(201);
    expect((await register({ component: "worker", component_id: "worker-002" })).status).toBe(201);
  });

  test("of open streams; what is closed makes room, and a new registration ends the old ones", async () => {
    const server = await start({ settings: { maxOpen: 2 } });
    const [hub, other] = [await server.register("hub"), await server.register("other")];
    const headers = { authorization: `Bearer ${hub.token}` };
    const streams: EventReader[] = [];
    for (const path of ["/events/subscribe", "/services?watch=true"]) streams.push(await server.open(path, headers));
    const third = await server.ask("GET", "/state?watch=true", { token: hub.token });
    expect(third).toMatchObject({ status: 429, body: { error: { code: "rate_limited" } } });
    expect((await server.open("/events/subscribe", { authorization: `Bearer ${other.token}` })).response.status).toBe(200);
    await streams[0]?.close();
    await until(() => server.conductor.held.size === 2, "the conductor has noticed");
    const again = await server.open("/events/subscribe", headers);
    expect(again.response.status).toBe(200);
    await server.register("hub");
    expect(await again.next()).toMatchObject({ event: "conductor-replaced" });
    expect(await again.next()).toBeUndefined();
    await until(() => server.conductor.held.size === 1, "the other one's is left");
  });

  test("of routed requests and questions that wait", async () => {
    const { promise: hold, resolve: letGo } = Promise.withResolvers<void>();
    const slow = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async () => {
        await hold;
        return new Response("done");
      },
    });
    const server = await start({ settings: { maxOpen: 2 } });
    const [hub] = [await server.register("hub"), await server.register("slow", { port: slow.port })];
    const route = () => server.ask("GET", "/route/slow/", { token: hub.token });
    const waiting = [route(), route()];
    await until(() => server.conductor.held.size === 2, "both are under way");
    expect(await route()).toMatchObject({ status: 429, body: { error: { code: "rate_limited" } } });
    letGo();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect(server.conductor.held.size).toBe(0);
    await slow.stop(true);
    expect((await route()).status).toBe(502);
    expect(server.conductor.held.size).toBe(0);
  });

  test("of data: an event is small", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const publish = (bytes: number) =>
      server.ask("POST", "/events/publish", { token: hub.token, body: { event_type: "x", data: "x".repeat(bytes) } });
    expect((await publish(260_000)).status).toBe(201);
    expect(await publish(270_000)).toMatchObject({ status: 413, body: { error: { code: "payload_too_large", limit: 262_144 } } });
  });
});
