/**
 * What was measured, over time, in memory: for each component and metric three rings, fine for half an hour, coarse for a day. What has
 * no room in a ring any more is gone. There are at most `MAX_SERIES` series of 10 kB each, about 32 MB in all; beyond that a new one takes
 * the place of one that nothing was written to for ten minutes, or is not kept, and `refused` counts it.
 */

/** One step of time: what was written in it. */
export interface Point {
  /** Milliseconds since 1970, where the step begins. */
  readonly time: number;
  readonly mean: number;
  readonly max: number;
  readonly count: number;
}

interface Tier {
  readonly stepMs: number;
  readonly slots: number;
}

/** Half an hour, three hours, a day. */
export const TIERS: readonly [Tier, ...Tier[]] = [
  { stepMs: 10_000, slots: 180 },
  { stepMs: 60_000, slots: 180 },
  { stepMs: 600_000, slots: 144 },
];
export const MAX_SERIES = 3_000;
const IDLE_MS = 600_000;
/** Idle ones are looked for at most this often. */
const LOOK_MS = 10_000;

class Ring {
  readonly tier: Tier;
  readonly #means: Float64Array;
  readonly #maxima: Float64Array;
  readonly #counts: Uint32Array;
  /** Number of the latest step that was written to. */
  #last = -1;

  constructor(tier: Tier) {
    this.tier = tier;
    this.#means = new Float64Array(tier.slots);
    this.#maxima = new Float64Array(tier.slots);
    this.#counts = new Uint32Array(tier.slots);
  }

  add(time: number, value: number): void {
    const { stepMs, slots } = this.tier;
    const step = Math.floor(time / stepMs);
    // the clock was set back by more than there is: everything would have to be moved
    if (step <= this.#last - slots) this.#empty(step);
    if (step > this.#last) this.#advance(step);
    const slot = step % slots;
    this.#maxima[slot] = this.#counts[slot] === 0 ? value : Math.max(this.#maxima[slot] ?? value, value);
    const count = (this.#counts[slot] ?? 0) + 1;
    const mean = this.#means[slot] ?? 0;
    // no sum, which two very large numbers would take beyond all numbers
    this.#means[slot] = mean + (value / count - mean / count);
    this.#counts[slot] = count;
  }

  /** Those that begin from `start` to `end`, oldest first. */
  read(start: number, end: number): Point[] {
    const { stepMs, slots } = this.tier;
    const points: Point[] = [];
    const first = Math.max(this.#last - slots + 1, Math.ceil(start / stepMs), 0);
    for (let step = first; step <= Math.min(this.#last, Math.floor(end / stepMs)); step++) {
      const slot = step % slots;
      const count = this.#counts[slot] ?? 0;
      if (count === 0) continue;
      points.push({ time: step * stepMs, mean: this.#means[slot] ?? 0, max: this.#maxima[slot] ?? 0, count });
    }
    return points;
  }

  #advance(step: number): void {
    const { slots } = this.tier;
    for (let empty = Math.max(this.#last + 1, step - slots + 1); empty <= step; empty++) {
      this.#means[empty % slots] = 0;
      this.#counts[empty % slots] = 0;
    }
    this.#last = step;
  }

  #empty(step: number): void {
    this.#counts.fill(0);
    this.#means.fill(0);
    this.#last = step;
  }
}

class OneSeries {
  writtenAt = 0;
  readonly rings = TIERS.map((tier) => new Ring(tier));

  add(time: number, value: number): void {
    this.writtenAt = time;
    for (const ring of this.rings) ring.add(time, value);
  }
}

export class SeriesStore {
  readonly #limit: number;
  readonly #components = new Map<string, Map<string, OneSeries>>();
  #size = 0;
  #refused = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(limit = MAX_SERIES) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Values that had no room. */
  get refused(): number {
    return this.#refused;
  }

  /** A value that is no finite number is left out: one would spoil the mean of its step. */
  add(componentId: string, metric: string, value: number, time: number): void {
    if (!Number.isFinite(value)) return;
    const series = this.#components.get(componentId)?.get(metric) ?? this.#make(componentId, metric, time);
    if (series === undefined) this.#refused++;
    else series.add(time, value);
  }

  metricsOf(componentId: string): string[] {
    return [...(this.#components.get(componentId)?.keys() ?? [])];
  }

  /** From the finest ring that still reaches back to `start`; `now` says how far that is. */
  read(componentId: string, metric: string, { start, end, now }: { start: number; end: number; now: number }): Point[] {
    const tier = tierFor(start, now);
    const ring = this.#components
      .get(componentId)
      ?.get(metric)
      ?.rings.find((each) => each.tier === tier);
    return ring?.read(start, end) ?? [];
  }

  forget(componentId: string): void {
    this.#size -= this.#components.get(componentId)?.size ?? 0;
    this.#components.delete(componentId);
  }

  #make(componentId: string, metric: string, time: number): OneSeries | undefined {
    if (this.#size >= this.#limit) this.#dropIdle(time);
    if (this.#size >= this.#limit) return undefined;
    const series = new OneSeries();
    const metrics = this.#components.get(componentId) ?? new Map<string, OneSeries>();
    this.#components.set(componentId, metrics.set(metric, series));
    this.#size++;
    return series;
  }

  #dropIdle(now: number): void {
    if (Math.abs(now - this.#lookedAt) < LOOK_MS) return;
    this.#lookedAt = now;
    for (const [id, metrics] of this.#components) {
      for (const [name, { writtenAt }] of metrics) {
        if (now - writtenAt <= IDLE_MS) continue;
        metrics.delete(name);
        this.#size--;
      }
      if (metrics.size === 0) this.#components.delete(id);
    }
  }
}

/** The finest that reaches back so far, or the coarsest. */
export function tierFor(start: number, now: number): Tier {
  return TIERS.find(({ stepMs, slots }) => start > now - stepMs * slots) ?? TIERS[TIERS.length - 1] ?? TIERS[0];
}
