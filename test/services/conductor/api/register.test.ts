import { expect, test } from "bun:test";
import { until } from "../../../_until.ts";
import { describeOnBoth, handClock, TOKEN, useServers } from "../_server.ts";

const start = useServers();

describeOnBoth("POST /register", () => {
  test("answers with an id, a token, the interval, and who else is there", async () => {
    const server = await start();
    await server.register("archive", { capabilities: ["search"] });
    const { status, body } = await server.ask("POST", "/register", {
      body: {
        component: "sherlock-hub",
        version: "2.1.0",
        port: 8_001,
        capabilities: ["analysis", "analysis"],
        health_check_url: "http://localhost:8001/health",
      },
    });
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        status: "registered",
        component_id: "sherlock-hub-001",
        instance_id: expect.any(String),
        is_replacement: false,
        token: expect.stringMatching(/^sherlock-hub-001\.[\w-]{32}$/),
        heartbeat_interval: 10,
        next_heartbeat: expect.stringMatching(/^\d{4}-.*Z$/),
        lease_seconds: 3_600,
        components_total: 2,
        components: [{ component_id: "archive-001", status: "starting", capabilities: ["search"] }],
      },
    });
    expect((await server.ask("GET", "/services/sherlock-hub-001")).body).toMatchObject({
      url: "http://127.0.0.1:8001",
      capabilities: ["analysis"],
      health_check_url: "http://localhost:8001/health",
    });
  });

  test("twice is the same id and a new instance: the token of the first is no longer good", async () => {
    const server = await start();
    const first = await server.register("hub");
    const second = await server.register("hub", { version: "1.0.1", port: 4_002 });
    expect(second).toMatchObject({ id: first.id, body: { is_replacement: true, components_total: 1 } });
    expect(second.body.instance_id).not.toBe(first.body.instance_id);
    expect(await server.beat(first)).toMatchObject({ status: 401, body: { error: { code: "unknown_token" } } });
    expect((await server.beat(second)).status).toBe(200);
    expect((await server.ask("GET", "/services")).body).toMatchObject({ total: 1, services: [{ version: "1.0.1", port: 4_002 }] });
  });

  test("at the same moment leaves one whose token is good", async () => {
    const server = await start();
    const all = await Promise.all(Array.from({ length: 20 }, () => server.register("hub")));
    const statuses = await Promise.all(all.map((each) => server.beat(each).then(({ status }) => status)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect((await server.ask("GET", "/services")).body.total).toBe(1);
  });

  test("as one of many gives each a number, which none gets again while others are there", async () => {
    const server = await start();
    const many = { instances: "many" };
    const all = await Promise.all(Array.from({ length: 10 }, () => server.register("worker", many)));
    expect(all.map(({ id }) => id).sort()).toEqual(
      Array.from({ length: 10 }, (_, index) => `worker-${String(index + 1).padStart(3, "0")}`),
    );
    await server.ask("POST", "/deregister", { body: { component_id: "worker-010" } });
    expect((await server.register("worker", many)).id).toBe("worker-011");
    // one that comes back says who it is
    expect(await server.register("worker", { ...many, component_id: "worker-004" })).toMatchObject({
      id: "worker-004",
      body: { is_replacement: true },
    });
  });

  test.each([
    [{ component: "" }, "component"],
    [{ component: "a/b" }, "component"],
    [{ component: "hub-001" }, "component"],
    [{ component: undefined }, "component"],
    [{ port: 0 }, "port"],
    [{ port: "80" }, "port"],
    [{ port: 1.5 }, "port"],
    [{ version: 3 }, "version"],
    [{ capabilities: "search" }, "capabilities"],
    [{ capabilities: ["a b"] }, "capabilities"],
    [{ capabilities: Array.from({ length: 65 }, (_, index) => `c${index}`) }, "capabilities"],
    [{ heartbeat_interval: 0.5 }, "heartbeat_interval"],
    [{ heartbeat_interval: 31 }, "heartbeat_interval"],
    [{ lease_seconds: 1 }, "lease_seconds"],
    [{ instances: "several" }, "instances"],
    [{ component_id: "other-001" }, "component_id"],
    [{ component_id: "hub-1" }, "component_id"],
    [{ component_id: "hub-000" }, "component_id"],
    [{ component_id: "hub-0001" }, "component_id"],
    [{ component_id: "hub-1e3" }, "component_id"],
    [{ component_id: "hub-99999999999999999999" }, "component_id"],
    [{ host: "a b" }, "host"],
  ])("refuses %j and names the field", async (wrong, field) => {
    const server = await start();
    const body = { component: "hub", version: "1.0.0", port: 4_001, capabilities: [], ...wrong };
    expect(await server.ask("POST", "/register", { body })).toMatchObject({
      status: 400,
      body: { error: { code: "invalid_request", field } },
    });
    expect((await server.ask("GET", "/services")).body.total).toBe(0);
  });

  test("is at the address that it comes from, or at one that was allowed", async () => {
    const server = await start({ settings: { allowedHosts: ["gpu.lan", "*.internal"] } });
    const refused = { status: 400, body: { error: { code: "bad_address" } } };
    const at = (more: object) => server.ask("POST", "/register", { body: { component: "hub", port: 4_001, ...more } });
    for (const host of ["169.254.169.254", "10.0.0.1", "example.com", "internal", "gpu.lan.evil.example", "0.0.0.0", "2130706433"]) {
      expect({ host, ...(await at({ host })) }).toMatchObject({ host, ...refused });
    }
    for (const host of ["127.0.0.1", "localhost", "::1", "gpu.lan", "GPU.LAN", "webui.internal"])
      expect((await at({ host })).status).toBe(201);
    expect(await at({ port: server.port })).toMatchObject(refused);
    for (const health_check_url of [
      "http://169.254.169.254/latest",
      "http://10.0.0.1:4001/health",
      "file:///etc/passwd",
      "http://user:secret@127.0.0.1:4001/",
      `http://127.0.0.1:${server.port}/health`,
      "//evil.example/x",
    ]) {
      expect({ health_check_url, ...(await at({ health_check_url })) }).toMatchObject({ health_check_url, ...refused });
    }
    expect((await at({ health_check_url: "/health?full=1" })).status).toBe(201);
    expect((await server.ask("GET", "/services/hub-001")).body.health_check_url).toBe("http://127.0.0.1:4001/health?full=1");
  });

  test("is known again after a restart, with the same token, and granted a round", async () => {
    const clock = handClock();
    const first = await start({ clock });
    const hub = await first.register("hub", { heartbeat_interval: 1, capabilities: ["search"] });
    const { instance_id: instance } = hub.body;
    clock.pass(3_600_000);
    const second = await start({ clock, after: first });
    expect((await second.ask("GET", "/services?capability=search")).body.services).toMatchObject([
      { component_id: "hub-001", instance_id: instance, status: "starting", missed_heartbeats: 0 },
    ]);
    expect(await second.beat(hub)).toMatchObject({ status: 200, body: { status: "healthy" } });
    expect((await second.register("hub2", { instances: "many" })).id).toBe("hub2-001");
  });
});

describeOnBoth("POST /deregister", () => {
  test("forgets it, on disk too, and tells the others", async () => {
    const server = await start();
    const [hub, other] = [await server.register("hub"), await server.register("other")];
    await server.beat(other);
    expect(await server.ask("POST", "/deregister", { token: hub.token, body: { component_id: hub.id } })).toMatchObject({
      status: 200,
      body: { status: "deregistered", component_id: "hub-001" },
    });
    expect((await server.ask("GET", "/services")).body.total).toBe(1);
    expect((await server.store.documents.list("component")).map(({ id }) => id)).toEqual(["other-001"]);
    expect((await server.beat(hub)).status).toBe(401);
    expect((await server.beat(other)).body.commands).toContainEqual(
      expect.objectContaining({ command: "peer_status", component_id: "hub-001", status: "gone" }),
    );
    const types = await until(async () => {
      const { events } = (await server.ask("GET", "/events")).body;
      return events.some((event: { event_type: string }) => event.event_type === "component-gone") && events;
    }, "the event");
    expect(types.at(-1)).toMatchObject({ event_type: "component-gone", source: "conductor", data: { component_id: "hub-001" } });
  });

  test("of an instance takes not the next one with it, which registers at the same time", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const { put } = server.store.documents;
    const { promise: isWriting, resolve: writes } = Promise.withResolvers<void>();
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
    server.store.documents.put = async (...document) => {
      writes();
      await mayGoOn;
      return put(...document);
    };
    const next = server.register("hub");
    await isWriting;
    const component = server.conductor.registry.expect(hub.id);
    const leaving = server.conductor.deregister(component);
    goOn();
    await leaving;
    expect((await server.beat(await next)).status).toBe(200);
    expect(await server.store.documents.list("component")).toMatchObject([{ id: hub.id }]);
  });

  test("changes nothing where it cannot be kept", async () => {
    const server = await start();
    const hub = await server.register("hub");
    server.store.failing = true;
    expect((await server.ask("POST", "/deregister", { token: hub.token, body: { component_id: hub.id } })).status).toBe(503);
    expect((await server.beat(hub)).status).toBe(200);
  });

  test("happens by itself when the lease is over, whatever the store says to it", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const hub = await server.register("hub", { heartbeat_interval: 1, lease_seconds: 60 });
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 250) {
        clock.pass(250);
        server.conductor.monitor.tick();
      }
    };
    pass(59_000);
    expect((await server.ask("GET", "/services/hub-001")).body.status).toBe("offline");
    server.store.failing = true;
    pass(1_000);
    expect((await server.ask("GET", "/services/hub-001")).status).toBe(404);
    await until(
      () => server.problems.some((problem) => problem.startsWith("hub-001 is gone, and still on disk")),
      "it is complained about",
    );
    server.store.failing = false;
    expect((await server.beat(hub)).status).toBe(401);
    expect(await server.register("hub")).toMatchObject({ id: "hub-001", body: { is_replacement: false } });
  });

  test("of one that nobody knows says who is known", async () => {
    const server = await start();
    await server.register("hub");
    expect(await server.ask("POST", "/deregister", { token: TOKEN, body: { component_id: "hub-007" } })).toMatchObject({
      status: 404,
      body: { error: { code: "unknown_component", known: ["hub-001"], known_total: 1, hint: expect.stringContaining("/register") } },
    });
  });
});
