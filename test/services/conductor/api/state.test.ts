import { expect, test } from "bun:test";
import { StoreError } from "../../../../services/conductor/store/store.ts";
import { describeOnBoth, handClock, useServers } from "../_server.ts";

const start = useServers();

describeOnBoth("/state", () => {
  test("keeps any JSON under any key, with a version", async () => {
    const server = await start();
    for (const [key, value] of [
      ["mode", "night"],
      ["a/b/c", { deep: [1, null] }],
      ["with%20space%2Fslash", null],
      ["%C3%BC", 0],
    ] as const) {
      const put = await server.ask("PUT", `/state/${key}`, { body: { value } });
      expect(put).toMatchObject({ status: 200, body: { key: decodeURIComponent(key), value, expires_at: null } });
      expect(put.headers.get("etag")).toBe(`"${put.body.version}"`);
      expect((await server.ask("GET", `/state/${key}`)).body).toEqual(put.body);
    }
    expect((await server.ask("GET", "/state?prefix=a/")).body.entries).toMatchObject([{ key: "a/b/c" }]);
    const page = await server.ask("GET", "/state?limit=2");
    expect((await server.ask("GET", `/state?after=${page.body.entries[1].key}`)).body.entries).toHaveLength(2);
  });

  test("is written only where nobody else has written, if asked so", async () => {
    const server = await start();
    const create = { "if-none-match": "*" };
    const first = await server.ask("PUT", "/state/leader", { headers: create, body: { value: "a" } });
    expect(first.status).toBe(200);
    const etag = first.headers.get("etag") as string;
    expect(await server.ask("PUT", "/state/leader", { headers: create, body: { value: "b" } })).toMatchObject({
      status: 412,
      body: { error: { code: "version_mismatch", key: "leader", version: first.body.version } },
    });
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, value) => server.ask("PUT", "/state/leader", { headers: { "if-match": etag }, body: { value } })),
    );
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await server.ask("DELETE", "/state/leader", { headers: { "if-match": etag } })).status).toBe(412);
    expect((await server.ask("DELETE", "/state/leader")).body).toEqual({ status: "deleted", key: "leader" });
    expect(await server.ask("DELETE", "/state/leader")).toMatchObject({ status: 404, body: { error: { code: "unknown_key" } } });
    const now = await server.ask("PUT", "/state/leader", { body: { value: "c" } });
    expect((await server.ask("GET", "/state/leader", { headers: { "if-none-match": now.headers.get("etag") as string } })).status).toBe(
      304,
    );
  });

  test("is gone after its time", async () => {
    const clock = handClock();
    const server = await start({ clock });
    const put = await server.ask("PUT", "/state/lock", { body: { value: 1, ttl_seconds: 60 } });
    expect(put.body.expires_at).toBe(new Date(clock.now() + 60_000).toISOString());
    clock.pass(60_001);
    expect((await server.ask("GET", "/state/lock")).status).toBe(404);
  });

  test("is watched by prefix: what is there, then each change", async () => {
    const server = await start();
    await server.ask("PUT", "/state/lamp/1", { body: { value: "on" } });
    const stream = await server.open("/state?watch=true&prefix=lamp/");
    expect(await stream.next()).toMatchObject({ event: "put", data: { key: "lamp/1", value: "on" } });
    expect(await stream.next()).toEqual({ event: "synced", data: { prefix: "lamp/", entries: 1 } });
    await server.ask("PUT", "/state/other", { body: { value: 1 } });
    await server.ask("PUT", "/state/lamp/2", { body: { value: "off" } });
    await server.ask("DELETE", "/state/lamp/1");
    expect(await stream.next()).toMatchObject({ event: "put", data: { key: "lamp/2", value: "off" } });
    expect(await stream.next()).toEqual({ event: "delete", data: { key: "lamp/1" } });
    await stream.close();
  });

  test("is not watched any more where that fails: who watches hears why, and of a defect that it is one", async () => {
    const server = await start();
    const ends: unknown[] = [];
    for (const error of [new StoreError("it is away"), new TypeError("undefined is not a secret")]) {
      server.store.state.list = () => Promise.reject(error);
      const stream = await server.open("/state?watch=true");
      ends.push(await stream.next(), await stream.next());
    }
    expect(ends).toEqual([
      { event: "conductor-error", data: { code: "unavailable", message: "The store cannot do it now: it is away" } },
      undefined,
      { event: "conductor-error", data: { code: "internal", message: "The conductor has a defect here" } },
      undefined,
    ]);
    expect(server.problems).toEqual([expect.stringContaining("undefined is not a secret")]);
  });

  test.each([
    ["/state/x", { ttl_seconds: 1 }, "value"],
    ["/state/x", { value: 1, ttl_seconds: -1 }, "ttl_seconds"],
    ["/state/", { value: 1 }, "key"],
    [`/state/${"k".repeat(513)}`, { value: 1 }, "key"],
    ["/state/a%00b", { value: 1 }, "key"],
    ["/state/%ff", { value: 1 }, "key"],
  ])("PUT %s %j is refused", async (path, body, field) => {
    const server = await start();
    expect(await server.ask("PUT", path, { body })).toMatchObject({ status: 400, body: { error: { code: "invalid_request", field } } });
  });

  test("takes no ETag that is none", async () => {
    const server = await start();
    for (const etag of ["3", "*", '"a"', 'W/"3"']) {
      expect((await server.ask("PUT", "/state/x", { headers: { "if-match": etag }, body: { value: 1 } })).status).toBe(400);
    }
  });
});
