import { afterEach, expect, test } from "bun:test";
import { freePort } from "../../../_ports.ts";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, TOKEN, useServers } from "../_server.ts";

const start = useServers();
const components: Bun.Server<undefined>[] = [];
afterEach(() => {
  for (const component of components.splice(0)) void component.stop(true);
});

type Handler = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;

/** What a component has seen, as `echo` tells. */
interface Seen {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** The JSON of an answer: a component's, or the conductor's refusal. */
const json = <T = Seen>(answer: Response): Promise<T> => answer.json() as Promise<T>;

/** A component that serves. */
async function serve(server: Harness, name: string, handle: Handler, more: object = {}): Promise<string> {
  const component = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: handle });
  components.push(component);
  return (await server.register(name, { port: component.port, ...more })).id;
}

const route = (server: Harness, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}/route/${path}`, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) },
  });

const echo: Handler = async (request) =>
  Response.json({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() });

describeOnBoth("/route", () => {
  test("passes method, path, query and body on, by id, name and capability", async () => {
    const server = await start();
    const id = await serve(server, "hub", echo, { capabilities: ["analysis"] });
    for (const name of [id, "hub", "analysis"]) {
      const answer = await route(server, `${name}/a%2Fb/c?q=1&q=%20`, { method: "PATCH", body: "hello" });
      expect(answer.headers.get("x-harbor-component")).toBe(id);
      const seen = await json(answer);
      expect(seen).toMatchObject({ method: "PATCH", body: "hello" });
      expect(seen.url).toEndWith("/a%2Fb/c?q=1&q=%20");
    }
    expect((await json(await route(server, "hub"))).url).toEndWith("/");
    expect(await json(await route(server, "nobody/x"))).toMatchObject({ error: { code: "unknown_component", known: [id] } });
  });

  test("passes on nothing of the connection, and not the caller's token, but says who it was", async () => {
    const server = await start();
    await serve(server, "hub", echo);
    const caller = await server.register("caller");
    const headers = {
      authorization: `Bearer ${caller.token}`,
      connection: "x-private",
      "x-private": "1",
      "x-harbor-from": "operator",
      "x-kept": "2",
      te: "trailers",
    };
    const seen = (await json(await route(server, "hub/", { headers }))).headers;
    expect(seen).toMatchObject({
      "x-harbor-from": "caller-001",
      "x-kept": "2",
      "x-forwarded-for": "127.0.0.1",
      via: expect.stringContaining("harbor-conductor"),
    });
    expect(Object.keys(seen)).not.toContain("authorization");
    expect(Object.keys(seen)).not.toContain("x-private");
    expect(Object.keys(seen)).not.toContain("te");
    const own = { authorization: "Bearer for-the-component", "x-harbor-token": caller.token };
    const passed = (await json(await route(server, "hub/", { headers: own }))).headers;
    expect(passed.authorization).toBe("Bearer for-the-component");
    expect(Object.keys(passed)).not.toContain("x-harbor-token");
  });

  test("gives the answer as it is: status, headers, compressed bytes, redirections", async () => {
    const server = await start();
    const packed = Bun.gzipSync("hello".repeat(100));
    await serve(server, "hub", (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/teapot")
        return new Response("short", {
          status: 418,
          headers: [
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
          ],
        });
      if (pathname === "/away") return Response.redirect("http://169.254.169.254/", 302);
      if (pathname === "/empty") return new Response(null, { status: 204 });
      return new Response(packed, { headers: { "content-encoding": "gzip" } });
    });
    const teapot = await route(server, "hub/teapot");
    expect({ status: teapot.status, text: await teapot.text(), cookies: teapot.headers.getSetCookie() }).toEqual({
      status: 418,
      text: "short",
      cookies: ["a=1", "b=2"],
    });
    const away = await route(server, "hub/away", { redirect: "manual" });
    expect({ status: away.status, to: away.headers.get("location") }).toEqual({ status: 302, to: "http://169.254.169.254/" });
    expect((await route(server, "hub/empty")).status).toBe(204);
    expect(await (await route(server, "hub/gzip")).text()).toBe("hello".repeat(100));
  });

  test("streams both ways: a part arrives before the next one is sent", async () => {
    const server = await start();
    await serve(server, "hub", (request) => new Response(request.body));
    const { writable, readable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const answering = route(server, "hub/", { method: "POST", body: readable });
    void writer.write(Buffer.from("one"));
    const reader = ((await answering).body as ReadableStream<Uint8Array>).getReader();
    const next = async () => Buffer.from((await reader.read()).value ?? []).toString();
    expect(await next()).toBe("one");
    void writer.write(Buffer.from("two"));
    expect(await next()).toBe("two");
    await writer.close();
    expect((await reader.read()).done).toBe(true);
  });

  test("passes megabytes on unharmed", async () => {
    const server = await start();
    await serve(server, "hub", async (request) => new Response(Bun.hash(await request.arrayBuffer()).toString()));
    const data = crypto.getRandomValues(new Uint8Array(65_536));
    const big = Buffer.concat(Array.from({ length: 320 }, () => data));
    expect(await (await route(server, "hub/", { method: "PUT", body: big })).text()).toBe(Bun.hash(big).toString());
  });

  test("tries another instance where nobody answers, any method, with its body", async () => {
    const server = await start();
    for (let count = 0; count < 2; count++) await server.register("hub", { instances: "many", port: freePort() });
    const alive = await serve(server, "hub", echo, { instances: "many" });
    for (const method of ["GET", "POST", "POST", "PUT"]) {
      const answer = await route(server, "hub/x", { method, ...(method === "GET" ? {} : { body: "once" }) });
      expect({ status: answer.status, who: answer.headers.get("x-harbor-component") }).toEqual({ status: 200, who: alive });
      expect((await json(answer)).body).toBe(method === "GET" ? "" : "once");
    }
  });

  test("repeats what may be repeated where the connection breaks, and nothing else", async () => {
    const server = await start();
    const seen: string[] = [];
    using breaking = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket, chunk) => {
          seen.push(chunk.toString().split(" ")[0] ?? "");
          socket.terminate();
        },
      },
    });
    const bad = await server.register("hub", { instances: "many", port: breaking.port });
    await serve(server, "hub", echo, { instances: "many" });
    // the other one has more to do, so the breaking one is asked first
    await server.beat(bad, { metrics: { active_requests: 0 } });
    await server.beat({ id: "hub-002", token: TOKEN }, { metrics: { active_requests: 50 } });
    expect((await route(server, "hub/")).status).toBe(200);
    expect((await route(server, "hub/", { method: "PUT", body: "x" })).status).toBe(200);
    const post = await route(server, "hub/", { method: "POST", body: "x" });
    expect({ status: post.status, body: await json(post) }).toMatchObject({
      status: 502,
      body: { error: { code: "upstream_failed", attempts: [{ component_id: bad.id, reason: "ECONNRESET" }] } },
    });
    expect(seen.filter((method) => method === "POST")).toHaveLength(1);
  });

  test("says who was tried where nobody answers, and does not wait for who is silent", async () => {
    const server = await start();
    const hub = await server.register("hub", { port: freePort() });
    expect(await json(await route(server, "hub/"))).toMatchObject({
      error: { code: "upstream_failed", attempts: [{ component_id: hub.id, reason: "ECONNREFUSED" }] },
    });
    await server.beat(hub, { status: "unhealthy" });
    const answer = await route(server, "hub/");
    expect({ status: answer.status, body: await json(answer) }).toMatchObject({
      status: 503,
      body: { error: { code: "no_instance", instances: [{ causes: ["reported unhealthy"] }] } },
    });
  });

  test("waits no longer than asked", async () => {
    const server = await start();
    await serve(server, "hub", () => new Promise<Response>(() => {}));
    const answer = await route(server, "hub/", { headers: { "x-route-timeout": "0.1" } });
    expect({ status: answer.status, body: await json(answer) }).toMatchObject({
      status: 504,
      body: { error: { code: "upstream_timeout" } },
    });
    expect((await route(server, "hub/", { headers: { "x-route-timeout": "soon" } })).status).toBe(400);
  });

  test("ends at the component when the caller goes", async () => {
    const server = await start();
    let isEnded = false;
    await serve(server, "hub", (request) => {
      request.signal.addEventListener("abort", () => {
        isEnded = true;
      });
      const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
        await Bun.sleep(5);
        controller.enqueue(new Uint8Array(10));
      };
      return new Response(new ReadableStream({ pull }));
    });
    const end = new AbortController();
    const answer = await route(server, "hub/", { signal: end.signal });
    await answer.body?.getReader().read();
    end.abort();
    await until(() => isEnded, "the component hears of it");
  });

  test("keeps no figures of one that left before it answered", async () => {
    const server = await start();
    const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const component_id = await serve(server, "hub", async () => {
      asked();
      await mayAnswer;
      return new Response("done");
    });
    const answered = route(server, "hub/");
    await isAsked;
    await server.ask("POST", "/deregister", { body: { component_id } });
    answer();
    expect((await answered).status).toBe(200);
    const { measures, registry } = server.conductor;
    measures.sample((id) => registry.get(id), Date.now());
    expect([...measures.traffic.ids()]).toEqual([]);
  });

  test("lets what is under way end by itself when the conductor ends", async () => {
    const server = await start();
    const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    await serve(server, "hub", async () => {
      asked();
      await mayAnswer;
      return new Response("done");
    });
    const answered = route(server, "hub/").then(async (response) => [response.status, await response.text()]);
    await isAsked;
    const stopped = server.stop(5_000);
    answer();
    expect(await answered).toEqual([200, "done"]);
    await stopped;
  });

  test("does not go round, and passes no WebSockets", async () => {
    const server = await start();
    await serve(server, "hub", (request) =>
      fetch(`${server.url}/route/hub/`, { headers: { ...Object.fromEntries(request.headers), authorization: `Bearer ${TOKEN}` } }),
    );
    const answer = await route(server, "hub/");
    expect({ status: answer.status, body: await json(answer) }).toMatchObject({ status: 508, body: { error: { code: "loop_detected" } } });
    const upgrade = await server.ask("GET", "/route/hub/", { headers: { connection: "upgrade", upgrade: "websocket" } });
    expect(upgrade).toMatchObject({ status: 501, body: { error: { code: "upgrade_not_supported" } } });
  });
});
