/**
 * Looks after a store that may be away: notices it, says so once, tells everyone who listens to events, and says when it is back. What the
 * conductor itself had to tell meanwhile is kept here until then.
 */
import { type EventLog, type Store, StoreError } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import type { Announcement } from "./monitor.ts";

export interface StoreWatchOptions {
  readonly store: Pick<Store, "status">;
  readonly append: EventLog["append"];
  readonly clock: Clock;
  /** To those that listen right now: it cannot be kept. */
  readonly tell: (kind: "store-away", data: Readonly<Record<string, unknown>>) => void;
  readonly complain: (problem: string) => void;
}

const LOOK_MS = 1_000;
const AT_ONCE = 500;
/** Of events that wait for the store; the oldest go first. */
const WAITING = 10_000;
const SOURCE = "conductor";

export class StoreWatch {
  readonly #options: StoreWatchOptions;
  #waiting: Announcement[] = [];
  #forgotten = 0;
  #isWriting = false;
  #isLooking = false;
  #away: { since: number; reason: string } | undefined;
  #timer: Timer | undefined;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Events of the conductor's own, into the log in their order: now, or when the store is back. */
  announce(events: readonly Announcement[]): void {
    this.#waiting.push(...events);
    const excess = this.#waiting.length - WAITING;
    if (excess > 0) this.#forgotten += this.#waiting.splice(0, excess).length;
    void this.#write();
  }

  /** One look at a time: a store that is slow gets no second one on top. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { ok, reason = "" } = await this.#options.store.status();
    this.#isLooking = false;
    if (!ok) this.#noticeAway(reason);
    else if (this.#away !== undefined) this.#noticeBack(this.#away);
    else await this.#write();
  }

  #noticeAway(reason: string): void {
    if (this.#away !== undefined) return;
    const { clock, tell, complain } = this.#options;
    this.#away = { since: clock.steady(), reason };
    complain(`the store is away: ${reason}`);
    tell("store-away", { reason });
  }

  #noticeBack({ since, reason }: { since: number; reason: string }): void {
    const { clock, complain } = this.#options;
    const awayMs = Math.round(clock.steady() - since);
    this.#away = undefined;
    complain(`the store is back after ${(awayMs / 1_000).toFixed(1)} s`);
    const data = { away_ms: awayMs, reason, events_forgotten: this.#forgotten };
    this.#forgotten = 0;
    // beyond the bound, where that is reached: none is forgotten for it
    this.#waiting.push({ type: "conductor-store-back", source: SOURCE, time: clock.now(), data });
    void this.#write();
  }

  /** Where the answer was lost they are written again: twice is better than not at all. */
  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      while (this.#waiting.length > 0) {
        const batch = new Set(this.#waiting.slice(0, AT_ONCE));
        await this.#options.append([...batch]);
        // more has come, and some of it may have been forgotten
        this.#waiting = this.#waiting.filter((event) => !batch.has(event));
      }
    } catch (error) {
      // that the store is away is said by `look`
      if (!(error instanceof StoreError)) this.#options.complain(`events were not kept: ${(error as Error).message}`);
    } finally {
      this.#isWriting = false;
    }
  }
}
