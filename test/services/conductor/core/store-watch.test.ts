import { expect, test } from "bun:test";
import type { Announcement } from "../../../../services/conductor/core/monitor.ts";
import { StoreWatch } from "../../../../services/conductor/core/store-watch.ts";
import { StoreError } from "../../../../services/conductor/store/store.ts";
import { until } from "../../../_until.ts";
import { handClock } from "../_server.ts";

/** A store that is there or not, and a watch over it whose looks are the test's. */
function make() {
  const store = { isThere: true, kept: [] as Announcement[] };
  const told: unknown[] = [];
  const said: string[] = [];
  const clock = handClock();
  const watch = new StoreWatch({
    store: { status: async () => (store.isThere ? { kind: "redis", ok: true } : { kind: "redis", ok: false, reason: "it is away" }) },
    append: async (events) => {
      if (!store.isThere) throw new StoreError("it is away");
      store.kept.push(...events);
      return [];
    },
    clock,
    tell: (kind, data) => void told.push([kind, data]),
    complain: (problem) => void said.push(problem),
  });
  const event = (n: number): Announcement => ({ type: "t", source: "s", time: n, data: n });
  return { store, told, said, clock, watch, event };
}

test("what is told while the store is away comes when it is back, in its order, and then that it is back", async () => {
  const { store, told, said, clock, watch, event } = make();
  watch.announce([event(0)]);
  await until(() => store.kept.length === 1, "it is kept");
  store.isThere = false;
  for (let n = 1; n <= 3; n++) {
    watch.announce([event(n)]);
    await watch.look();
    clock.pass(1_000);
  }
  expect(store.kept).toHaveLength(1);
  expect(told).toEqual([["store-away", { reason: "it is away" }]]);
  expect(said).toEqual(["the store is away: it is away"]);
  store.isThere = true;
  await watch.look();
  await until(() => store.kept.length === 5, "all are kept");
  expect(store.kept.map(({ type, data }) => (type === "t" ? data : type))).toEqual([0, 1, 2, 3, "conductor-store-back"]);
  expect(store.kept.at(-1)?.data).toEqual({ away_ms: 3_000, reason: "it is away", events_forgotten: 0 });
  expect(said.slice(1)).toEqual(["the store is back after 3.0 s"]);
  await watch.look();
  expect(said).toHaveLength(2);
});

test("of more than ten thousand the oldest are forgotten, and counted", async () => {
  const { store, watch, event } = make();
  store.isThere = false;
  await watch.look();
  for (let n = 0; n < 10_500; n += 100) watch.announce(Array.from({ length: 100 }, (_, index) => event(n + index)));
  store.isThere = true;
  await watch.look();
  await until(() => store.kept.at(-1)?.type === "conductor-store-back", "it is back");
  const numbers = store.kept.filter(({ type }) => type === "t").map(({ data }) => data);
  expect(numbers).toEqual(Array.from({ length: 10_000 }, (_, index) => 500 + index));
  expect(store.kept.at(-1)?.data).toMatchObject({ events_forgotten: 500 });
});
