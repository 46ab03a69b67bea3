/**
 * When something is due, for many, at a cost that does not grow with their number: a wheel of ticks in which each has one place.
 * A deadline that moves away (every heartbeat does that) is a number that is overwritten; its place in the wheel is looked at when the
 * wheel gets there, and moved on then. So a beat touches no list at all, and each costs one visit an interval.
 */

const TICK_MS = 50;
/** 51 s: what is due later is looked at once a turn. */
const BUCKETS = 1_024;
const NOWHERE = Number.POSITIVE_INFINITY;

export class Deadlines {
  readonly #buckets: number[][] = Array.from({ length: BUCKETS }, () => []);
  /** By slot: when it is due, and the tick of its place in the wheel. */
  #at = new Float64Array(64).fill(NOWHERE);
  #place = new Float64Array(64).fill(NOWHERE);
  /** The next tick to be looked at. */
  #tick: number;

  constructor(now: number) {
    this.#tick = Math.floor(now / TICK_MS);
  }

  /** Slots are small whole numbers, used again after `clear`. */
  set(slot: number, at: number): void {
    if (slot >= this.#at.length) this.#grow(slot);
    this.#at[slot] = at;
    const tick = this.#tickOf(at);
    if (tick < (this.#place[slot] ?? NOWHERE)) this.#put(slot, tick);
  }

  clear(slot: number): void {
    if (slot < this.#at.length) this.#at[slot] = NOWHERE;
  }

  /** Those that are due by now; each is told once, and has no deadline until it is set again. */
  advance(now: number): number[] {
    const last = Math.floor(now / TICK_MS);
    // after a long pause one turn sees everyone
    const first = Math.max(this.#tick, last - BUCKETS + 1);
    this.#tick = Math.max(this.#tick, last);
    const reached: number[] = [];
    for (let tick = first; tick <= last; tick++) this.#take(tick % BUCKETS, reached);
    return reached.filter((slot) => this.#isDue(slot, now));
  }

  /** The tick that has begun is looked at again: some of what is in it may be due later in it. */
  #take(bucket: number, reached: number[]): void {
    const slots = this.#buckets[bucket] as number[];
    if (slots.length === 0) return;
    this.#buckets[bucket] = [];
    for (const slot of slots) {
      // else it was given an earlier place since
      if ((this.#place[slot] ?? NOWHERE) % BUCKETS !== bucket) continue;
      this.#place[slot] = NOWHERE;
      reached.push(slot);
    }
  }

  #isDue(slot: number, now: number): boolean {
    const at = this.#at[slot] ?? NOWHERE;
    if (at === NOWHERE) return false;
    if (at > now) this.#put(slot, this.#tickOf(at));
    else this.#at[slot] = NOWHERE;
    return at <= now;
  }

  #put(slot: number, tick: number): void {
    this.#place[slot] = tick;
    (this.#buckets[tick % BUCKETS] as number[]).push(slot);
  }

  #tickOf(at: number): number {
    return Math.min(Math.max(Math.floor(at / TICK_MS), this.#tick), this.#tick + BUCKETS - 1);
  }

  #grow(slot: number): void {
    const length = Math.max(slot + 1, this.#at.length * 2);
    this.#at = lengthened(this.#at, length);
    this.#place = lengthened(this.#place, length);
  }
}

function lengthened(old: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(length).fill(NOWHERE);
  grown.set(old);
  return grown;
}
