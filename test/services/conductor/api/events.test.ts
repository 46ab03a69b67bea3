import { expect, test } from "bun:test";
import { until } from "../../../_until.ts";
import { describeOnBoth, type Harness, TOKEN, useServers } from "../_server.ts";

const start = useServers();

async function publish(server: Harness, event_type: string, data: unknown): Promise<string> {
  const { status, body } = await server.ask("POST", "/events/publish", { body: { event_type, data } });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body.event_id;
}

describeOnBoth("events", () => {
  test("reach who asked for their type, in order, with who said them", async () => {
    const server = await start();
    const hub = await server.register("hub");
    const [entities, all] = [
      await server.open("/events/subscribe?event_type=entity-*"),
      await server.open("/events/subscribe?event_type=entity-*,note"),
    ];
    expect(entities.response.headers.get("content-type")).toStartWith("text/event-stream");
    await server.ask("POST", "/events/publish", { token: hub.token, body: { event_type: "entity-created", data: { id: 7 } } });
    await publish(server, "note", "hello\nworld");
    await publish(server, "entity-deleted", null);
    expect(await entities.next()).toEqual({
      id: expect.any(String),
      event: "entity-created",
      data: {
        event_id: expect.any(String),
        event_type: "entity-created",
        source: "hub-001",
        timestamp: expect.any(String),
        data: { id: 7 },
      },
    });
    expect((await entities.next())?.event).toBe("entity-deleted");
    expect([(await all.next())?.event, (await all.next())?.data.data, (await all.next())?.event]).toEqual([
      "entity-created",
      "hello\nworld",
      "entity-deleted",
    ]);
    await Promise.all([entities.close(), all.close()]);
    await until(() => server.conductor.hub.listeners === 0, "both are forgotten");
  });

  test("that were missed come first after a break, and none twice", async () => {
    const server = await start();
    const ids: string[] = [];
    for (let count = 0; count < 20; count++) ids.push(await publish(server, count % 2 === 0 ? "even" : "odd", count));
    const opening = server.open("/events/subscribe?event_type=even", { "last-event-id": ids[9] as string });
    // while history is read
    const more = [publish(server, "even", 20), publish(server, "even", 22)];
    const stream = await opening;
    const heard: number[] = [];
    for (let count = 0; count < 7; count++) heard.push((await stream.next())?.data.data);
    expect(heard).toEqual([10, 12, 14, 16, 18, 20, 22]);
    await Promise.all(more);
    await publish(server, "even", 24);
    expect((await stream.next())?.data.data).toBe(24);
    await stream.close();
  });

  test("that are no longer kept are said to be lost", async () => {
    const server = await start({ limits: { maxEvents: 5 } });
    const first = await publish(server, "note", 0);
    for (let count = 1; count <= 9; count++) await publish(server, "note", count);
    const stream = await server.open(`/events/subscribe?since=${first}`);
    expect(await stream.next()).toEqual({ event: "conductor-lost", data: { since: first, oldest: expect.any(String) } });
    expect((await stream.next())?.data.data).toBe(5);
    await stream.close();
    expect((await server.ask("GET", `/events?since=${first}&limit=2`)).body.events.map((event: { data: number }) => event.data)).toEqual([
      5, 6,
    ]);
  });

  test("after one that is later than all there are, of a log that was lost, are all that there are, and what comes", async () => {
    const server = await start();
    const since = "9999999999999-0";
    const early = await server.open(`/events/subscribe?since=${since}`);
    // it has looked into the log, which was empty
    await server.ask("GET", "/events");
    const oldest = await publish(server, "note", 0);
    expect((await early.next())?.data.data).toBe(0);
    const late = await server.open("/events/subscribe", { "last-event-id": since });
    expect(await late.next()).toEqual({ event: "conductor-lost", data: { since, oldest } });
    expect((await late.next())?.data.data).toBe(0);
    await publish(server, "note", 1);
    for (const stream of [early, late]) {
      expect((await stream.next())?.data.data).toBe(1);
      await stream.close();
    }
  });

  test("reach two hundred at once, each the same in the same order", async () => {
    const server = await start();
    const streams = await Promise.all(Array.from({ length: 200 }, () => server.open("/events/subscribe?event_type=tick")));
    for (let count = 0; count < 10; count++) await publish(server, "tick", count);
    const heard = await Promise.all(
      streams.map(async (stream) => {
        const values: number[] = [];
        for (let count = 0; count < 10; count++) values.push((await stream.next())?.data.data);
        return values.join(",");
      }),
    );
    expect([...new Set(heard)]).toEqual(["0,1,2,3,4,5,6,7,8,9"]);
    await Promise.all(streams.map((stream) => stream.close()));
  });

  test("are not kept waiting for a reader that does not read: it is dropped and told, others hear all", async () => {
    const server = await start();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    let text = "";
    const slow = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port,
      socket: {
        data: (_, chunk) => {
          text = (text + chunk.toString()).slice(-2_000);
        },
        close: () => resolve(),
      },
    });
    slow.write(`GET /events/subscribe HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`);
    await until(() => server.conductor.hub.listeners === 1, "it listens");
    slow.pause();
    const quick = await server.open("/events/subscribe");
    const data = "x".repeat(60_000);
    let sent = 0;
    while (server.conductor.hub.listeners === 2 && sent < 600) {
      await publish(server, "big", data);
      sent++;
      expect((await quick.next())?.data.data).toBe(data);
    }
    expect(sent).toBeLessThan(600);
    slow.resume();
    await closed;
    expect(text).toContain("event: conductor-dropped");
    await quick.close();
  });

  test.each(["component-degraded", "conductor-lost", "alert-firing", "a b", "", "x".repeat(129), "*"])(
    "cannot be published as %j",
    async (event_type) => {
      const server = await start();
      expect(await server.ask("POST", "/events/publish", { body: { event_type } })).toMatchObject({
        status: 400,
        body: { error: { field: "event_type" } },
      });
    },
  );

  test("end for everybody when the conductor ends", async () => {
    const server = await start();
    const stream = await server.open("/events/subscribe");
    await server.stop(5_000);
    expect(await stream.next()).toBeUndefined();
  });
});
