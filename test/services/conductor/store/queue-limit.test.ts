import { afterAll, describe, expect, test } from "bun:test";
import type { StoreError } from "../../../../services/conductor/store/store.ts";
import { message } from "./_message.ts";
import { stopSharedRedis, storeKinds } from "./_stores.ts";

afterAll(stopSharedRedis);

const isFull = (work: Promise<unknown>): Promise<readonly string[] | "accepted"> =>
  work.then(
    () => "accepted" as const,
    (error: StoreError) => (error.code === "full" ? error.receivers : Promise.reject(error)),
  );

describe.each(storeKinds.map(({ kind, open }) => [kind, open] as const))("messages that wait, on %s", (_, open) => {
  test("are as many as they may be: nothing of a batch is kept that is too much", async () => {
    await using it = await open({ maxWaiting: 3 });
    const { store } = it;
    await store.queue.send([message("a", "sink"), message("b", "sink")]);
    expect(await isFull(store.queue.send([message("a", "sink"), message("a", "other"), message("b", "sink")]))).toEqual(["sink"]);
    expect(await store.queue.depth()).toEqual({ sink: { waiting: 2, inFlight: 0, dead: 0 } });
    expect((await store.status()).ok).toBe(true);
    await store.queue.send([message("a", "sink")]);
    const tooMany = ["sink", "other"].flatMap((to) => Array.from({ length: 4 }, () => message("a", to)));
    expect([...(await isFull(store.queue.send(tooMany)))].sort()).toEqual(["other", "sink"]);
    // what is in flight is not done; what is acknowledged is
    const [first] = await store.queue.receive("sink", { max: 1, visibilityMs: 1_000, now: it.clock.now });
    expect(await isFull(store.queue.send([message("a", "sink")]))).toEqual(["sink"]);
    expect(await store.queue.ack("sink", [first?.receipt ?? ""])).toBe(1);
    expect(await isFull(store.queue.send([message("a", "sink")]))).toBe("accepted");
    const again = await it.reopen();
    expect(await isFull(again.queue.send([message("a", "sink")]))).toEqual(["sink"]);
  });

  test("count a duplicate as none, and give way when they expire or die", async () => {
    await using it = await open({ maxWaiting: 2, maxAttempts: 1 });
    const { queue } = it.store;
    const once = message("a", "sink", 1, { idempotencyKey: "k" });
    await queue.send([once, once, message("a", "sink", 2, { expiresAt: it.clock.now + 10 })]);
    expect(await isFull(queue.send([once]))).toBe("accepted");
    expect(await isFull(queue.send([once, message("a", "sink")]))).toEqual(["sink"]);
    it.clock.now += 20;
    await queue.sweep(it.clock.now);
    expect(await isFull(queue.send([message("a", "sink", 3)]))).toBe("accepted");
    const [first] = await queue.receive("sink", { max: 1, visibilityMs: 1_000, now: it.clock.now });
    await queue.release("sink", [first?.receipt ?? ""], 0);
    expect(await isFull(queue.send([message("a", "sink", 4)]))).toBe("accepted");
    const ids = (await queue.deadLetters("sink")).map(({ id }) => id);
    // a redrive is not held up by it, and counts
    expect(await queue.redrive(ids)).toBe(2);
    expect(await isFull(queue.send([message("a", "sink")]))).toEqual(["sink"]);
  });

  test("that die are told once, a hundred at a time, whatever they died of", async () => {
    await using it = await open({ maxAttempts: 1 });
    const { queue } = it.store;
    const [short] = await queue.send([message("a", "sink", 1, { expiresAt: it.clock.now + 10 })]);
    const [tried] = await queue.send([message("b", "sink", 2)]);
    const [, second] = await queue.receive("sink", { max: 2, visibilityMs: 1_000, now: it.clock.now });
    await queue.release("sink", [second?.receipt ?? ""], 0);
    expect(await queue.deaths()).toEqual([{ id: tried?.id ?? "", from: "b", to: "sink", reason: "attempts", attempts: 1 }]);
    it.clock.now += 2_000;
    await queue.sweep(it.clock.now);
    expect(await queue.deaths()).toMatchObject([{ id: short?.id, from: "a", attempts: 1 }]);
    expect(await queue.deaths()).toEqual([]);
    const expiresAt = it.clock.now + 10;
    await queue.send(Array.from({ length: 150 }, (_, n) => message("a", "sink", n, { expiresAt })));
    it.clock.now += 20;
    await queue.sweep(it.clock.now);
    expect([(await queue.deaths()).length, (await queue.deaths()).length, (await queue.deaths()).length]).toEqual([100, 50, 0]);
  });
});
