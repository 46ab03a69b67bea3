import { describe, expect, spyOn, test } from "bun:test";
import { Guard } from "../../../../services/conductor/api/guard.ts";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, handClock, useServers } from "../_server.ts";

const start = useServers();

async function stateOf(server: Harness, id: string): Promise<Record<string, unknown>> {
  return (await server.ask("GET", `/services/${id}`)).body;
}

describeOnBoth("POST /heartbeat", () => {
  test("answers with the state, when the next one is due, and what became of others", async () => {
    const server = await start();
    const hub = await server.register("hub", { heartbeat_interval: 5 });
    const answer = await server.beat(hub, { timestamp: new Date().toISOString(), metrics: { cpu_percent: 12, active_requests: 3 } });
    expect(answer).toMatchObject({ status: 200, body: { status: "healthy", component_id: "hub-001", commands: [] } });
    const inMs = Date.parse(answer.body.next_heartbeat) - Date.now();
    expect(inMs).toBeGreaterThan(4_000);
    expect(inMs).toBeLessThanOrEqual(5_000);
    const other = await server.register("other");
    expect((await server.beat(hub)).body.commands).toEqual([
      { command: "peer_status", component_id: "other-001", component: "other", from: null, status: "starting" },
    ]);
    expect((await server.beat(hub)).body.commands).toEqual([]);
    expect((await server.beat(other)).body.commands).toEqual([]);
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "healthy", metrics: { cpu_percent: 12, active_requests: 3 } });
  });

  test.each(["left", "registered again"])("that arrives in two parts, between which its sender has %s, is nobody's", async (what) => {
    const server = await start();
    const hub = await server.register("hub");
    const { promise: hasCome, resolve: come } = Promise.withResolvers<void>();
    const { identify } = Guard.prototype;
    using _ = spyOn(Guard.prototype, "identify").mockImplementation(function (this: Guard, ...args) {
      const principal = identify.apply(this, args);
      if (args[0].url.endsWith("/heartbeat")) come();
      return principal;
    });
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('{"component_id": "hub-001",'));
        await mayEnd;
        controller.enqueue(new TextEncoder().encode('"metrics": {"cpu_percent": 99}}'));
        controller.close();
      },
    });
    const answer = fetch(`${server.url}/heartbeat`, { method: "POST", headers: { authorization: `Bearer ${hub.token}` }, body });
    await hasCome;
    if (what === "left") await server.ask("POST", "/deregister", { token: hub.token, body: { component_id: hub.id } });
    // where it has left, this one gets its place
    const other = await server.register(what === "left" ? "other" : "hub");
    end();
    const { status } = await answer;
    expect(status).toBe(401);
    expect(await stateOf(server, other.id)).toMatchObject({ status: "starting", last_heartbeat: null, metrics: {} });
  });

  test("of one that nobody knows is told who is", async () => {
    const server = await start();
    await server.register("hub");
    expect(await server.ask("POST", "/heartbeat", { body: { component_id: "ghost-001" } })).toMatchObject({
      status: 404,
      body: { error: { code: "unknown_component", known: ["hub-001"] } },
    });
  });

  test("from the future is refused, with how far and the right time; from the past it counts", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const ahead = (ms: number) => new Date(Date.now() + ms).toISOString();
    expect(await server.beat(hub, { timestamp: ahead(3_600_000) })).toMatchObject({
      status: 400,
      body: {
        error: { code: "timestamp_in_the_future", message: expect.stringContaining("3600 s ahead"), server_time: expect.any(String) },
      },
    });
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "starting", last_heartbeat: null });
    for (const timestamp of [ahead(1_000), ahead(-86_400_000), Date.now(), Date.now() / 1_000, null]) {
      expect((await server.beat(hub, { timestamp })).status).toBe(200);
    }
  });

  test.each([
    [{ timestamp: "yesterday" }, "timestamp"],
    [{ timestamp: {} }, "timestamp"],
    [{ status: "fine" }, "status"],
    [{ metrics: [1] }, "metrics"],
    [{ metrics: { cpu: "12" } }, "metrics.cpu"],
    [{ metrics: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`m${index}`, index])) }, "metrics"],
    [{ component_id: 7 }, "component_id"],
  ])("with %j is refused and names the field", async (wrong, field) => {
    const server = await start();
    const hub = await server.register("hub");
    expect(await server.beat(hub, wrong)).toMatchObject({ status: 400, body: { error: { code: "invalid_request", field } } });
  });
});

describeOnBoth("a component that falls silent", () => {
  test("is degraded after three, others are told, an alert is raised; offline 30 s later; and back after two", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const hub = await server.register("hub", { heartbeat_interval: 1 });
    const other = await server.register("other", { heartbeat_interval: 30 });
    await server.beat(hub);
    await server.beat(other);
    const stream = await server.open("/events/subscribe?event_type=component-*,alert-*");
    /** In steps no longer than the conductor takes for its own absence. */
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 250) {
        clock.pass(250);
        server.conductor.monitor.tick();
      }
    };
    const told: string[] = [];
    const hear = async (last: string): Promise<void> => {
      while (told.at(-1) !== last) {
        const { event = "", data } = (await stream.next()) ?? {};
        if (data.data.component_id === hub.id) told.push(`${event}${data.data.missed ?? ""}`);
      }
    };
    pass(3_000);
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "healthy", missed_heartbeats: 2 });
    pass(250);
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "degraded", missed_heartbeats: 3, causes: ["missed heartbeats"] });
    expect((await server.beat(other)).body.commands).toEqual([
      { command: "peer_status", component_id: hub.id, component: "hub", from: "healthy", status: "degraded" },
    ]);
    await hear("alert-firing");
    expect(told.splice(0).slice(-5)).toEqual([
      "component-missed-heartbeat1",
      "component-missed-heartbeat2",
      "component-missed-heartbeat3",
      "component-degraded",
      "alert-firing",
    ]);
    pass(29_750);
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "degraded" });
    pass(250);
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "offline" });
    await hear("alert-resolved");
    expect(told.splice(0)).toEqual(["component-offline", "alert-firing", "alert-resolved"]);
    expect((await server.beat(hub)).body.status).toBe("offline");
    pass(1_000);
    expect((await server.beat(hub)).body.status).toBe("healthy");
    pass(250);
    await hear("alert-resolved");
    expect(told).toEqual(["component-recovered", "alert-resolved"]);
    await stream.close();
  });

  test("and registers again: the alert is over", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const hub = await server.register("hub", { heartbeat_interval: 1 });
    await server.beat(hub);
    for (let passed = 0; passed < 3_250; passed += 250) {
      clock.pass(250);
      server.conductor.monitor.tick();
    }
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "degraded" });
    await server.register("hub");
    server.conductor.monitor.tick();
    const alerts = await until(async () => {
      const { events } = (await server.ask("GET", "/events")).body;
      const found = events.filter(({ event_type: type }: { event_type: string }) => type.startsWith("alert-"));
      return found.length === 2 && found;
    }, "the alert is over");
    const about = { alert_name: "component-degraded", component_id: hub.id };
    expect(alerts).toMatchObject([
      { event_type: "alert-firing", data: about },
      { event_type: "alert-resolved", data: { ...about, state: "starting" } },
    ]);
  });

  describe("and the conductor restarts meanwhile", () => {
    const TYPES = ["alert-firing", "alert-resolved", "component-degraded", "component-offline", "component-recovered"];
    interface Told {
      event_type: string;
      data: { alert_name?: string };
    }
    /** Offline, and all that led there is told. */
    async function restartWhileOffline({ isStoreAway = false } = {}) {
      const clock = handClock();
      const pass = (server: Harness, ms: number): void => {
        for (let passed = 0; passed < ms; passed += 250) {
          clock.pass(250);
          server.conductor.monitor.tick();
        }
      };
      /** Alerts by their names, up to this. */
      const told = async (server: Harness, count: number): Promise<string[]> => {
        const events = await until(async () => {
          const found = (await server.ask("GET", "/events")).body.events.filter(({ event_type: type }: Told) => TYPES.includes(type));
          return found.length >= count && (found as Told[]);
        }, `${count} are told`);
        return events.map(({ event_type: type, data }) => (data.alert_name === undefined ? type : `${type}: ${data.alert_name}`));
      };
      const first = await start({ clock });
      const hub = await first.register("hub", { heartbeat_interval: 1 });
      await first.beat(hub);
      first.store.failing = isStoreAway;
      pass(first, 33_500);
      expect(await stateOf(first, hub.id)).toMatchObject({ status: "offline" });
      first.store.failing = false;
      const before = [
        ...["component-degraded", "alert-firing: component-degraded"],
        ...["component-offline", "alert-firing: component-offline", "alert-resolved: component-degraded"],
      ];
      expect(await told(first, before.length)).toEqual(before);
      await until(async () => (await first.store.documents.list("alert-raised")).length === 1, "it is kept");
      expect(first.problems.filter((problem) => !problem.startsWith("the store is "))).toEqual([]);
      const server = await start({ clock, after: first });
      expect(await stateOf(server, hub.id)).toMatchObject({ status: "starting" });
      const toldSince = async (count: number) => (await told(server, before.length + count)).slice(before.length);
      return { server, hub, pass: (ms: number) => pass(server, ms), toldSince };
    }

    test.each([
      ["", {}],
      [", also where the store was away when it was raised", { isStoreAway: true }],
    ])("is well again: the alert is over%s", async (_, options) => {
      const { server, hub, toldSince } = await restartWhileOffline(options);
      expect((await server.beat(hub)).body.status).toBe("healthy");
      server.conductor.monitor.tick();
      expect(await toldSince(2)).toEqual(["component-recovered", "alert-resolved: component-offline"]);
    });

    test("is silent all the same: the alert is not raised again, and over when it leaves", async () => {
      const { server, hub, pass, toldSince } = await restartWhileOffline();
      pass(33_500);
      expect(await toldSince(2)).toEqual(["component-degraded", "component-offline"]);
      expect((await server.ask("POST", "/deregister", { body: { component_id: hub.id } })).status).toBe(200);
      server.conductor.monitor.tick();
      expect(await toldSince(3)).toEqual(["component-degraded", "component-offline", "alert-resolved: component-offline"]);
      await until(async () => (await server.store.documents.list("alert-raised")).length === 0, "nothing of it is kept");
    });

    test("registers again: the alert is over", async () => {
      const { server, toldSince } = await restartWhileOffline();
      await server.register("hub");
      server.conductor.monitor.tick();
      expect(await toldSince(1)).toEqual(["alert-resolved: component-offline"]);
    });

    test("says that it is unwell: that is another alert", async () => {
      const { server, hub, toldSince } = await restartWhileOffline();
      expect((await server.beat(hub, { status: "unhealthy" })).body.status).toBe("degraded");
      server.conductor.monitor.tick();
      expect(await toldSince(3)).toEqual(["component-degraded", "alert-firing: component-degraded", "alert-resolved: component-offline"]);
    });
  });

  test("is noticed in time on a real clock", async () => {
    const server = await start();
    const stream = await server.open("/events/subscribe?event_type=component-missed-heartbeat");
    const hub = await server.register("hub", { heartbeat_interval: 1 });
    await server.beat(hub);
    const died = performance.now();
    expect((await stream.next())?.data.data).toMatchObject({ component_id: hub.id, missed: 1 });
    const noticed = performance.now() - died;
    expect(noticed).toBeGreaterThan(1_000);
    expect(noticed).toBeLessThan(1_500);
    await stream.close();
  });

  test("while the conductor itself was away is granted a round, and that is told", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const hub = await server.register("hub", { heartbeat_interval: 1 });
    await server.beat(hub);
    clock.pass(3_600_000);
    // the beat that waited in the socket may be read before any timer runs
    const other = await server.register("other");
    expect((await server.beat(other)).status).toBe(200);
    server.conductor.monitor.tick();
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "healthy", missed_heartbeats: 0 });
    const events = await until(async () => {
      const { body } = await server.ask("GET", "/events");
      return body.events.find((event: { event_type: string }) => event.event_type === "conductor-paused");
    }, "the event");
    expect(events.data).toEqual({ paused_ms: 3_600_000 });
  });

  test("is missed on a machine that is too busy again and again, too", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const hub = await server.register("hub", { heartbeat_interval: 10 });
    const alive = await server.register("alive", { heartbeat_interval: 10 });
    await server.beat(hub);
    for (let passed = 0; passed < 50_000; passed += 5_000) {
      if (passed % 10_000 === 0) expect((await server.beat(alive)).body.status).toBe("healthy");
      for (const ms of [600, ...Array.from({ length: 11 }, () => 400)]) {
        clock.pass(ms);
        server.conductor.monitor.tick();
      }
    }
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "degraded", causes: ["missed heartbeats"] });
    expect(await stateOf(server, alive.id)).toMatchObject({ status: "healthy" });
  });

  test("says itself that it is unwell: at once, and well after two", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const hub = await server.register("hub", { heartbeat_interval: 1 });
    await server.beat(hub);
    expect((await server.beat(hub, { status: "unhealthy" })).body.status).toBe("degraded");
    expect(await stateOf(server, hub.id)).toMatchObject({ causes: ["reported unhealthy"] });
    clock.pass(500);
    expect((await server.beat(hub)).body.status).toBe("degraded");
    clock.pass(500);
    server.conductor.monitor.tick();
    expect((await server.beat(hub)).body.status).toBe("healthy");
  });

  test("a component whose health check fails is degraded though it beats, and comes back with it", async () => {
    const clock = handClock();
    const server = await start({ clock });
    let status = 500;
    using component = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(null, { status }) });
    const hub = await server.register("hub", { port: component.port, health_check_url: "/health", heartbeat_interval: 30 });
    await server.beat(hub);
    const untilState = (wanted: string) =>
      until(async () => {
        for (let passed = 0; passed < 31_000; passed += 250) {
          clock.pass(250);
          server.conductor.monitor.tick();
        }
        server.conductor.checks.tick();
        await server.beat(hub);
        return (await stateOf(server, hub.id)).status === wanted;
      }, wanted);
    await untilState("degraded");
    expect(await stateOf(server, hub.id)).toMatchObject({ causes: ["health check fails"] });
    // a redirection is no answer: it may lead anywhere
    status = 302;
    expect(await stateOf(server, hub.id)).toMatchObject({ status: "degraded" });
    status = 200;
    await untilState("healthy");
  });
});
