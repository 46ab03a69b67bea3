import { expect, test } from "bun:test";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, useServers } from "../_server.ts";

const start = useServers();

interface Who {
  id: string;
  token: string;
}

async function pair(server: Harness): Promise<{ hub: Who; sink: Who }> {
  return { hub: await server.register("hub"), sink: await server.register("sink") };
}

async function send(server: Harness, { token }: Who, payload: unknown, more: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await server.ask("POST", "/queue/send", { token, body: { to: "sink", payload, ...more } });
  expect([200, 201]).toContain(status);
  return body.message_id;
}

// biome-ignore lint/suspicious/noExplicitAny: what a test expects of them, it says itself
async function receive(server: Harness, { token }: Who, query = ""): Promise<any[]> {
  const { status, body } = await server.ask("GET", `/queue/receive${query}`, { token });
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
  return body.messages;
}

async function settle(server: Harness, { token }: Who, how: "ack" | "release", receipts: string[], more: Record<string, unknown> = {}) {
  return (await server.ask("POST", `/queue/${how}`, { token, body: { receipts, ...more } })).body;
}

describeOnBoth("the queue", () => {
  test("hands out a message once, as it was sent, until it is acknowledged", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const id = await send(server, hub, { n: 1 }, { message_type: "scan", headers: { trace: "t1" }, ttl_seconds: 60 });
    const [message, ...others] = await receive(server, sink, "?component=sink");
    expect(others).toEqual([]);
    expect(message).toMatchObject({ message_id: id, from: "hub-001", to: "sink-001", message_type: "scan", payload: { n: 1 }, attempt: 1 });
    expect(message.headers).toEqual({ trace: "t1" });
    expect(Date.parse(message.expires_at) - Date.parse(message.sent_at)).toBe(60_000);
    expect(await receive(server, sink)).toEqual([]);
    expect(await settle(server, sink, "ack", [message.receipt])).toEqual({ status: "acknowledged", acknowledged: 1 });
    expect(await settle(server, sink, "ack", [message.receipt])).toEqual({ status: "acknowledged", acknowledged: 0 });
    const { body } = await server.ask("GET", "/queue/depth", { token: sink.token });
    expect(body.queues).toEqual({ "sink-001": { waiting: 0, in_flight: 0, dead: 0 } });
  });

  test("takes a batch in order, or none of it", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const sendAll = (messages: unknown) => server.ask("POST", "/queue/send-batch", { token: hub.token, body: { messages } });
    const good = Array.from({ length: 30 }, (_, n) => ({ to: "sink-001", payload: n }));
    expect((await sendAll(good)).body).toMatchObject({ status: "accepted", accepted: 30 });
    const wrong = await sendAll([{ to: "sink", payload: 99 }, { to: "nobody" }]);
    expect(wrong.status).toBe(404);
    expect(wrong.body.error).toMatchObject({ code: "unknown_component", index: 1 });
    expect(wrong.body.error.message).toStartWith("messages[1]: ");
    for (const messages of [[], "x", [3], Array.from({ length: 1_001 }, () => ({ to: "sink" }))])
      expect((await sendAll(messages)).status).toBe(400);
    const received = await receive(server, sink, "?max=100");
    expect(received.map(({ payload }) => payload)).toEqual(good.map(({ payload }) => payload));
  });

  test("answers who waits as soon as something comes", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const begin = performance.now();
    const waiting = receive(server, sink, "?wait=20");
    await until(() => server.conductor.mail.waiting === 1, "it waits");
    await send(server, hub, "now");
    expect((await waiting)[0].payload).toBe("now");
    expect(performance.now() - begin).toBeLessThan(900);
  });

  test("hands out the next of a sender as soon as the one before is acknowledged", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    for (const n of [1, 2]) await send(server, hub, n);
    const [first] = await receive(server, sink, "?max=1");
    const begin = performance.now();
    const waiting = receive(server, sink, "?wait=20");
    expect((await server.ask("GET", "/queue/depth?component=sink")).body.queues).toEqual({
      "sink-001": { waiting: 1, in_flight: 1, dead: 0 },
    });
    await settle(server, sink, "ack", [first.receipt]);
    expect((await waiting)[0].payload).toBe(2);
    expect(performance.now() - begin).toBeLessThan(900);
  });

  test("answers with nothing when the wait is over", async () => {
    const server = await start();
    const { sink } = await pair(server);
    const begin = performance.now();
    expect(await receive(server, sink, "?wait=1")).toEqual([]);
    expect(performance.now() - begin).toBeGreaterThan(950);
  });

  test("gives out again what was given back, and in time what nobody acknowledged", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    for (const n of [1, 2]) await send(server, hub, n);
    const [first] = await receive(server, sink, "?max=1&visibility=1");
    expect(await settle(server, sink, "release", [first.receipt])).toEqual({ status: "released", released: 1 });
    const [second] = await receive(server, sink, "?max=1&visibility=1");
    expect(second).toMatchObject({ payload: 1, attempt: 2 });
    const [third] = await receive(server, sink, "?max=1&wait=5");
    expect(third).toMatchObject({ payload: 1, attempt: 3 });
    expect(await settle(server, sink, "ack", [second.receipt])).toMatchObject({ acknowledged: 0 });
    await settle(server, sink, "release", [third.receipt], { delay_seconds: 1 });
    expect(await receive(server, sink)).toEqual([]);
    expect((await receive(server, sink, "?wait=5")).map(({ payload }) => payload)).toEqual([1, 2]);
  });

  test("keeps one message for one idempotency key", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const id = await send(server, hub, 1, { idempotency_key: "k" });
    const again = await server.ask("POST", "/queue/send", {
      token: hub.token,
      headers: { "idempotency-key": "k" },
      body: { to: "sink", payload: 2 },
    });
    expect(again).toMatchObject({ status: 200, body: { message_id: id, is_duplicate: true } });
    expect(await receive(server, sink)).toHaveLength(1);
  });

  test("buries what expired or was tried too often, shows it, and digs it up again", async () => {
    const server = await start({ limits: { maxAttempts: 2 } });
    const { hub, sink } = await pair(server);
    const expired = await send(server, hub, "short", { ttl_seconds: 0.01 });
    const letters = async (token: string) => (await server.ask("GET", "/queue/dead-letters", { token })).body.messages;
    await until(async () => (await letters(sink.token)).length === 1, "the conductor sweeps by itself");
    const tried = await send(server, hub, "hard");
    for (let attempt = 1; attempt <= 2; attempt++) {
      const [message] = await receive(server, sink, "?wait=3");
      expect(message.attempt).toBe(attempt);
      await settle(server, sink, "release", [message.receipt]);
    }
    expect(await letters(sink.token)).toMatchObject([
      { message_id: expired, reason: "expired", payload: "short" },
      { message_id: tried, reason: "attempts", attempts: 2 },
    ]);
    expect(await letters(hub.token)).toEqual([]);
    const redrive = (token: string) => server.ask("POST", "/queue/redrive", { token, body: { message_ids: [expired, tried, "1-1"] } });
    expect((await redrive(hub.token)).body.redriven).toBe(0);
    const waiting = receive(server, sink, "?wait=10");
    expect((await redrive(sink.token)).body.redriven).toBe(2);
    expect((await waiting).map(({ payload }) => payload)).toEqual(["short", "hard"]);
  });

  test("is each component's own", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const code = async (method: string, path: string, body?: unknown, token: string | null = hub.token) => {
      const answer = await server.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
      return `${answer.status} ${answer.body.error?.code}`;
    };
    expect(await code("POST", "/queue/send", { to: "sink", from: "sink" })).toBe("403 not_yours");
    expect(await code("GET", "/queue/receive?component=sink")).toBe("403 not_yours");
    expect(await code("GET", "/queue/dead-letters?component=sink")).toBe("403 not_yours");
    expect(await code("POST", "/queue/ack", { component_id: "sink-001", receipts: ["1-1.1"] })).toBe("403 not_yours");
    expect(await code("GET", "/queue/receive", undefined, null)).toBe("401 token_required");
    expect(await code("POST", "/queue/send", { to: "nobody" })).toBe("404 unknown_component");
    await server.register("twin", { instances: "many" });
    await server.register("twin", { instances: "many" });
    expect(await code("POST", "/queue/send", { to: "twin" })).toBe("400 invalid_request");
    expect(await code("POST", "/queue/send", { to: "twin-002" })).toBe("201 undefined");
    // whoever runs the stack may speak for one
    const { body } = await server.ask("POST", "/queue/send", { body: { to: "sink", from: "hub" } });
    expect(body.status).toBe("accepted");
    expect((await receive(server, sink))[0].from).toBe("hub-001");
    expect(await code("GET", "/queue/receive", undefined, "join-me")).toBe("400 invalid_request");
  });

  test.each([
    ["/queue/send", { to: "sink", message_type: "a b" }, "message_type"],
    ["/queue/send", { to: "sink", ttl_seconds: 0 }, "ttl_seconds"],
    ["/queue/send", { to: "sink", headers: { a: 1 } }, "headers"],
    ["/queue/send", { to: "sink", headers: [] }, "headers"],
    ["/queue/send", { to: "sink", idempotency_key: "" }, "idempotency_key"],
    ["/queue/send", {}, "to"],
    ["/queue/ack", { receipts: [] }, "receipts"],
    ["/queue/ack", { receipts: [7] }, "receipts"],
    ["/queue/release", { receipts: ["1-1.1"], delay_seconds: -1 }, "delay_seconds"],
    ["/queue/redrive", { message_ids: ["; drop"] }, "message_ids"],
    ["/broadcast", { to: "sink" }, "to"],
  ])("refuses %s %j for its %s", async (path, body, field) => {
    const server = await start();
    const { hub } = await pair(server);
    const answer = await server.ask("POST", path, { token: hub.token, body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "invalid_request", field } } });
  });

  test("refuses what is too large", async () => {
    const server = await start();
    const { hub } = await pair(server);
    const answer = await server.ask("POST", "/queue/send", { token: hub.token, body: { to: "sink", payload: "x".repeat(1_100_000) } });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: "payload_too_large" } } });
  });

  test("hands nothing to one that has gone while it waited", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${sink.token}` };
    const waiting = fetch(`${server.url}/queue/receive?wait=30`, { headers, signal: leaving.signal }).catch(() => "gone");
    await until(() => server.conductor.mail.waiting === 1, "it waits");
    leaving.abort();
    expect(await waiting).toBe("gone");
    await until(() => server.conductor.mail.waiting === 0, "the conductor has noticed");
    await send(server, hub, 1);
    expect(await receive(server, sink)).toMatchObject([{ payload: 1, attempt: 1 }]);
  });

  test("is not handed to an instance that was replaced while it waited", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const waiting = server.ask("GET", "/queue/receive?wait=20", { token: sink.token });
    await until(() => server.conductor.mail.waiting === 1, "it waits");
    const next = await server.register("sink");
    await send(server, hub, "for the new one");
    expect(await waiting).toMatchObject({ status: 401, body: { error: { code: "unknown_token" } } });
    expect((await receive(server, next, "?wait=5"))[0].payload).toBe("for the new one");
  });

  test("no more than a hundred wait for one component's messages", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const waits = Array.from({ length: 101 }, () => server.ask("GET", "/queue/receive?wait=30", { token: sink.token }));
    const refused = await Promise.race(waits);
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "rate_limited" } } });
    for (let n = 0; n < 3; n++) await send(server, hub, n);
    await server.stop();
    const answers = await Promise.allSettled(waits);
    const received = answers.flatMap((answer) => (answer.status === "fulfilled" ? (answer.value.body.messages ?? []) : []));
    expect(received.map(({ payload }) => payload)).toContain(0);
  });
});

describeOnBoth("a broadcast", () => {
  test("is in the queue of all others, or of those with a capability", async () => {
    const server = await start();
    const { hub, sink } = await pair(server);
    const able = await server.register("able", { capabilities: ["search"] });
    const tell = (body: unknown) => server.ask("POST", "/broadcast", { token: hub.token, body });
    expect((await tell({ message_type: "stop", payload: 1, idempotency_key: "b" })).body).toEqual({
      status: "accepted",
      recipients: 2,
      duplicates: 0,
    });
    expect((await tell({ message_type: "stop", payload: 1, idempotency_key: "b" })).body.duplicates).toBe(2);
    expect((await tell({ payload: 2, capability: "search" })).body.recipients).toBe(1);
    expect((await tell({ payload: 2, capability: "none" })).body.recipients).toBe(0);
    expect(await receive(server, hub)).toEqual([]);
    expect((await receive(server, sink)).map(({ payload, message_type }) => [message_type, payload])).toEqual([["stop", 1]]);
    expect((await receive(server, able)).map(({ payload }) => payload)).toEqual([1, 2]);
  });
});
