/** How often one may ask: a bucket for each asker that fills again by itself. */

export interface Bucket {
  left: number;
  at: number;
}

/** Where they are kept: what is changed in one is set again. */
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
    const bucket = this.#fill(key, now);
    const wait = this.#waitFor(bucket);
    if (wait === 0) bucket.left--;
    this.#buckets.set(key, bucket);
    return wait;
  }

  /** What `take` would say. */
  wait(key: K, now: number): number {
    const bucket = this.#fill(key, now);
    this.#buckets.set(key, bucket);
    return this.#waitFor(bucket);
  }

  #fill(key: K, now: number): Bucket {
    const { left, at } = this.#buckets.get(key) ?? { left: this.#burst, at: now };
    return { left: Math.min(this.#burst, left + ((now - at) / 1000) * this.#perSecond), at: now };
  }

  #waitFor({ left }: Bucket): number {
    return left >= 1 ? 0 : Math.ceil(((1 - left) / this.#perSecond) * 1000);
  }
}

/** Of askers with a number of their own, 16 bytes each. Who has the number of one that is gone begins with what that one left. */
export class SlotBuckets implements Buckets<{ readonly slot: number }> {
  #numbers = new Float64Array(128).fill(Number.NaN);

  get({ slot }: { readonly slot: number }): Bucket | undefined {
    const left = this.#numbers[2 * slot] ?? Number.NaN;
    return Number.isNaN(left) ? undefined : { left, at: this.#numbers[2 * slot + 1] as number };
  }

  set({ slot }: { readonly slot: number }, { left, at }: Bucket): void {
    if (2 * slot >= this.#numbers.length) {
      const grown = new Float64Array(3 * slot + 2).fill(Number.NaN);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[2 * slot] = left;
    this.#numbers[2 * slot + 1] = at;
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
