/** Components that do not beat: what Harbor registers of the stack, and whoever is known by a health check alone. */
import { expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { systemClock } from "../../../../services/conductor/core/clock.ts";
import { freePort } from "../../../_ports.ts";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, TOKEN, useServers } from "../_server.ts";

const start = useServers();
const STACK_TOKEN = "only-harbor-knows";
const settings = { stackToken: STACK_TOKEN };

const service = (more: object = {}) => ({
  body: { component: "ollama", port: 11_434, heartbeats: false, heartbeat_interval: 1, health_check_url: "/", ...more },
});

async function statusOf(server: Harness, id: string): Promise<string> {
  return (await server.ask("GET", `/services/${id}`)).body.status;
}

/** Takes connections and says nothing. */
async function listen(port: number): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

describeOnBoth("a component without heartbeats", () => {
  test("is healthy by its first good check, has no lease, and no heartbeat is taken of it", async () => {
    const server = await start();
    using web = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("ok") });
    const { status, body } = await server.ask("POST", "/register", service({ port: web.port }));
    expect({ status, body }).toMatchObject({ status: 201, body: { next_heartbeat: null, lease_seconds: null } });
    await until(async () => (await statusOf(server, "ollama-001")) === "healthy", "it is healthy");
    expect((await server.ask("GET", "/services/ollama-001")).body).toMatchObject({
      heartbeats: false,
      registered_by: "component",
      lease_seconds: null,
      last_heartbeat: expect.any(String),
    });
    const beat = await server.beat({ id: "ollama-001", token: body.token });
    expect(beat).toMatchObject({ status: 400, body: { error: { code: "invalid_request", field: "component_id" } } });
  });

  test("that speaks no HTTP is asked for a connection; away it is degraded, back it is healthy", async () => {
    const server = await start();
    const port = freePort();
    const first = await listen(port);
    await server.ask("POST", "/register", service({ component: "redis", port, health_check_url: `tcp://127.0.0.1:${port}` }));
    await until(async () => (await statusOf(server, "redis-001")) === "healthy", "it is healthy");
    first.close();
    await until(async () => (await statusOf(server, "redis-001")) === "degraded", "it is degraded", 15_000);
    expect((await server.ask("GET", "/services/redis-001")).body.causes).toEqual(["health check fails"]);
    await using second = await listen(port);
    await until(async () => (await statusOf(server, "redis-001")) === "healthy", "it is back", 15_000);
    expect(second.listening).toBe(true);
  }, 40_000);

  test("gets no broadcast, for nobody reads it, but what is sent to it", async () => {
    const server = await start();
    const { token } = await server.register("hub");
    await server.register("reader");
    await server.ask("POST", "/register", service());
    expect((await server.ask("POST", "/broadcast", { token, body: { payload: 1 } })).body.recipients).toBe(1);
    expect((await server.ask("POST", "/queue/send", { token, body: { to: "ollama", payload: 1 } })).status).toBe(201);
    const { queues } = (await server.ask("GET", "/queue/depth")).body;
    expect(Object.keys(queues).sort()).toEqual(["ollama-001", "reader-001"]);
  });

  test.each([
    ["no health check", { health_check_url: undefined }, "health_check_url"],
    ["a lease", { lease_seconds: 60 }, "lease_seconds"],
    ["a tcp address without a port", { health_check_url: "tcp://127.0.0.1" }, "health_check_url"],
    ["a tcp address with a path", { health_check_url: "tcp://127.0.0.1:11434/x" }, "health_check_url"],
    ["a tcp address of somebody else", { health_check_url: "tcp://10.0.0.1:22" }, "health_check_url"],
    ["heartbeats that are no yes or no", { heartbeats: "no" }, "heartbeats"],
  ])("is refused with %s", async (_, more, field) => {
    const server = await start();
    expect(await server.ask("POST", "/register", service(more))).toMatchObject({ status: 400, body: { error: { field } } });
  });

  test("is known after a restart of the conductor, without end", async () => {
    const first = await start({ settings });
    await first.ask("POST", "/register", { ...service({ host: "ollama" }), token: STACK_TOKEN });
    let ahead = 0;
    const clock = { now: () => systemClock.now() + ahead, steady: () => systemClock.steady() + ahead };
    const second = await start({ settings, after: first, clock });
    ahead = 86_400_000;
    expect((await second.ask("GET", "/services/ollama-001")).body).toMatchObject({
      heartbeats: false,
      registered_by: "harbor",
      host: "ollama",
      lease_seconds: null,
      url: "http://ollama:11434",
    });
  });
});

describeOnBoth("the stack's own token", () => {
  test("registers a service wherever it is", async () => {
    const server = await start({ settings });
    const { status } = await server.ask("POST", "/register", {
      ...service({ host: "ollama", health_check_url: "http://ollama:11434/api/version" }),
      token: STACK_TOKEN,
    });
    expect(status).toBe(201);
    expect((await server.ask("GET", "/services/ollama-001")).body).toMatchObject({
      url: "http://ollama:11434",
      registered_by: "harbor",
      health_check_url: "http://ollama:11434/api/version",
    });
  });

  test("the conductor's token, and a component's, do not", async () => {
    const server = await start({ settings });
    expect(await server.ask("POST", "/register", { ...service({ host: "ollama" }), token: TOKEN })).toMatchObject({
      status: 400,
      body: { error: { code: "bad_address", field: "host" } },
    });
    const { token } = await server.register("hub");
    expect((await server.ask("POST", "/register", { ...service({ host: "ollama" }), token })).status).toBe(403);
  });

  test("does not lead to the conductor itself, nor to a check elsewhere than at the service", async () => {
    const server = await start({ settings });
    const own = await server.ask("POST", "/register", { ...service({ host: "127.0.0.1", port: server.port }), token: STACK_TOKEN });
    expect(own).toMatchObject({ status: 400, body: { error: { code: "bad_address" } } });
    const elsewhere = service({ host: "ollama", health_check_url: "http://169.254.169.254/latest" });
    expect((await server.ask("POST", "/register", { ...elsewhere, token: STACK_TOKEN })).body.error.code).toBe("bad_address");
  });

  test("is none where it is empty", async () => {
    const server = await start();
    expect((await server.ask("GET", "/services", { token: "" })).status).toBe(401);
  });
});
