import { expect, test } from "bun:test";
import { describeOnBoth, TOKEN, useServers } from "./_server.ts";

const start = useServers();

describeOnBoth("tokens", () => {
  test("are asked for everywhere but on /health, which says nothing about anyone", async () => {
    const server = await start();
    await server.register("hub");
    expect(await server.ask("GET", "/health", { token: null })).toMatchObject({
      status: 200,
      body: { status: "ok", service: "conductor", store: { ok: true } },
    });
    for (const [method, path] of [
      ["POST", "/register"],
      ["POST", "/heartbeat"],
      ["GET", "/services"],
      ["GET", "/state/x"],
      ["GET", "/events/subscribe"],
      ["GET", "/route/hub/"],
      ["GET", "/nowhere"],
    ] as const) {
      const answer = await server.ask(method, path, { token: null });
      expect({ path, status: answer.status, code: answer.body.error.code }).toEqual({ path, status: 401, code: "token_required" });
      expect(answer.body.error.hint).toContain("Authorization: Bearer");
      expect(answer.headers.get("www-authenticate")).toStartWith("Bearer");
    }
  });

  test("of components do not register others, and speak for nobody else", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const other = await server.register("other");
    expect(await server.ask("POST", "/register", { token: hub.token, body: {} })).toMatchObject({
      status: 403,
      body: { error: { code: "access_denied" } },
    });
    expect(await server.beat({ id: other.id, token: hub.token })).toMatchObject({ status: 403, body: { error: { code: "not_yours" } } });
    expect(await server.ask("POST", "/deregister", { token: hub.token, body: { component_id: other.id } })).toMatchObject({ status: 403 });
    expect((await server.beat(hub)).status).toBe(200);
    expect((await server.beat({ id: other.id, token: TOKEN })).status).toBe(200);
  });

  test("that are wrong are refused, and after twenty of them everything from that address but what is right", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const statuses = [];
    for (let count = 0; count < 25; count++) statuses.push((await server.beat({ id: hub.id, token: `${hub.id}.guess${count}` })).status);
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    expect((await server.beat(hub)).status).toBe(200);
  });

  test("are kept as hashes alone", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const kept = JSON.stringify(await server.store.documents.list("component"));
    expect(kept).toContain(`"tokenHash":"`);
    expect(kept).not.toContain(hub.token.split(".").at(-1) as string);
  });

  test("are not asked for where the conductor has none, but a page of elsewhere gets nothing all the same", async () => {
    const server = await start({ settings: { token: "" } });
    expect((await server.ask("GET", "/services", { token: null })).status).toBe(200);
    expect((await server.ask("GET", "/services", { token: null, headers: { host: "evil.example" } })).body.error.code).toBe(
      "access_denied",
    );
    expect((await server.ask("GET", "/services", { token: null, headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await server.ask("GET", "/services", { token: null, headers: { origin: server.url } })).status).toBe(200);
    expect((await server.ask("GET", "/services", { token: "wrong" })).status).toBe(401);
  });
});

describeOnBoth("what is asked wrongly", () => {
  test("is told what there is", async () => {
    const server = await start();
    expect(await server.ask("GET", "/nowhere")).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
    const answer = await server.ask("DELETE", "/heartbeat");
    expect(answer).toMatchObject({ status: 405, body: { error: { code: "method_not_allowed", allowed: ["POST"] } } });
    expect(answer.headers.get("allow")).toBe("POST");
  });

  test.each(["{", "", "[1]", '"text"', '{"a":1,}'])("is no JSON object: %j", async (body) => {
    const server = await start();
    const answer = await server.ask("POST", "/heartbeat", { body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "invalid_json" } } });
    expect(JSON.stringify(answer.body)).not.toContain(".ts:");
  });

  test("is too large, told by its length or found on the way", async () => {
    const server = await start({ settings: { maxBodyBytes: 2_000, maxRouteBodyBytes: 1_000_000 } });
    const big = JSON.stringify({ value: "x".repeat(5_000) });
    const refused = { status: 413, body: { error: { code: "payload_too_large", limit: 2_000 } } };
    expect(await server.ask("PUT", "/state/big", { body: big })).toMatchObject(refused);
    const stream = new Blob([big]).stream();
    const answer = await fetch(`${server.url}/state/big`, { method: "PUT", headers: { authorization: `Bearer ${TOKEN}` }, body: stream });
    expect({ status: answer.status, body: await answer.json() }).toMatchObject(refused);
  });

  test("is more than a component may ask in a second; others go on", async () => {
    const server = await start({ settings: { requestsPerSecond: 5 } });
    const [hub, other] = [await server.register("hub"), await server.register("other")];
    const answers = await Promise.all(Array.from({ length: 40 }, () => server.beat(hub)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(25);
    expect(refused[0]).toMatchObject({ body: { error: { code: "rate_limited", retry_after: 1 } } });
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
    expect((await server.beat(other)).status).toBe(200);
  });

  test("finds the store away: nothing is changed, it says so, and beats go on", async () => {
    const server = await start();
    const hub = await server.register("hub");
    server.store.failing = true;
    expect(await server.ask("PUT", "/state/x", { body: { value: 1 } })).toMatchObject({
      status: 503,
      body: { error: { code: "unavailable" } },
    });
    expect(await server.ask("POST", "/register", { body: { component: "new", port: 1 } })).toMatchObject({ status: 503 });
    expect((await server.ask("GET", "/services/new-001")).status).toBe(404);
    expect((await server.beat(hub)).status).toBe(200);
    expect(await server.ask("GET", "/health")).toMatchObject({
      status: 200,
      body: { status: "degraded", store: { ok: false, reason: "it is away" } },
    });
    server.store.failing = false;
    expect((await server.ask("PUT", "/state/x", { body: { value: 1 } })).status).toBe(200);
  });
});

test("a body that comes a byte at a time does not hold a connection for ever", async () => {
  const server = await start({ idleSeconds: 1 });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data() {}, close: () => resolve() } });
  socket.write(`POST /heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 1000\r\n\r\n{`);
  const timer = setInterval(() => socket.write(" "), 500);
  await closed;
  clearInterval(timer);
}, 20_000);

test("what waits for something is not ended for being quiet, while a connection that nobody uses is", async () => {
  const server = await start({ idleSeconds: 1 });
  const hub = await server.register("hub");
  const events = await server.open("/events/subscribe?event_type=note");
  const message = server.ask("GET", `/queue/receive?component=${hub.id}&wait=30`, { token: hub.token });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const unused = await Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data() {}, close: () => resolve() } });
  unused.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  await closed;
  expect((await server.ask("POST", "/events/publish", { body: { event_type: "note", data: 7 } })).status).toBe(201);
  expect((await events.next())?.data.data).toBe(7);
  expect((await server.ask("POST", "/queue/send", { body: { to: hub.id, payload: "hello" } })).status).toBe(201);
  expect(await message).toMatchObject({ status: 200, body: { messages: [{ payload: "hello" }] } });
  await events.close();
}, 20_000);
