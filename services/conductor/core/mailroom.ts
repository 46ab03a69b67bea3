/** The queue with a bell: who waits for messages hears of those that come through this process at once, of all others within a second. */
import { type Death, type Delivery, type NewMessage, type Queue, StoreError } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import { ConductorError } from "./conductor-error.ts";

export interface MailroomOptions {
  readonly queue: Queue;
  readonly clock: Clock;
  readonly complain: (problem: string) => void;
  /** Messages that nobody will receive any more, within a second or two. */
  readonly onDeaths: (deaths: readonly Death[]) => void;
}

export interface ReceiveOptions {
  readonly max: number;
  readonly visibilityMs: number;
  /** 0: what there is now. */
  readonly waitMs: number;
  /** Nobody waits any more. */
  readonly signal: AbortSignal;
  /** Asked before each look: false where who waits may not have what comes now. */
  readonly isStill: () => boolean;
}

/** What comes back by time alone, and what other processes send, is looked for this often. */
const LOOK_MS = 1_000;
/** Of one receiver: each of them looks that often. */
const WAITING = 100;

export class Mailroom {
  readonly #options: MailroomOptions;
  readonly #bells = new Map<string, Set<() => void>>();
  #timer: Timer | undefined;
  #isSweeping = false;

  constructor(options: MailroomOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.sweep(), LOOK_MS);
  }

  /** Those that wait go without. */
  stop(): void {
    clearInterval(this.#timer);
    for (const to of this.#bells.keys()) this.#ring(to);
  }

  /** How many wait, for anybody's messages. */
  get waiting(): number {
    return this.#bells.values().reduce((sum, { size }) => sum + size, 0);
  }

  /** All or none; answered when they are durable. */
  async send(messages: readonly NewMessage[]): Promise<{ id: string; isDuplicate: boolean }[]> {
    const answers = await this.#options.queue.send(messages);
    for (const to of new Set(messages.map((message) => message.to))) this.#ring(to);
    return answers;
  }

  /**
   * As soon as there is something; nothing at the end of its time, or when nobody waits any more. A store that is away meanwhile is
   * waited for as well. Throws `rate_limited` where too many wait already, a StoreError where the store is away at the end of the time.
   */
  async receive(to: string, { max, visibilityMs, waitMs, signal, isStill }: ReceiveOptions): Promise<Delivery[]> {
    const { clock } = this.#options;
    const until = clock.steady() + waitMs;
    if ((this.#bells.get(to)?.size ?? 0) >= WAITING) {
      throw new ConductorError("rate_limited", `${WAITING} wait for messages to ${to} already`, {
        hint: "one that waits is enough",
        details: { retry_after: 1 },
      });
    }
    while (!signal.aborted && isStill()) {
      // heard from before the look: what comes during it is not missed
      const bell = this.#listen(to, signal);
      try {
        const deliveries = await this.#look(to, max, visibilityMs);
        const left = until - clock.steady();
        if (left <= 0 && deliveries instanceof StoreError) throw deliveries;
        if (Array.isArray(deliveries) && (deliveries.length > 0 || left <= 0)) return deliveries;
        await bell.rung(Math.min(left, LOOK_MS));
      } finally {
        bell.stop();
      }
    }
    return [];
  }

  async #look(to: string, max: number, visibilityMs: number): Promise<Delivery[] | StoreError> {
    const { queue, clock } = this.#options;
    try {
      return await queue.receive(to, { max, visibilityMs, now: clock.now() });
    } catch (error) {
      if (error instanceof StoreError) return error;
      throw error;
    }
  }

  async ack(to: string, receipts: readonly string[]): Promise<number> {
    const count = await this.#options.queue.ack(to, receipts);
    if (count > 0) this.#ring(to);
    return count;
  }

  async release(to: string, receipts: readonly string[], delayMs: number): Promise<number> {
    const count = await this.#options.queue.release(to, receipts, delayMs);
    if (count > 0) this.#ring(to);
    return count;
  }

  async redrive(ids: readonly string[]): Promise<number> {
    const count = await this.#options.queue.redrive(ids);
    if (count > 0) for (const to of this.#bells.keys()) this.#ring(to);
    return count;
  }

  /** One at a time: a store that is slow gets no second one on top. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      const { queue, clock, onDeaths } = this.#options;
      await queue.sweep(clock.now());
      const deaths = await queue.deaths();
      if (deaths.length > 0) onDeaths(deaths);
    } catch (error) {
      // that the store is away is said elsewhere, once
      if (!(error instanceof StoreError)) this.#options.complain(`messages are not swept: ${(error as Error).message}`);
    } finally {
      this.#isSweeping = false;
    }
  }

  #ring(to: string): void {
    for (const ring of [...(this.#bells.get(to) ?? [])]) ring();
  }

  #listen(to: string, signal: AbortSignal): { rung: (ms: number) => Promise<void>; stop: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ringers = this.#bells.get(to) ?? new Set();
    let timer: Timer | undefined;
    const ring = (): void => resolve();
    ringers.add(ring);
    this.#bells.set(to, ringers);
    signal.addEventListener("abort", ring);
    return {
      rung: (ms) => {
        timer = setTimeout(ring, ms);
        return promise;
      },
      stop: () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", ring);
        ringers.delete(ring);
        if (ringers.size === 0 && this.#bells.get(to) === ringers) this.#bells.delete(to);
      },
    };
  }
}
