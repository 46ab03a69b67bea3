import { expect, test } from "bun:test";
import { describeOnBoth, handClock, useServers } from "../_server.ts";

const start = useServers();

describeOnBoth("GET /services", () => {
  test("filters by capability, status and version", async () => {
    const server = await start();
    const a = await server.register("a", { capabilities: ["search", "rank"], version: "1.4.0" });
    await server.register("b", { capabilities: ["search"], version: "2.0.0" });
    await server.register("c", { version: "weird" });
    await server.beat(a);
    const ids = async (query: string) =>
      (await server.ask("GET", `/services?${query}`)).body.services.map((each: { component_id: string }) => each.component_id);
    expect(await ids("")).toEqual(["a-001", "b-001", "c-001"]);
    expect(await ids("capability=search")).toEqual(["a-001", "b-001"]);
    expect(await ids("capability=search&capability=rank")).toEqual(["a-001"]);
    expect(await ids("capability=search,rank")).toEqual(["a-001"]);
    expect(await ids("status=starting")).toEqual(["b-001", "c-001"]);
    expect(await ids("status=healthy,starting&version=^1.0.0")).toEqual(["a-001"]);
    expect(await ids("version=weird")).toEqual(["c-001"]);
    expect(await ids("component=b")).toEqual(["b-001"]);
    expect(await ids("capability=none")).toEqual([]);
    expect(await ids("limit=1&offset=1")).toEqual(["b-001"]);
    expect(await server.ask("GET", "/services?status=well")).toMatchObject({ status: 400, body: { error: { field: "status" } } });
    expect(await server.ask("GET", "/services/a-002")).toMatchObject({ status: 404, body: { error: { known: ["a-001"] } } });
  });

  test("watched tells what comes, changes, and does not match any more", async () => {
    const server = await start();
    const a = await server.register("a");
    await server.beat(a);
    const stream = await server.open("/services?watch=true&status=healthy");
    expect(await stream.next()).toMatchObject({ event: "services", data: { services: [{ component_id: "a-001" }] } });
    const b = await server.register("b");
    await server.beat(b);
    expect(await stream.next()).toMatchObject({ event: "added", data: { component_id: "b-001", status: "healthy" } });
    await server.beat(a, { status: "degraded" });
    expect(await stream.next()).toEqual({ event: "removed", data: { component_id: "a-001", status: "degraded" } });
    await server.ask("POST", "/deregister", { body: { component_id: "b-001" } });
    expect(await stream.next()).toEqual({ event: "removed", data: { component_id: "b-001", status: "gone" } });
    await stream.close();
  });
});

describeOnBoth("GET /resolve", () => {
  test("names the least loaded by what they report, and shares among equals", async () => {
    const server = await start();
    const many = { instances: "many", capabilities: ["search"] };
    const [a, b, c] = [
      await server.register("s", { ...many, port: 1 }),
      await server.register("s", { ...many, port: 2 }),
      await server.register("s", { ...many, port: 3 }),
    ];
    const resolve = async (query = "capability=search") => (await server.ask("GET", `/resolve?${query}`)).body;
    const turns = [
      await resolve("component=s&strategy=round-robin"),
      await resolve("component=s&strategy=round-robin"),
      await resolve("component=s&strategy=round-robin"),
    ];
    expect(turns.map(({ component_id: id }) => id).sort()).toEqual([a.id, b.id, c.id]);
    await server.beat(a, { metrics: { active_requests: 5 } });
    await server.beat(b, { metrics: { active_requests: 2 } });
    await server.beat(c, { metrics: { active_requests: 9 } });
    expect(await resolve()).toMatchObject({ component_id: b.id, url: "http://127.0.0.1:2", strategy: "least-loaded" });
    // what was given to it since its beat counts: not all go to one until it beats again
    const given = [];
    for (let count = 0; count < 6; count++) given.push((await resolve()).component_id);
    expect(new Set(given)).toEqual(new Set([a.id, b.id]));
  });

  test("leaves out who is not well, and says so where nobody is", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const many = { instances: "many", capabilities: ["search"], heartbeat_interval: 30 };
    const [a, b] = [await server.register("s", many), await server.register("s", many)];
    await server.beat(a);
    await server.beat(b, { status: "degraded" });
    const resolve = () => server.ask("GET", "/resolve?capability=search");
    expect((await resolve()).body.component_id).toBe(a.id);
    await server.beat(a, { status: "unhealthy" });
    // degraded by its own word it still works in part
    expect((await resolve()).body.component_id).toBe(b.id);
    await server.beat(b, { status: "unhealthy" });
    expect(await resolve()).toMatchObject({
      status: 503,
      body: {
        error: {
          code: "no_instance",
          instances: [{ component_id: a.id, status: "degraded", causes: ["reported unhealthy"] }, { component_id: b.id }],
        },
      },
    });
    expect((await server.ask("GET", "/resolve?capability=none")).body.error).toMatchObject({ code: "no_instance", instances: [] });
    expect((await server.ask("GET", "/resolve?component=none")).status).toBe(404);
    expect((await server.ask("GET", "/resolve")).status).toBe(400);
  });
});
