/** Shared state's contract, on both stores. */
import { afterAll, describe, expect, test } from "bun:test";
import type { SharedState, StateChange } from "../../../../services/conductor/store/store.ts";
import { until } from "../../../_until.ts";
import { stopSharedRedis, storeKinds } from "./_stores.ts";

afterAll(stopSharedRedis);

/** All changes under a prefix from now on. */
function watch(state: SharedState, prefix: string): { changes: StateChange[]; stop: () => Promise<void> } {
  const changes: StateChange[] = [];
  const controller = new AbortController();
  const end = state.watch(prefix, (change) => changes.push(change), controller.signal);
  return {
    changes,
    stop: () => {
      controller.abort();
      return end;
    },
  };
}

describe.each(storeKinds)("shared state on $kind", ({ kind, open }) => {
  test("keeps a value, its version and its time", async () => {
    await using opened = await open();
    const { state } = opened.store;
    const { now } = opened.clock;
    const value = { list: [], none: null, text: 'ü\u0000"😀', half: 0.5, big: 1e300 };
    expect(await state.get("a", now)).toBeUndefined();
    const put = await state.put("a", value, { now });
    expect(put).toEqual({ key: "a", value, version: expect.any(Number), updatedAt: now, expiresAt: null });
    expect(await state.get("a", now + 1)).toEqual(put as NonNullable<typeof put>);
    for (const other of [null, 0, "", false, [1], "text"]) {
      const entry = await state.put("a", other, { now });
      expect(await state.get("a", now)).toEqual(entry as NonNullable<typeof entry>);
      expect(entry?.value).toEqual(other);
    }
  });

  test("versions grow with each change of any key, and are not given again after a deletion", async () => {
    await using opened = await open();
    const { state } = opened.store;
    const { now } = opened.clock;
    const versions: number[] = [];
    const put = async (key: string): Promise<void> => void versions.push((await state.put(key, 1, { now }))?.version ?? 0);
    await put("a");
    await put("b");
    await put("a");
    expect(await state.delete("a", { now })).toBe(true);
    await put("a");
    expect(versions.every((version, index) => version > (versions[index - 1] ?? 0))).toBe(true);
    expect((await state.get("b", now))?.version).toBe(versions[1] as number);
  });

  test("compare and set: by version, or only where there is nothing", async () => {
    await using opened = await open();
    const { state } = opened.store;
    const { now } = opened.clock;
    const first = await state.put("a", 1, { ifVersion: 0, now });
    expect(await state.put("a", 2, { ifVersion: 0, now })).toBeUndefined();
    const second = await state.put("a", 2, { ifVersion: first?.version as number, now });
    expect(second?.value).toBe(2);
    expect(await state.put("a", 3, { ifVersion: first?.version as number, now })).toBeUndefined();
    expect(await state.put("b", 3, { ifVersion: second?.version as number, now })).toBeUndefined();
    expect(await state.delete("a", { ifVersion: first?.version as number, now })).toBeUndefined();
    expect(await state.delete("b", { ifVersion: 1, now })).toBeUndefined();
    expect(await state.delete("b", { ifVersion: 0, now })).toBe(false);
    expect(await state.delete("b", { now })).toBe(false);
    expect(await state.delete("a", { ifVersion: second?.version as number, now })).toBe(true);
    expect(await state.get("a", now)).toBeUndefined();
    expect((await state.put("a", 4, { ifVersion: 0, now }))?.version).toBeGreaterThan(second?.version as number);
  });

  test("many writers race: exactly one wins each version, and no addition is lost", async () => {
    await using opened = await open();
    const stores = [opened.store, await opened.another()];
    const { now } = opened.clock;
    const WRITERS = 20;
    const EACH = 10;
    const won: number[] = [];
    const add = async ({ state }: { state: SharedState }): Promise<void> => {
      for (let wins = 0; wins < EACH; ) {
        const entry = await state.get("sum", now);
        const next = await state.put("sum", ((entry?.value as number | undefined) ?? 0) + 1, { ifVersion: entry?.version ?? 0, now });
        if (next === undefined) continue;
        won.push(next.version);
        wins++;
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, index) => add(stores[index % 2] as (typeof stores)[0])));
    expect(new Set(won).size).toBe(WRITERS * EACH);
    expect((await opened.store.state.get("sum", now))?.value).toBe(WRITERS * EACH);
  }, 20_000);

  test("of writers who all saw the same version, one wins", async () => {
    await using opened = await open();
    const { now } = opened.clock;
    const { state } = opened.store;
    for (let round = 0; round < 10; round++) {
      const { version = 0 } = (await state.get("a", now)) ?? {};
      const answers = await Promise.all(Array.from({ length: 30 }, (_, value) => state.put("a", value, { ifVersion: version, now })));
      expect(answers.filter((it) => it !== undefined)).toHaveLength(1);
    }
  });

  test("an entry with a time to live is over by the caller's clock", async () => {
    await using opened = await open();
    const { state } = opened.store;
    const { clock } = opened;
    const entry = await state.put("a", 1, { ttlMs: 60_000, now: clock.now });
    expect(entry?.expiresAt).toBe(clock.now + 60_000);
    expect((await state.get("a", clock.now + 59_999))?.value).toBe(1);
    clock.now += 60_000;
    expect(await state.get("a", clock.now)).toBeUndefined();
    expect(await state.list("", { limit: 10, now: clock.now })).toEqual([]);
    expect(await state.delete("a", { now: clock.now })).toBe(false);
    expect((await state.put("a", 2, { ifVersion: 0, now: clock.now }))?.expiresAt).toBeNull();
    expect((await state.get("a", clock.now + 1e9))?.value).toBe(2);
  });

  test("watchers hear of an entry's end without anybody asking for it", async () => {
    await using opened = await open({ now: Date.now });
    const { state } = opened.store;
    const { changes, stop } = watch(state, "");
    await state.put("long", 1, { ttlMs: 3_600_000, now: Date.now() });
    await state.put("short", 1, { ttlMs: 30, now: Date.now() });
    await state.put("shorter", 1, { ttlMs: 5, now: Date.now() });
    await until(() => changes.length === 5, "both ends are told");
    const ends = changes.slice(3).map(({ key, entry }) => [key, entry]);
    // Redis looks for what is over ten times a second, in no order
    expect(kind === "redis" ? ends.sort() : ends.reverse()).toEqual([
      ["short", null],
      ["shorter", null],
    ]);
    await stop();
  });

  test("lists by prefix, page by page, in the order of bytes", async () => {
    await using opened = await open();
    const { state } = opened.store;
    const { now } = opened.clock;
    const keys = ["app/", "app/1", "app/10", "app/2", "app/ü", "app/\uffee", "app/😀"];
    for (const key of [...keys.toReversed(), "ap", "app", "apq", "App/1", "*", "a*", "app0"]) await state.put(key, key, { now });
    const pages: string[][] = [];
    for (let after: string | undefined; ; ) {
      const page = await state.list("app/", { limit: 3, now, ...(after !== undefined && { after }) });
      pages.push(page.map(({ key }) => key));
      if (page.length < 3) break;
      after = page.at(-1)?.key;
    }
    expect(pages).toEqual([keys.slice(0, 3), keys.slice(3, 6), keys.slice(6)]);
    expect((await state.list("a*", { limit: 10, now })).map(({ key, value }) => [key, value])).toEqual([["a*", "a*"]]);
    expect(await state.list("", { limit: 100, now })).toHaveLength(14);
    expect(await state.list("nothing", { limit: 100, now })).toEqual([]);
  });

  test("a watcher sees each change under its prefix once and in order, whoever makes it", async () => {
    await using opened = await open();
    const other = await opened.another();
    const { now } = opened.clock;
    const { changes, stop } = watch(opened.store.state, "in/");
    const elsewhere = watch(other.state, "in/");
    const made: Promise<unknown>[] = [];
    for (let n = 0; n < 200; n++) {
      const { state } = n % 2 === 0 ? opened.store : other;
      made.push(n % 10 === 9 ? state.delete(`in/${n % 7}`, { now }) : state.put(`in/${n % 7}`, n, { now }));
      made.push(state.put(`out/${n}`, n, { now }));
    }
    const done = await Promise.all(made);
    const deleted = done.filter((it) => it === true).length;
    await until(() => changes.length === 180 + deleted && elsewhere.changes.length === changes.length, "all is told");
    expect(elsewhere.changes).toEqual(changes);
    expect(changes.every(({ key }) => key.startsWith("in/"))).toBe(true);
    const versions = changes.flatMap(({ entry }) => entry?.version ?? []);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(changes.flatMap(({ entry }) => (entry === null ? [] : [entry.value as number])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, n) => n).filter((n) => n % 10 !== 9),
    );
    // what the changes amount to is what is there
    const last = new Map(changes.map(({ key, entry }) => [key, entry]));
    const there = await opened.store.state.list("in/", { limit: 100, now });
    expect([...last.values()].filter((entry) => entry !== null).sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(there);
    await Promise.all([stop(), elsewhere.stop()]);
    expect(await opened.store.state.put("in/1", "after", { now })).toBeDefined();
    await opened.store.state.get("in/1", now);
    expect(changes).toHaveLength(180 + deleted);
  });

  test("a watcher that throws ends, the others go on", async () => {
    await using opened = await open();
    const { state } = opened.store;
    const { now } = opened.clock;
    const broken = state.watch(
      "",
      () => {
        throw new Error("mine");
      },
      new AbortController().signal,
    );
    // waited for before it can come
    const thrown = broken.catch((error: Error) => error.message);
    const { changes, stop } = watch(state, "");
    await state.put("a", 1, { now });
    expect(await thrown).toBe("mine");
    await state.put("a", 2, { now });
    await until(() => changes.length === 2, "the other watcher sees both");
    await stop();
    await state.watch("", () => undefined, AbortSignal.abort());
  });

  test("watchers end with the store", async () => {
    const opened = await open();
    const end = opened.store.state.watch("", () => undefined, new AbortController().signal);
    await opened[Symbol.asyncDispose]();
    expect(await end).toBeUndefined();
    await expect(opened.store.state.get("a", 1)).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("closed") });
  });

  test("is as it was when the store is opened anew", async () => {
    await using opened = await open();
    const { now } = opened.clock;
    const entry = await opened.store.state.put("a", { b: 1 }, { ttlMs: 60_000, now });
    const { state } = await opened.reopen();
    expect(await state.get("a", now)).toEqual(entry as NonNullable<typeof entry>);
    expect((await state.put("b", 1, { now }))?.version).toBeGreaterThan(entry?.version as number);
  });

  test("says what it is", async () => {
    await using opened = await open();
    expect(await opened.store.status()).toMatchObject({ kind, ok: true });
  });
});
