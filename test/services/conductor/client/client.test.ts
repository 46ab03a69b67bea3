import { afterEach, expect, test } from "bun:test";
import { type Client, connect } from "../../../../services/conductor/client/client.ts";
import type { ConductorClientError } from "../../../../services/conductor/client/http.ts";
import type { SessionOptions } from "../../../../services/conductor/client/session.ts";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, TOKEN, useServers } from "../_server.ts";

const start = useServers();
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function join(server: Harness, component: string, more: Partial<SessionOptions> = {}): Promise<Client> {
  const client = await connect({ url: `${server.url}/`, token: TOKEN, component, port: 4_001, ...more });
  clients.push(client);
  return client;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: ConductorClientError) => error.code,
  );

describeOnBoth("the client", () => {
  test("registers, beats by itself with what it is asked for, and leaves", async () => {
    const server = await start();
    let beats = 0;
    const pulse = () => ({ metrics: { load: ++beats } });
    const hub = await join(server, "hub", { version: "1.2.3", capabilities: ["search"], heartbeatSeconds: 1, pulse });
    expect(hub.id).toBe("hub-001");
    expect(await hub.services({ capability: "search" })).toMatchObject([{ component_id: "hub-001", status: "healthy", version: "1.2.3" }]);
    await until(() => beats >= 3, "it beats");
    expect((await hub.resolve("search")).metrics.load).toBeGreaterThanOrEqual(2);
    expect(server.conductor.registry.get("hub-001")?.health.missed).toBe(0);
    await hub.close();
    expect((await server.ask("GET", "/services/hub-001")).status).toBe(404);
    expect(await codeOf(hub.publish("x"))).toBe("closed");
  });

  test("hears of events, asks, answers", async () => {
    const server = await start();
    const [hub, worker] = [await join(server, "hub"), await join(server, "worker")];
    const heard: unknown[] = [];
    using events = hub.on<number>("entity-*", ({ type, source, data }) => heard.push([type, source, data]));
    await events.ready;
    for (const n of [1, 2]) await worker.publish("entity-created", n);
    await until(() => heard.length === 2, "both came");
    expect(heard).toEqual([
      ["entity-created", "worker-001", 1],
      ["entity-created", "worker-001", 2],
    ]);
    using answers = worker.answer("double", (payload, { from }) => {
      if (typeof payload !== "number") throw new Error("no number");
      return { from, n: 2 * payload };
    });
    await answers.ready;
    expect(await hub.request<unknown>("worker", "double", 21)).toEqual({ from: "hub-001", n: 42 });
    const failed = await hub.request("worker", "double", "x").catch((error: ConductorClientError) => error);
    expect(failed).toMatchObject({ code: "request_failed", details: { reason: { message: "no number" } } });
    expect(await codeOf(hub.request("worker", "other"))).toBe("no_responder");
    expect(await hub.request<unknown>("worker", "ping")).toMatchObject({ response: "pong" });
  });

  test("calls a handler off when nobody waits any more", async () => {
    const server = await start();
    const [hub, worker] = [await join(server, "hub"), await join(server, "worker")];
    const { promise: off, resolve } = Promise.withResolvers<string>();
    using answers = worker.answer("slow", (_, { signal }) => {
      signal.addEventListener("abort", () => resolve("off"));
      return off;
    });
    await answers.ready;
    expect(await codeOf(hub.request("worker", "slow", null, { timeoutSeconds: 0.1 }))).toBe("upstream_timeout");
    expect(await off).toBe("off");
  });

  test("sends and receives, in order, and gives back what it did not hand out", async () => {
    const server = await start();
    const [hub, worker] = [await join(server, "hub"), await join(server, "worker")];
    const ids = await hub.queue.sendBatch([1, 2, 3].map((payload) => ({ to: "worker", payload, type: "job" })));
    for await (const message of worker.queue.messages<number>()) {
      expect(message).toMatchObject({ id: ids[0], from: "hub-001", type: "job", payload: 1, attempt: 1 });
      expect(await message.ack()).toBe(true);
      expect(await message.ack()).toBe(false);
      break;
    }
    const rest = await worker.queue.receive<number>();
    expect(rest.map(({ payload, attempt }) => [payload, attempt])).toEqual([
      [2, 2],
      [3, 2],
    ]);
    expect(await rest[0]?.release()).toBe(true);
    expect(await hub.queue.broadcast("all")).toBe(1);
    expect(await codeOf(hub.queue.send("nobody", 1))).toBe("unknown_component");
  });

  test("shares state, and sees it change", async () => {
    const server = await start();
    const hub = await join(server, "hub");
    const seen: unknown[] = [];
    const first = await hub.state.put("scan/a b", { n: 1 });
    using watch = hub.state.watch<{ n: number }>("scan/", ({ key, entry }) => seen.push([key, entry?.value.n ?? null]));
    await watch.ready;
    await until(() => seen.length === 1, "what is there");
    await hub.state.put("scan/a b", { n: 2 }, { ifVersion: first.version });
    expect(await codeOf(hub.state.put("scan/a b", { n: 3 }, { ifVersion: first.version }))).toBe("version_mismatch");
    expect(await codeOf(hub.state.put("scan/a b", 0, { ifVersion: 0 }))).toBe("version_mismatch");
    expect((await hub.state.get<{ n: number }>("scan/a b"))?.value.n).toBe(2);
    expect((await hub.state.list("scan/")).map(({ key }) => key)).toEqual(["scan/a b"]);
    expect([await hub.state.delete("scan/a b"), await hub.state.delete("scan/a b")]).toEqual([true, false]);
    expect(await hub.state.get("scan/a b")).toBeUndefined();
    await until(() => seen.length === 3, "the change and the deletion");
    expect(seen).toEqual([
      ["scan/a b", 1],
      ["scan/a b", 2],
      ["scan/a b", null],
    ]);
  });

  test("comes back after a restart of the conductor, with what it missed", async () => {
    const server = await start();
    const problems: unknown[] = [];
    const more = { heartbeatSeconds: 1, onProblem: (error: unknown) => void problems.push(error) };
    const [hub, worker] = [await join(server, "hub", more), await join(server, "worker", more)];
    const heard: unknown[] = [];
    using events = hub.on<number>("n", ({ data }) => heard.push(data));
    using answers = worker.answer("echo", (payload) => payload);
    await Promise.all([events.ready, answers.ready]);
    await worker.publish("n", 1);
    await until(() => heard.length === 1, "the first");
    const received = (async () => {
      for await (const message of worker.queue.messages()) return message.payload;
      return undefined;
    })();
    await server.stop();
    const sent = hub.queue.send("worker", "while it is away");
    const again = await start({ after: server });
    await again.ask("POST", "/events/publish", { body: { event_type: "n", data: 2 } });
    expect(await sent).toBeString();
    expect(await received).toBe("while it is away");
    await until(() => heard.length === 2, "what was published while it was not there");
    expect(heard).toEqual([1, 2]);
    await until(async () => (await codeOf(hub.request("worker", "echo", 7))) === "none", "it listens again");
    expect(problems).toEqual([]);
  });

  test("registers again where it is not known any more", async () => {
    const server = await start();
    const hub = await join(server, "hub");
    using answers = hub.answer("echo", (payload) => payload);
    await answers.ready;
    await server.ask("POST", "/deregister", { body: { component_id: "hub-001" } });
    expect(await hub.publish("still-here")).toBeString();
    expect(hub.id).toBe("hub-001");
    await until(async () => (await codeOf(hub.request("hub", "echo", 7))) === "none", "it listens again");
  });

  test("ends where another instance took its place, instead of taking it back", async () => {
    const server = await start();
    const problems: ConductorClientError[] = [];
    const first = await join(server, "hub", { onProblem: (error) => void problems.push(error as ConductorClientError) });
    const second = await join(server, "hub");
    expect(await codeOf(first.publish("x"))).toBe("replaced");
    expect(first.signal.aborted).toBe(true);
    expect(problems.map(({ code }) => code)).toEqual(["replaced"]);
    expect(await second.publish("x")).toBeString();
  });

  test("says what is wrong", async () => {
    const server = await start();
    expect(await codeOf(connect({ url: server.url, token: "wrong", component: "hub", port: 1 }))).toBe("unknown_token");
    expect(await codeOf(connect({ url: "http://127.0.0.1:1", token: TOKEN, component: "hub", port: 1 }))).toBe("unreachable");
    const hub = await join(server, "hub");
    const problems: unknown[] = [];
    const refused = hub.on("not a type", () => {});
    expect(await codeOf(refused.ready)).toBe("invalid_request");
    expect(problems).toEqual([]);
  });
});
