import { expect, test } from "bun:test";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, TOKEN, useServers } from "../_server.ts";

const start = useServers();

interface Who {
  id: string;
  token: string;
}

interface Three {
  hub: Who;
  friend: Who;
  other: Who;
}

async function three(server: Harness): Promise<Three> {
  const capabilities = ["search"];
  const [hub, friend, other] = await Promise.all([
    server.register("hub", { capabilities }),
    server.register("friend", { capabilities }),
    server.register("other", { capabilities }),
  ]);
  for (const who of [hub, friend, other]) await server.beat(who);
  return { hub, friend, other };
}

async function allow(server: Harness, from: string, to: string[], operations: string[]): Promise<void> {
  const body = { from, to, allowed_operations: operations };
  expect((await server.ask("POST", "/access-control", { body })).status).toBe(201);
}

const outcome = async (server: Harness, { token }: { token: string }, method: string, path: string, body?: unknown): Promise<string> => {
  const answer = await server.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
  return `${answer.status} ${answer.body?.error?.code ?? "ok"}`;
};

/** What one asks of another. */
const TO_ONE: [string, string, (to: string) => unknown, string][] = [
  ["POST", "/queue/send", (to) => ({ to, payload: 1 }), "send"],
  ["POST", "/queue/send-batch", (to) => ({ messages: [{ to: "friend" }, { to }] }), "send"],
  ["POST", "/request", (to) => ({ to, request_type: "ping" }), "request"],
];

describeOnBoth("access rules", () => {
  test.each(TO_ONE)("%s %s: for the one that is named, and no other", async (method, path, body, operation) => {
    const server = await start();
    const { hub, friend } = await three(server);
    await allow(server, "hub", ["friend"], [operation]);
    expect(await outcome(server, hub, method, path, body("friend"))).toBeOneOf(["200 ok", "201 ok"]);
    const refused = await server.ask(method, path, { token: hub.token, body: body("other") });
    expect(refused).toMatchObject({ status: 403, body: { error: { code: "access_denied", from: "hub-001", to: "other-001", operation } } });
    expect(refused.body.error.message).toContain(`No rule allows hub-001 to ${operation} to other-001`);
    // no rule at all for this one, and none needed for whoever runs the stack
    expect(await outcome(server, friend, method, path, body("other"))).toBe("403 access_denied");
    expect(await outcome(server, { token: TOKEN }, method, path, body("other"))).toBeOneOf(["200 ok", "201 ok"]);
  });

  test("send-batch: nothing is accepted where one of them is refused", async () => {
    const server = await start();
    const { hub } = await three(server);
    await allow(server, "hub", ["friend"], ["send"]);
    const messages = [{ to: "friend" }, { to: "other" }];
    const refused = await server.ask("POST", "/queue/send-batch", { token: hub.token, body: { messages } });
    expect(refused.body.error).toMatchObject({ code: "access_denied", index: 1 });
    expect((await server.ask("GET", "/queue/depth")).body.queues).toEqual({});
  });

  test("request: of those with a capability an allowed one is asked; without any it says so", async () => {
    const server = await start();
    const { hub } = await three(server);
    await allow(server, "hub", ["friend"], ["request"]);
    for (let count = 0; count < 6; count++) {
      const { body } = await server.ask("POST", "/request", { token: hub.token, body: { to: "search", request_type: "ping" } });
      // one's own needs no rule
      expect(body.result.component_id).toBeOneOf(["friend-001", "hub-001"]);
    }
    const hubAlone = await server.register("hub");
    await allow(server, "hub", ["nobody"], ["request"]);
    expect(await outcome(server, hubAlone, "POST", "/request", { to: "search", request_type: "ping" })).toBe("403 access_denied");
  });

  test("broadcast: only to those that are allowed, and it says how many were not", async () => {
    const server = await start();
    const { hub, friend } = await three(server);
    await allow(server, "hub", ["friend"], ["broadcast"]);
    await allow(server, "friend", [], ["receive"]);
    const { body } = await server.ask("POST", "/broadcast", { token: hub.token, body: { payload: 1 } });
    expect(body).toEqual({ status: "accepted", recipients: 1, duplicates: 0, not_allowed: 1 });
    expect((await server.ask("GET", "/queue/receive", { token: friend.token })).body.messages).toHaveLength(1);
    expect(await outcome(server, hub, "GET", "/queue/receive")).toBe("403 access_denied");
    expect((await server.ask("POST", "/broadcast", { body: { payload: 1 } })).body.recipients).toBe(3);
  });

  test("discover: others are not in lists, in the answer to a registration, nor in what is told with heartbeats", async () => {
    const server = await start();
    const { hub, other } = await three(server);
    await allow(server, "hub", ["friend"], ["discover"]);
    const { body } = await server.ask("GET", "/services", { token: hub.token });
    expect(body.services.map((service: { component_id: string }) => service.component_id).sort()).toEqual(["friend-001", "hub-001"]);
    expect(await outcome(server, hub, "GET", "/services/other-001")).toBe("403 access_denied");
    expect(await outcome(server, hub, "GET", "/resolve?component=other")).toBe("403 access_denied");
    for (let count = 0; count < 6; count++) {
      const found = await server.ask("GET", "/resolve?capability=search&strategy=round-robin", { token: hub.token });
      expect(found.body.component_id).toBeOneOf(["friend-001", "hub-001"]);
    }
    await server.beat(other, { status: "degraded" });
    expect((await server.beat(hub)).body.commands).toEqual([]);
    const unknown = await server.ask("GET", "/services/nobody-001", { token: hub.token });
    expect(unknown.body.error).toMatchObject({ code: "unknown_component", known: expect.not.arrayContaining(["other-001"]) });
    const again = await server.register("hub");
    expect(again.body.components).toMatchObject([{ component_id: "friend-001" }]);
    expect((await server.ask("GET", "/services")).body.total).toBe(3);
  });

  test("observe: dashboard, metrics and alerts are of those that are named", async () => {
    const server = await start();
    const { hub, other } = await three(server);
    await server.beat(other, { status: "degraded", metrics: { secret_load: 1 } });
    const channels = [{ type: "email", to: "you@example.com" }];
    const alert = { alert_name: "hot", condition: "secret_load > 0", notification_channels: channels };
    await server.ask("POST", "/alerts/configure", { body: alert });
    server.conductor.alerts.tick();
    await allow(server, "hub", ["friend"], ["observe"]);
    const ask = async (path: string, token = hub.token) => (await server.ask("GET", path, { token })).body;
    expect(await ask("/dashboard")).toMatchObject({ overall_status: "healthy", components_total: 2, alerts: [] });
    expect(await ask("/dashboard", TOKEN)).toMatchObject({ overall_status: "degraded", components_total: 3, alerts: [{}] });
    for (const path of ["/dashboard", "/metrics", "/metrics/prometheus", "/alerts"]) {
      expect(JSON.stringify(await ask(path))).not.toContain("other-001");
      expect(JSON.stringify(await ask(path, TOKEN))).toContain(path === "/metrics/prometheus" ? "harbor_alerts_firing 1" : "other-001");
    }
    expect(JSON.stringify(await ask("/alerts"))).not.toContain("you@example.com");
    expect(await outcome(server, hub, "GET", "/metrics/other-001")).toBe("403 access_denied");
    expect(await outcome(server, hub, "GET", "/metrics/friend-001")).toBe("200 ok");
  });

  test("subscribe: events of those that are named, before and from now on; a new rule ends streams that were open", async () => {
    const server = await start();
    const { hub, friend, other } = await three(server);
    const bearer = { authorization: `Bearer ${hub.token}` };
    const before = await server.open("/events/subscribe?event_type=news", bearer);
    const publish = (token: string, data: unknown) => server.ask("POST", "/events/publish", { token, body: { event_type: "news", data } });
    await publish(other.token, 1);
    expect((await before.next())?.data.data).toBe(1);
    await allow(server, "hub", ["friend"], ["subscribe"]);
    expect(await before.next()).toBeUndefined();
    for (const from of ["friend", "other"]) await allow(server, from, [], ["publish"]);
    const after = await server.open("/events/subscribe?event_type=news,component-*", { ...bearer, "last-event-id": "0-0" });
    await publish(other.token, 2);
    await publish(friend.token, 3);
    await publish(TOKEN, 4);
    const seen: unknown[] = [];
    while (seen.at(-1) !== 4) {
      const { data: event } = (await after.next()) ?? {};
      expect(event.source === "conductor" ? event.data.component_id : event.source).not.toStartWith("other");
      if (event.event_type === "news") seen.push(event.data);
    }
    expect(seen).toEqual([3, 4]);
    const { body } = await server.ask("GET", "/events?limit=100", { token: hub.token });
    expect(JSON.stringify(body)).not.toContain("other-001");
    expect(JSON.stringify((await server.ask("GET", "/events?limit=100")).body)).toContain("other-001");
  });

  test("state, publishing and the rest ask for the operation alone", async () => {
    const server = await start();
    const { hub } = await three(server);
    await allow(server, "hub", [], ["state-read"]);
    expect(await outcome(server, hub, "PUT", "/state/x", { value: 1 })).toBe("403 access_denied");
    expect(await outcome(server, hub, "GET", "/state/x")).toBe("404 unknown_key");
    expect(await outcome(server, hub, "POST", "/events/publish", { event_type: "x" })).toBe("403 access_denied");
    expect(await outcome(server, hub, "GET", "/requests/listen")).toBe("403 access_denied");
    expect((await server.beat(hub)).status).toBe(200);
    expect(await outcome(server, hub, "DELETE", "/access-control/hub")).toBe("403 access_denied");
    await server.ask("DELETE", "/access-control/hub");
    expect(await outcome(server, hub, "PUT", "/state/x", { value: 1 })).toBe("200 ok");
  });

  test("count for whoever waits already, and however a path is written", async () => {
    const server = await start();
    const { hub } = await three(server);
    const waiting = outcome(server, hub, "GET", "/queue/receive?wait=20");
    await until(() => server.conductor.mail.waiting === 1, "it waits");
    await allow(server, "hub", ["friend"], ["send"]);
    expect(await waiting).toBe("403 access_denied");
    for (const path of ["/heartbeat/../state/x", "/%73tate/x", "//state/x", "/health/../state/x"]) {
      const socket = Promise.withResolvers<string>();
      await Bun.connect({
        hostname: "127.0.0.1",
        port: server.port,
        socket: {
          open: (it) => void it.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${hub.token}\r\nConnection: close\r\n\r\n`),
          data: (_, chunk) => socket.resolve(chunk.toString()),
        },
      });
      expect((await socket.promise).split("\r\n")[0]).toBeOneOf(["HTTP/1.1 403 Forbidden", "HTTP/1.1 404 Not Found"]);
      expect(await socket.promise).not.toContain("unknown_key");
    }
  });
});
