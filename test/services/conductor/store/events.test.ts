/** The event history's and the documents' contract, on both stores. */
import { afterAll, describe, expect, test } from "bun:test";
import type { StoredEvent } from "../../../../services/conductor/store/store.ts";
import { until } from "../../../_until.ts";
import { stopSharedRedis, storeKinds } from "./_stores.ts";

afterAll(stopSharedRedis);

const event = (n: number): Omit<StoredEvent, "id"> => ({ type: "t", source: "s", time: n, data: n });
const numbers = (events: readonly StoredEvent[]): unknown[] => events.map(({ data }) => data);

function isLater([a, b]: readonly [string, string]): boolean {
  const [ms, k] = a.split("-").map(Number) as [number, number];
  const [otherMs, otherK] = b.split("-").map(Number) as [number, number];
  return otherMs > ms || (otherMs === ms && otherK > k);
}

describe.each(storeKinds)("the event history on $kind", ({ open }) => {
  test("keeps events whole, with ids that grow", async () => {
    await using opened = await open();
    const { events } = opened.store;
    const first = { type: "entity-added", source: "hub", time: 5, data: { deep: [null, "ü😀"] } };
    const stored = await events.append([first, event(1), event(2)]);
    expect(stored[0]).toEqual({ id: expect.stringMatching(/^\d+-\d+$/), ...first });
    const more = await events.append([event(3)]);
    const ids = [...stored, ...more].map(({ id }) => id);
    expect(ids.slice(1).every((id, index) => isLater([ids[index] as string, id]))).toBe(true);
    expect(await events.since(undefined, 10)).toEqual([...stored, ...more]);
    expect(await events.oldest()).toBe(ids[0] as string);
    expect(await events.newest()).toBe(ids.at(-1) as string);
    expect(await events.append([])).toEqual([]);
  });

  test("replays what came after an id; an unknown one means all", async () => {
    await using opened = await open();
    const { events } = opened.store;
    expect(await events.since(undefined, 10)).toEqual([]);
    expect(await events.oldest()).toBeUndefined();
    expect(await events.newest()).toBeUndefined();
    const stored = await events.append(Array.from({ length: 10 }, (_, n) => event(n)));
    const id = (index: number): string => stored[index]?.id as string;
    expect(numbers(await events.since(id(6), 10))).toEqual([7, 8, 9]);
    expect(numbers(await events.since(id(2), 2))).toEqual([3, 4]);
    expect(await events.since(id(9), 10)).toEqual([]);
    for (const unknown of ["1-1", "", "x", "5", "-", "9".repeat(30), "1-1-1", "(1-1"])
      expect(numbers(await events.since(unknown, 3))).toEqual([0, 1, 2]);
  });

  test("forgets the oldest ones", async () => {
    await using opened = await open({ maxEvents: 50 });
    const { events } = opened.store;
    const [first] = await events.append([event(-1)]);
    for (let n = 0; n < 200; n += 20) await events.append(Array.from({ length: 20 }, (_, index) => event(n + index)));
    const all = await events.since(undefined, 1_000);
    expect(numbers(all)).toEqual(Array.from({ length: 50 }, (_, index) => 150 + index));
    expect(await events.oldest()).toBe(all[0]?.id as string);
    expect(numbers(await events.since(first?.id, 2))).toEqual([150, 151]);
    await events.append(Array.from({ length: 120 }, (_, index) => event(index)));
    expect(numbers(await events.since(undefined, 1_000))).toEqual(Array.from({ length: 50 }, (_, index) => 70 + index));
  });

  test("followers hear of events of all processes, once and in order, until they stop", async () => {
    await using opened = await open();
    const stores = [opened.store, await opened.another()];
    const heard: StoredEvent[][] = [[], []];
    const controller = new AbortController();
    const ends = stores.map(({ events }, index) => events.follow((it) => heard[index]?.push(it), controller.signal));
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => (stores[n % 2] as (typeof stores)[0]).events.append([event(2 * n), event(2 * n + 1)])),
    );
    await until(() => heard.every(({ length }) => length === 200), "all is heard");
    expect(heard[0]).toEqual(await opened.store.events.since(undefined, 1_000));
    expect(heard[1]).toEqual(heard[0] as StoredEvent[]);
    controller.abort();
    await Promise.all(ends);
    await opened.store.events.append([event(0)]);
    expect(heard.map(({ length }) => length)).toEqual([200, 200]);
  });

  test("a follower that throws ends, the others go on; all end with the store", async () => {
    const opened = await open();
    const { events } = opened.store;
    const follower = events.follow(() => {
      throw new Error("mine");
    }, new AbortController().signal);
    // taken at once: Redis may tell of the event sooner than it answers, and a failure that nobody waits for yet fails the test
    const failure = follower.catch((error: Error) => error.message);
    const heard: unknown[] = [];
    const end = events.follow(({ data }) => heard.push(data), new AbortController().signal);
    await events.append([event(1)]);
    expect(await failure).toBe("mine");
    await events.append([event(2)]);
    await until(() => heard.length === 2, "the other follower hears both");
    await opened[Symbol.asyncDispose]();
    expect(await end).toBeUndefined();
  });

  test("is as it was when the store is opened anew, and ids go on", async () => {
    await using opened = await open();
    const stored = await opened.store.events.append([event(1), event(2)]);
    // a clock that was turned back must not make ids that were given already
    opened.clock.now -= 3_600_000;
    const { events } = await opened.reopen();
    const more = await events.append([event(3)]);
    expect(await events.since(undefined, 10)).toEqual([...stored, ...more]);
  });
});

describe.each(storeKinds)("documents on $kind", ({ open }) => {
  test("are put, got, listed by id and deleted, kind by kind", async () => {
    await using opened = await open();
    const { documents } = opened.store;
    expect(await documents.get("rule", "a")).toBeUndefined();
    expect(await documents.list("rule")).toEqual([]);
    await documents.put("rule", "b", { from: "x" });
    await documents.put("rule", "a:1 ü", [1, null]);
    await documents.put("rule", "__proto__", "p");
    await documents.put("rule", "b", { from: "y" });
    await documents.put("alert", "b", 1);
    expect(await documents.get<unknown>("rule", "b")).toEqual({ from: "y" });
    expect(await documents.list<unknown>("rule")).toEqual([
      { id: "__proto__", value: "p" },
      { id: "a:1 ü", value: [1, null] },
      { id: "b", value: { from: "y" } },
    ]);
    expect(await documents.delete("rule", "b")).toBe(true);
    expect(await documents.delete("rule", "b")).toBe(false);
    expect(await documents.get<unknown>("alert", "b")).toBe(1);
    const again = await opened.reopen();
    expect(await again.documents.list<unknown>("alert")).toEqual([{ id: "b", value: 1 }]);
  });
});
