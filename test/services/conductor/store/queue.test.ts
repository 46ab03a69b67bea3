/** The queue's contract, on both stores. */
import { afterAll, describe, expect, test } from "bun:test";
import type { Delivery, Store } from "../../../../services/conductor/store/store.ts";
import { message } from "./_message.ts";
import { type Clock, stopSharedRedis, storeKinds } from "./_stores.ts";

afterAll(stopSharedRedis);

const MINUTE = 60_000;

function receive(store: Store, clock: Clock, to: string, max = 10, visibilityMs = MINUTE): Promise<Delivery[]> {
  return store.queue.receive(to, { max, visibilityMs, now: clock.now });
}

const payloads = (deliveries: readonly Delivery[]): unknown[] => deliveries.map((it) => it.message.payload);
const receipts = (deliveries: readonly Delivery[]): string[] => deliveries.map((it) => it.receipt);

describe.each(storeKinds)("the queue on $kind", ({ open }) => {
  test("hands out what was sent, whole", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    const sent = message(
      "a",
      "b",
      { deep: [1, null, "ü\u0000\u2028😀", [], {}, 1e21, -0.5] },
      {
        type: "order.created",
        sentAt: 12,
        expiresAt: clock.now + MINUTE,
        idempotencyKey: "k|1",
        headers: { trace: "x|y\n" },
      },
    );
    const [answer] = await store.queue.send([sent]);
    expect(answer).toEqual({ id: expect.stringMatching(/^\d+-\d+$/), isDuplicate: false });
    const [delivery] = await receive(store, clock, "b");
    expect(delivery).toEqual({
      message: { ...sent, id: answer?.id as string },
      receipt: expect.any(String),
      attempt: 1,
      visibleUntil: clock.now + MINUTE,
    });
  });

  test("nothing in, nothing out", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    expect(await store.queue.send([])).toEqual([]);
    expect(await receive(store, clock, "nobody")).toEqual([]);
    expect(await store.queue.ack("nobody", [])).toBe(0);
    expect(await store.queue.release("nobody", [], 0)).toBe(0);
    expect(await store.queue.redrive([])).toBe(0);
    expect(await store.queue.deadLetters()).toEqual([]);
    expect(await store.queue.depth()).toEqual({});
    expect(await store.queue.depth("nobody")).toEqual({ nobody: { waiting: 0, inFlight: 0, dead: 0 } });
    expect(await store.queue.sweep(clock.now)).toBe(0);
  });

  test("in the order given, and ids grow", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    const answers = await store.queue.send(Array.from({ length: 2_500 }, (_, index) => message("a", "b", index)));
    const numbers = answers.map(({ id }) => id.split("-").map(Number) as [number, number]);
    expect(
      numbers.every(
        ([ms, k], index) =>
          index === 0 || ms > (numbers[index - 1] as [number, number])[0] || k > (numbers[index - 1] as [number, number])[1],
      ),
    ).toBe(true);
    const deliveries = await receive(store, clock, "b", 2_500);
    expect(payloads(deliveries)).toEqual(Array.from({ length: 2_500 }, (_, index) => index));
    expect(await store.queue.ack("b", receipts(deliveries))).toBe(2_500);
    expect(await store.queue.depth()).toEqual({});
  });

  test("a later message of a pair waits while an earlier one is in flight; other senders do not", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    await store.queue.send([message("a", "x", "a1"), message("a", "x", "a2"), message("b", "x", "b1"), message("a", "y", "other")]);
    const first = await receive(store, clock, "x", 1);
    expect(payloads(first)).toEqual(["a1"]);
    const second = await receive(store, clock, "x", 10);
    expect(payloads(second)).toEqual(["b1"]);
    expect(payloads(await receive(store, clock, "x"))).toEqual([]);
    expect(await store.queue.ack("x", receipts(first))).toBe(1);
    expect(payloads(await receive(store, clock, "x"))).toEqual(["a2"]);
    expect(payloads(await receive(store, clock, "y"))).toEqual(["other"]);
  });

  test("what is not acknowledged in time comes again, first, and the old receipt is void", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    await store.queue.send([message("a", "b", 1), message("a", "b", 2), message("a", "b", 3)]);
    const first = await receive(store, clock, "b", 2, 1_000);
    clock.now += 999;
    expect(await receive(store, clock, "b")).toEqual([]);
    clock.now += 1;
    const again = await receive(store, clock, "b");
    expect(again.map(({ message: { id, payload }, attempt }) => [id, payload, attempt])).toEqual([
      [first[0]?.message.id as string, 1, 2],
      [first[1]?.message.id as string, 2, 2],
      [expect.any(String), 3, 1],
    ]);
    expect(await store.queue.ack("b", receipts(first))).toBe(0);
    expect(await store.queue.ack("b", receipts(again))).toBe(3);
  });

  test("an acknowledgement that is late counts for as long as nobody else has the message", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    await store.queue.send([message("a", "b", 1)]);
    const deliveries = await receive(store, clock, "b", 1, 1_000);
    clock.now += 5_000;
    expect(await store.queue.ack("b", receipts(deliveries))).toBe(1);
    expect(await receive(store, clock, "b")).toEqual([]);
  });

  test("receipts of others, made-up ones and the same one twice count for nothing", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    await store.queue.send([message("a", "b", 1), message("a.c", "b", 2)]);
    const [one, two] = receipts(await receive(store, clock, "b")) as [string, string];
    expect(await store.queue.ack("c", [one, two])).toBe(0);
    expect(await store.queue.ack("b", ["", "x", "1-1.1.a", `${one}9`, one.replace(".1", ".2"), "9".repeat(400)])).toBe(0);
    expect(await store.queue.ack("b", [one, one])).toBe(1);
    expect(await store.queue.ack("b", [one])).toBe(0);
    expect(await store.queue.release("b", [two, two], 0)).toBe(1);
    expect(payloads(await receive(store, clock, "b"))).toEqual([2]);
  });

  test("given back, at once or after a while for which the pair waits", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    await store.queue.send([message("a", "b", 1), message("a", "b", 2), message("a", "b", 3)]);
    const first = await receive(store, clock, "b", 2);
    // the second of them first: order is kept all the same
    expect(await store.queue.release("b", [first[1]?.receipt as string], 0)).toBe(1);
    expect(await receive(store, clock, "b")).toEqual([]);
    expect(await store.queue.release("b", [first[0]?.receipt as string], 0)).toBe(1);
    const second = await receive(store, clock, "b", 1);
    expect(payloads(second)).toEqual([1]);
    expect(await store.queue.release("b", receipts(second), 1_000)).toBe(1);
    clock.now += 999;
    expect(await receive(store, clock, "b")).toEqual([]);
    clock.now += 1;
    const third = await receive(store, clock, "b");
    expect(third.map(({ message: { payload }, attempt }) => [payload, attempt])).toEqual([
      [1, 3],
      [2, 2],
      [3, 1],
    ]);
  });

  test("a delay ends with the last message that it was for", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    await store.queue.send([message("a", "b", 1, { expiresAt: clock.now + 1_000 })]);
    await store.queue.release("b", receipts(await receive(store, clock, "b")), 60_000);
    clock.now += 1_000;
    expect(await store.queue.sweep(clock.now)).toBe(1);
    await store.queue.send([message("a", "b", 2)]);
    expect(payloads(await receive(store, clock, "b"))).toEqual([2]);
  });

  test("the same key of the same sender within a day is the same message", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    const keyed = (from: string, payload: number) => message(from, "b", payload, { idempotencyKey: "once" });
    const [first, twin, other] = await store.queue.send([keyed("a", 1), keyed("a", 2), keyed("z", 3)]);
    expect(twin).toEqual({ id: first?.id as string, isDuplicate: true });
    expect(other?.isDuplicate).toBe(false);
    const deliveries = await receive(store, clock, "b");
    expect(payloads(deliveries)).toEqual([1, 3]);
    await store.queue.ack("b", receipts(deliveries));
    clock.now += 86_400_000 - 1;
    await store.queue.sweep(clock.now);
    expect(await store.queue.send([keyed("a", 4)])).toEqual([{ id: first?.id as string, isDuplicate: true }]);
    clock.now += 1;
    expect((await store.queue.send([keyed("a", 5)]))[0]?.isDuplicate).toBe(false);
    expect(payloads(await receive(store, clock, "b"))).toEqual([5]);
  });

  test("what expired is not handed out but a dead letter; what comes after it goes on", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    const expiresAt = clock.now + 1_000;
    await store.queue.send([message("a", "b", 1, { expiresAt }), message("a", "b", 2), message("c", "b", 3, { expiresAt })]);
    clock.now += 1_000;
    expect(payloads(await receive(store, clock, "b", 1))).toEqual([2]);
    await store.queue.sweep(clock.now);
    const dead = await store.queue.deadLetters("b");
    expect(dead.map(({ payload, reason, attempts, from, to }) => [payload, reason, attempts, from, to])).toEqual([
      [1, "expired", 0, "a", "b"],
      [3, "expired", 0, "c", "b"],
    ]);
    expect(await store.queue.depth("b")).toEqual({ b: { waiting: 0, inFlight: 1, dead: 2 } });
  });

  test("a sweep finds what expired where nobody receives; what is in flight may still be acknowledged", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    const expiresAt = clock.now + 1_000;
    await store.queue.send([message("a", "b", 1, { expiresAt })]);
    const deliveries = await receive(store, clock, "b");
    await store.queue.send([message("a", "b", 2, { expiresAt }), message("a", "c", 3, { expiresAt })]);
    clock.now += 1_000;
    expect(await store.queue.sweep(clock.now)).toBe(2);
    expect(await store.queue.sweep(clock.now)).toBe(0);
    expect((await store.queue.deadLetters()).map(({ payload }) => payload)).toEqual([2, 3]);
    expect(await store.queue.ack("b", receipts(deliveries))).toBe(1);
  });

  test("delivered too often: a dead letter, and the pair goes on", async () => {
    await using opened = await open({ maxAttempts: 3 });
    const { store, clock } = opened;
    await store.queue.send([message("a", "b", "poison"), message("a", "b", "good")]);
    for (let attempt = 1; attempt <= 3; attempt++) {
      const [delivery] = await receive(store, clock, "b", 1, 1_000);
      expect([delivery?.message.payload, delivery?.attempt]).toEqual(["poison", attempt]);
      if (attempt === 2) await store.queue.release("b", [delivery?.receipt as string], 0);
      else clock.now += 1_000;
    }
    expect(await store.queue.sweep(clock.now)).toBe(1);
    expect(await store.queue.deadLetters()).toMatchObject([{ payload: "poison", reason: "attempts", attempts: 3, diedAt: clock.now }]);
    expect(payloads(await receive(store, clock, "b"))).toEqual(["good"]);
  });

  test("a dead letter is put back where it was, with new chances", async () => {
    await using opened = await open({ maxAttempts: 1 });
    const { store, clock } = opened;
    const expiresAt = clock.now + 1_000;
    await store.queue.send([1, 2, 3, 4, 5].map((payload) => message("a", "b", payload, payload % 2 === 0 ? { expiresAt } : {})));
    await store.queue.release("b", receipts(await receive(store, clock, "b", 1)), 0);
    clock.now += 1_000;
    await store.queue.sweep(clock.now);
    const dead = await store.queue.deadLetters();
    expect(dead.map(({ payload }) => payload)).toEqual([1, 2, 4]);
    const ids = dead.map(({ id }) => id);
    expect(await store.queue.redrive([...ids.toReversed(), "1-1", "nonsense", ids[0] as string])).toBe(3);
    expect(await store.queue.redrive(ids)).toBe(0);
    const deliveries = await receive(store, clock, "b");
    expect(deliveries.map(({ message: it, attempt }) => [it.payload, it.expiresAt, attempt])).toEqual(
      [1, 2, 3, 4, 5].map((payload) => [payload, null, 1]),
    );
    expect(await store.queue.deadLetters()).toEqual([]);
  });

  test("dead letters are kept for a while", async () => {
    await using opened = await open({ deadLetterMs: 10_000 });
    const { store, clock } = opened;
    await store.queue.send([message("a", "b", 1, { expiresAt: clock.now })]);
    await store.queue.sweep(clock.now);
    clock.now += 9_999;
    await store.queue.sweep(clock.now);
    expect(await store.queue.deadLetters()).toHaveLength(1);
    clock.now += 1;
    await store.queue.sweep(clock.now);
    expect(await store.queue.deadLetters()).toEqual([]);
    expect(await store.queue.depth()).toEqual({});
  });

  test("names may hold anything", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    const names = ["a:b", "a", "b:a:", "ü 😀", "__proto__", ".", "1-1.1.x", "%s", "a\nb", "constructor"];
    for (const from of names) await store.queue.send(names.map((to) => message(from, to, `${from}→${to}`)));
    for (const to of names) {
      expect(await store.queue.depth(to)).toEqual(Object.fromEntries([[to, { waiting: names.length, inFlight: 0, dead: 0 }]]));
      const deliveries = await receive(store, clock, to, 100);
      expect(payloads(deliveries).sort()).toEqual(names.map((from) => `${from}→${to}`).sort());
      expect(await store.queue.ack(to, receipts(deliveries))).toBe(names.length);
    }
    expect(await store.queue.depth()).toEqual({});
  });

  test("a batch that JSON cannot say is refused whole", async () => {
    await using opened = await open();
    const { store } = opened;
    await expect(store.queue.send([message("a", "b", 1), message("a", "b", 1n)])).rejects.toThrow(TypeError);
    expect(await store.queue.depth()).toEqual({});
  });

  test("is as it was when the store is opened anew", async () => {
    await using opened = await open({ maxAttempts: 1 });
    const { clock } = opened;
    const { queue } = opened.store;
    await queue.send([
      message("a", "b", "dead", { expiresAt: clock.now }),
      message("a", "b", 1),
      message("a", "b", 2),
      message("c", "b", 3),
    ]);
    await queue.sweep(clock.now);
    const flying = await receive(opened.store, clock, "b", 1);
    const store = await opened.reopen();
    expect(await store.queue.depth()).toEqual({ b: { waiting: 2, inFlight: 1, dead: 1 } });
    expect(payloads(await receive(store, clock, "b"))).toEqual([3]);
    expect(await store.queue.ack("b", receipts(flying))).toBe(1);
    expect(payloads(await receive(store, clock, "b"))).toEqual([2]);
  });

  test("many senders and receivers at once: each message once, in order per pair", async () => {
    await using opened = await open();
    const { store, clock } = opened;
    const other = await opened.another();
    const SENDERS = 8;
    const EACH = 150;
    const seen = new Map<string, number[]>();
    let done = 0;
    const sendAll = async (from: string): Promise<void> => {
      for (let n = 0; n < EACH; n++) await store.queue.send([message(from, "hub", n)]);
    };
    const receiveAll = async (from: Store): Promise<void> => {
      while (done < SENDERS * EACH) {
        const deliveries = await receive(from, clock, "hub", 7);
        for (const { message: it } of deliveries) {
          const list = seen.get(it.from) ?? [];
          list.push(it.payload as number);
          seen.set(it.from, list);
        }
        const acknowledged = await from.queue.ack("hub", receipts(deliveries));
        done += acknowledged;
      }
    };
    const senders = Array.from({ length: SENDERS }, (_, index) => sendAll(`s${index}`));
    await Promise.all([...senders, receiveAll(store), receiveAll(store), receiveAll(other), receiveAll(other)]);
    const all = Array.from({ length: EACH }, (_, index) => index);
    expect([...seen.keys()].sort()).toEqual(Array.from({ length: SENDERS }, (_, index) => `s${index}`));
    for (const numbers of seen.values()) expect(numbers).toEqual(all);
  }, 20_000);
});
