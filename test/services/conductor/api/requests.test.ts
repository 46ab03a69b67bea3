import { expect, test } from "bun:test";
import { describeOnBoth, type EventReader, type Harness, useServers } from "../_server.ts";

const start = useServers();

interface Who {
  id: string;
  token: string;
}

function listen(server: Harness, { token }: Who, query = ""): Promise<EventReader> {
  return server.open(`/requests/listen${query}`, { authorization: `Bearer ${token}` });
}

/** One that listens, past its first event. */
async function listening(server: Harness, who: Who, query = ""): Promise<EventReader> {
  const stream = await listen(server, who, query);
  expect((await stream.next())?.event).toBe("listening");
  return stream;
}

const ask = (server: Harness, { token }: Who, body: Record<string, unknown>) => server.ask("POST", "/request", { token, body });
const answer = (server: Harness, { token }: Who, body: Record<string, unknown>) => server.ask("POST", "/requests/answer", { token, body });

async function pair(server: Harness): Promise<{ hub: Who; worker: Who }> {
  return { hub: await server.register("hub"), worker: await server.register("worker", { capabilities: ["count"] }) };
}

describeOnBoth("a request", () => {
  test("is answered by who listens for it", async () => {
    const server = await start();
    const { hub, worker } = await pair(server);
    const stream = await listening(server, worker, "?request_type=count,list-*");
    const answered = ask(server, hub, { from: "hub", to: "count", request_type: "list-all", payload: [1], timeout_seconds: 5 });
    const request = await stream.next();
    expect(request).toMatchObject({
      event: "request",
      data: { from: "hub-001", request_type: "list-all", payload: [1], timeout_seconds: 5 },
    });
    const request_id = request?.data.request_id;
    expect(await answer(server, hub, { request_id, result: "stolen" })).toMatchObject({
      status: 404,
      body: { error: { code: "unknown_request" } },
    });
    expect((await answer(server, worker, { request_id, result: { n: 3 } })).body).toEqual({ status: "delivered", request_id });
    expect(await answered).toMatchObject({
      status: 200,
      body: { status: "answered", request_id, answered_by: "worker-001", result: { n: 3 } },
    });
    expect((await answer(server, worker, { request_id, result: 4 })).status).toBe(404);
    await stream.close();
  });

  test("says what the other one says went wrong", async () => {
    const server = await start();
    const { hub, worker } = await pair(server);
    const stream = await listening(server, worker);
    const answered = ask(server, hub, { to: "worker", request_type: "count" });
    const request_id = (await stream.next())?.data.request_id;
    await answer(server, worker, { request_id, error: { message: "no disk" } });
    expect(await answered).toMatchObject({ status: 502, body: { error: { code: "request_failed", reason: { message: "no disk" } } } });
    expect((await answer(server, worker, { request_id })).body.error).toMatchObject({ code: "invalid_request", field: "result" });
    await stream.close();
  });

  test("that nobody listens for is refused at once", async () => {
    const server = await start();
    const { hub, worker } = await pair(server);
    const stream = await listening(server, worker, "?request_type=other");
    const begin = performance.now();
    const refused = await ask(server, hub, { to: "worker", request_type: "count", timeout_seconds: 30 });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: "no_responder", instances: [{ component_id: "worker-001" }] } } });
    expect(performance.now() - begin).toBeLessThan(500);
    expect((await ask(server, hub, { to: "nobody", request_type: "count" })).body.error.code).toBe("unknown_component");
    await stream.close();
  });

  test("that is not answered in time is called off", async () => {
    const server = await start();
    const { hub, worker } = await pair(server);
    const stream = await listening(server, worker);
    const late = await ask(server, hub, { to: "worker", request_type: "count", timeout_seconds: 0.1 });
    expect(late).toMatchObject({ status: 504, body: { error: { code: "upstream_timeout" } } });
    const request_id = (await stream.next())?.data.request_id;
    expect(await stream.next()).toEqual({ event: "cancel", data: { request_id } });
    expect((await answer(server, worker, { request_id, result: 1 })).status).toBe(404);
    await stream.close();
  });

  test("is called off when who asked goes away, and fails when who was asked does", async () => {
    const server = await start();
    const { hub, worker } = await pair(server);
    const stream = await listening(server, worker);
    const leaving = new AbortController();
    const body = JSON.stringify({ to: "worker", request_type: "count" });
    const abandoned = fetch(`${server.url}/request`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${hub.token}` },
      signal: leaving.signal,
    });
    abandoned.catch(() => {});
    await stream.next();
    leaving.abort();
    expect((await stream.next())?.event).toBe("cancel");
    const answered = ask(server, hub, { to: "worker", request_type: "count" });
    await stream.next();
    await stream.close();
    expect(await answered).toMatchObject({ status: 502, body: { error: { code: "upstream_failed", component_id: "worker-001" } } });
  });

  test.each(["registers again", "leaves"])("finds nobody any more on the stream of one that %s", async (how) => {
    const server = await start();
    const { hub, worker } = await pair(server);
    const stream = await listening(server, worker);
    if (how === "leaves") await server.ask("POST", "/deregister", { token: worker.token, body: { component_id: worker.id } });
    else await server.register("worker");
    expect((await stream.next())?.event).toBe("conductor-replaced");
    expect(await stream.next()).toBeUndefined();
    expect((await ask(server, hub, { to: "worker", request_type: "count" })).status).toBe(how === "leaves" ? 404 : 503);
  });

  test("goes to one of several that listen", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const workers = [];
    for (let count = 0; count < 3; count++) workers.push(await server.register("worker", { instances: "many", capabilities: ["count"] }));
    const streams = await Promise.all(workers.slice(1).map((worker) => listening(server, worker)));
    const answers = [1, 2].map(() => ask(server, hub, { to: "count", request_type: "count" }));
    for (const [index, stream] of streams.entries()) {
      const request_id = (await stream.next())?.data.request_id;
      await answer(server, workers[index + 1] as Who, { request_id, result: index });
    }
    expect((await Promise.all(answers)).map(({ body }) => body.answered_by).sort()).toEqual(["worker-002", "worker-003"]);
    for (const stream of streams) await stream.close();
  });
});

describeOnBoth("a ping", () => {
  test("is answered by the conductor, for itself and for one that beats", async () => {
    const server = await start();
    const { hub, worker } = await pair(server);
    const ping = (to: string) => ask(server, hub, { to, request_type: "ping", timeout_seconds: 5 });
    expect((await ping("conductor")).body).toMatchObject({ answered_by: "conductor", result: { response: "pong" } });
    expect(await ping("worker")).toMatchObject({ status: 503, body: { error: { code: "no_responder" } } });
    await server.beat(worker);
    expect((await ping("worker")).body).toMatchObject({
      status: "answered",
      answered_by: "conductor",
      result: { response: "pong", component_id: "worker-001", component_status: "healthy", last_heartbeat_ms_ago: expect.any(Number) },
    });
  });
});
