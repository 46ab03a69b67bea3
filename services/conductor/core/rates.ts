/** How often one may ask: a bucket for each asker that fills again by itself. */

export interface Bucket {
  left: number;
  at: number;
}

/** A `Map`, or a `WeakMap` where the askers are objects. */
export interface Buckets<K> {
  get(key: K): Bucket | undefined;
  set(key: K, bucket: Bucket): unknown;
}

export class Rates<K> {
  readonly #buckets: Buckets<K>;
  readonly #perSecond: number;
  readonly #burst: number;

  /** `burst`: at once, after a rest. */
  constructor(perSecond: number, burst: number, buckets: Buckets<K>) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#buckets = buckets;
  }

  /** Takes one out. 0 where that was possible, else how many milliseconds until it is. */
  take(key: K, now: number): number {
    const wait = this.wait(key, now);
    const bucket = this.#buckets.get(key);
    if (wait === 0 && bucket !== undefined) bucket.left--;
    return wait;
  }

  /** What `take` would say. */
  wait(key: K, now: number): number {
    const bucket = this.#buckets.get(key) ?? { left: this.#burst, at: now };
    this.#buckets.set(key, bucket);
    bucket.left = Math.min(this.#burst, bucket.left + ((now - bucket.at) / 1000) * this.#perSecond);
    bucket.at = now;
    return bucket.left >= 1 ? 0 : Math.ceil(((1 - bucket.left) / this.#perSecond) * 1000);
  }
}

/** The last `limit` askers; an earlier one is forgotten, and begins anew with a full bucket. */
export class LastBuckets implements Buckets<string> {
  readonly #map = new Map<string, Bucket>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): Bucket | undefined {
    return this.#map.get(key);
  }

  set(key: string, bucket: Bucket): void {
    this.#map.set(key, bucket);
    const [first] = this.#map.size > this.#limit ? this.#map.keys() : [];
    if (first !== undefined) this.#map.delete(first);
  }
}
