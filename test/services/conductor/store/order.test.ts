/**
 * The queue against a small model, on both stores: thousands of random sends, receives, acknowledgements, releases, passing time, sweeps
 * and redrives. At least once, in order per pair, nothing lost, nothing twice unless it came back. HARBOR_TEST_SEED repeats a run.
 */
import { afterAll, describe, expect, test } from "bun:test";
import type { Delivery, NewMessage, Store } from "../../../../services/conductor/store/store.ts";
import { message, randomFrom } from "./_message.ts";
import { type Clock, stopSharedRedis, storeKinds } from "./_stores.ts";

afterAll(stopSharedRedis);

const STEPS = 1_500;
const MAX_ATTEMPTS = 3;
const NAMES = ["a", "b", "c"];

interface Modelled {
  place: number;
  from: string;
  to: string;
  expiresAt: number | null;
  attempts: number;
  /** dead: also what expired and was not swept yet */
  state: "waiting" | "flying" | "done" | "dead";
  until: number;
  receipt: string;
}

/** What the queue must do, said as plainly as can be. */
class Model {
  readonly all = new Map<string, Modelled>();
  readonly keys = new Map<string, string>();
  readonly delays = new Map<string, number>();

  pair(from: string, to: string): Modelled[] {
    return [...this.all.values()].filter((it) => it.from === from && it.to === to).sort((a, b) => a.place - b.place);
  }

  /** What came back because its time is over. */
  returnDue(now: number, to?: string): void {
    for (const it of this.all.values()) if (it.state === "flying" && it.until <= now && (to ?? it.to) === it.to) this.giveBack(it);
    this.forgetDelays();
  }

  giveBack(it: Modelled): void {
    it.state = it.attempts >= MAX_ATTEMPTS ? "dead" : "waiting";
  }

  forgetDelays(): void {
    for (const name of [...this.delays.keys()]) {
      const [from, to] = name.split(">") as [string, string];
      if (!this.pair(from, to).some(({ state }) => state === "waiting" || state === "flying")) this.delays.delete(name);
    }
  }

  /** What may be handed out, pair by pair. */
  ready(to: string, now: number): Map<string, Modelled[]> {
    const ready = new Map<string, Modelled[]>();
    for (const from of NAMES) {
      const pair = this.pair(from, to);
      if (pair.some(({ state }) => state === "flying") || (this.delays.get(`${from}>${to}`) ?? 0) > now) continue;
      const waiting = pair.filter((it) => it.state === "waiting" && (it.expiresAt === null || it.expiresAt > now));
      if (waiting.length > 0) ready.set(from, waiting);
    }
    return ready;
  }
}

class Course {
  readonly model = new Model();
  readonly #pick: (below: number) => number;
  readonly #store: Store;
  readonly #clock: Clock;
  #receipts: { to: string; receipt: string; id: string }[] = [];

  constructor(store: Store, clock: Clock, seed: number) {
    this.#store = store;
    this.#clock = clock;
    this.#pick = randomFrom(seed);
  }

  async step(): Promise<void> {
    const steps = [
      this.#send,
      this.#send,
      this.#receive,
      this.#receive,
      this.#receive,
      this.#ack,
      this.#ack,
      this.#release,
      this.#wait,
      this.#sweep,
      this.#redrive,
    ];
    await (steps[this.#pick(steps.length)] as () => Promise<void>).call(this);
  }

  #name(): string {
    return NAMES[this.#pick(NAMES.length)] as string;
  }

  async #send(): Promise<void> {
    const batch: NewMessage[] = Array.from({ length: 1 + this.#pick(6) }, () =>
      message(this.#name(), this.#name(), null, {
        expiresAt: this.#pick(4) === 0 ? this.#clock.now + this.#pick(3_000) : null,
        idempotencyKey: this.#pick(5) === 0 ? `k${this.#pick(60)}` : null,
      }),
    );
    const answers = await this.#store.queue.send(batch);
    for (const [index, { id, isDuplicate }] of answers.entries()) {
      const { from, to, expiresAt, idempotencyKey } = batch[index] as NewMessage;
      const key = `${from}>${idempotencyKey}`;
      const known = idempotencyKey === null ? undefined : this.model.keys.get(key);
      expect({ id: known ?? id, isDuplicate }).toEqual({ id, isDuplicate: known !== undefined });
      if (known !== undefined) continue;
      expect(this.model.all.has(id)).toBe(false);
      if (idempotencyKey !== null) this.model.keys.set(key, id);
      const place = this.model.all.size;
      this.model.all.set(id, { place, from, to, expiresAt, attempts: 0, state: "waiting", until: 0, receipt: "" });
    }
  }

  async #receive(): Promise<void> {
    const to = this.#name();
    const max = 1 + this.#pick(8);
    const visibilityMs = 1 + this.#pick(2_000);
    const deliveries = await this.#store.queue.receive(to, { max, visibilityMs, now: this.#clock.now });
    this.model.returnDue(this.#clock.now, to);
    const ready = this.model.ready(to, this.#clock.now);
    const possible = [...ready.values()].reduce((sum, { length }) => sum + length, 0);
    expect(deliveries).toHaveLength(Math.min(max, possible));
    for (const delivery of deliveries) this.#take(delivery, ready, visibilityMs);
  }

  #take(
    { message: { id, from, to }, attempt, receipt, visibleUntil }: Delivery,
    ready: Map<string, Modelled[]>,
    visibilityMs: number,
  ): void {
    const it = this.model.all.get(id) as Modelled;
    expect(it).toBe(ready.get(from)?.shift() as Modelled);
    it.state = "flying";
    it.attempts++;
    it.until = this.#clock.now + visibilityMs;
    it.receipt = receipt;
    expect({ to, attempt, visibleUntil }).toEqual({ to: it.to, attempt: it.attempts, visibleUntil: it.until });
    this.#receipts.push({ to, receipt, id });
  }

  /** Of one receiver, old ones among them. */
  #someReceipts(): { to: string; chosen: string[]; good: Modelled[] } {
    const to = this.#name();
    const chosen = this.#receipts.filter((it) => it.to === to && this.#pick(3) > 0);
    if (this.#pick(4) > 0) this.#receipts = this.#receipts.filter((it) => !chosen.includes(it));
    const good = chosen
      .map(({ id }) => this.model.all.get(id) as Modelled)
      .filter((it, index) => it.state === "flying" && it.receipt === chosen[index]?.receipt);
    // a redrive counts attempts anew, so a receipt of the time before may be there twice
    return { to, chosen: chosen.map(({ receipt }) => receipt), good: [...new Set(good)] };
  }

  async #ack(): Promise<void> {
    const { to, chosen, good } = this.#someReceipts();
    expect(await this.#store.queue.ack(to, chosen)).toBe(good.length);
    for (const it of good) it.state = "done";
    this.model.forgetDelays();
  }

  async #release(): Promise<void> {
    const { to, chosen, good } = this.#someReceipts();
    const delayMs = this.#pick(2) * this.#pick(2_000);
    expect(await this.#store.queue.release(to, chosen, delayMs)).toBe(good.length);
    for (const it of good) {
      this.model.giveBack(it);
      const name = `${it.from}>${it.to}`;
      if (delayMs > 0 && it.state === "waiting")
        this.model.delays.set(name, Math.max(this.model.delays.get(name) ?? 0, this.#clock.now + delayMs));
    }
    this.model.forgetDelays();
  }

  async #wait(): Promise<void> {
    this.#clock.now += this.#pick(1_500);
  }

  async #sweep(): Promise<void> {
    await this.#store.queue.sweep(this.#clock.now);
    this.model.returnDue(this.#clock.now);
    for (const it of this.model.all.values())
      if (it.state === "waiting" && it.expiresAt !== null && it.expiresAt <= this.#clock.now) it.state = "dead";
    this.model.forgetDelays();
    const dead = await this.#store.queue.deadLetters();
    const expected = [...this.model.all].filter(([, { state }]) => state === "dead");
    expect(dead.map(({ id }) => id)).toEqual(expected.map(([id]) => id));
    for (const name of NAMES) {
      const of = (state: Modelled["state"]): number =>
        [...this.model.all.values()].filter((it) => it.to === name && it.state === state).length;
      const depth = await this.#store.queue.depth(name);
      expect(depth[name]).toEqual({ waiting: of("waiting"), inFlight: of("flying"), dead: of("dead") });
    }
  }

  async #redrive(): Promise<void> {
    await this.#sweep();
    const dead = [...this.model.all].filter(([, { state }]) => state === "dead" && this.#pick(2) === 0);
    expect(await this.#store.queue.redrive(dead.map(([id]) => id))).toBe(dead.length);
    for (const [, it] of dead) Object.assign(it, { state: "waiting", attempts: 0, expiresAt: null });
  }

  /** Everybody takes what is left: nothing that was accepted is missing. */
  async drain(): Promise<void> {
    this.#clock.now += 10_000;
    for (const to of NAMES) {
      while (true) {
        const deliveries = await this.#store.queue.receive(to, { max: 50, visibilityMs: 1_000, now: this.#clock.now });
        if (deliveries.length === 0) break;
        this.model.returnDue(this.#clock.now, to);
        const ready = this.model.ready(to, this.#clock.now);
        for (const delivery of deliveries) this.#take(delivery, ready, 1_000);
        await this.#store.queue.ack(
          to,
          deliveries.map(({ receipt }) => receipt),
        );
        for (const {
          message: { id },
        } of deliveries)
          (this.model.all.get(id) as Modelled).state = "done";
      }
    }
    await this.#sweep();
    expect([...this.model.all.values()].filter(({ state }) => state !== "done" && state !== "dead")).toEqual([]);
  }
}

describe.each(storeKinds)("the queue on $kind, against a model", ({ open }) => {
  const first = Number(process.env.HARBOR_TEST_SEED ?? 1);
  test.each([first, first + 1, first + 2])(
    "seed %d",
    async (seed) => {
      await using opened = await open({ maxAttempts: MAX_ATTEMPTS });
      const course = new Course(opened.store, opened.clock, seed);
      for (let step = 0; step < STEPS; step++) await course.step();
      await course.drain();
      expect(course.model.all.size).toBeGreaterThan(STEPS / 4);
    },
    30_000,
  );
});
