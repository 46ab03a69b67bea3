/** Requests that were routed to each component: how many, how many failed, how long they took; in all, and in the last minute. */

export interface TrafficReport {
  /** Since the conductor started. */
  readonly requests: number;
  readonly errors: number;
  readonly requestsPerMinute: number;
  readonly errorsPerMinute: number;
  /** Until the first byte of an answer, the mean of the last minute; undefined where there was none. */
  readonly responseSeconds: number | undefined;
}

const STEPS = 60;
const STEP_MS = 1_000;

/** A ring of seconds. Only components that something was routed to have one. */
class Counts {
  requests = 0;
  errors = 0;
  readonly #requests = new Uint32Array(STEPS);
  readonly #errors = new Uint32Array(STEPS);
  readonly #ms = new Float64Array(STEPS);
  #last = 0;

  add(isError: boolean, ms: number, now: number): void {
    const slot = this.#reach(now);
    this.requests++;
    this.#requests[slot] = (this.#requests[slot] ?? 0) + 1;
    this.#ms[slot] = (this.#ms[slot] ?? 0) + ms;
    if (!isError) return;
    this.errors++;
    this.#errors[slot] = (this.#errors[slot] ?? 0) + 1;
  }

  report(now: number): TrafficReport {
    this.#reach(now);
    const requestsPerMinute = sum(this.#requests);
    return {
      requests: this.requests,
      errors: this.errors,
      requestsPerMinute,
      errorsPerMinute: sum(this.#errors),
      responseSeconds: requestsPerMinute === 0 ? undefined : sum(this.#ms) / requestsPerMinute / 1_000,
    };
  }

  #reach(now: number): number {
    const step = Math.floor(now / STEP_MS);
    for (let empty = Math.max(this.#last + 1, step - STEPS + 1); empty <= step; empty++) {
      this.#requests[empty % STEPS] = 0;
      this.#errors[empty % STEPS] = 0;
      this.#ms[empty % STEPS] = 0;
    }
    this.#last = Math.max(step, this.#last);
    return this.#last % STEPS;
  }
}

const NOTHING: TrafficReport = { requests: 0, errors: 0, requestsPerMinute: 0, errorsPerMinute: 0, responseSeconds: undefined };

export class Traffic {
  readonly #steady: () => number;
  readonly #counts = new Map<string, Counts>();

  constructor(steady: () => number) {
    this.#steady = steady;
  }

  add(componentId: string, { isError, ms }: { isError: boolean; ms: number }): void {
    const counts = this.#counts.get(componentId) ?? new Counts();
    this.#counts.set(componentId, counts);
    counts.add(isError, ms, this.#steady());
  }

  of(componentId: string): TrafficReport {
    return this.#counts.get(componentId)?.report(this.#steady()) ?? NOTHING;
  }

  /** Those that something was routed to. */
  ids(): Iterable<string> {
    return this.#counts.keys();
  }

  forget(componentId: string): void {
    this.#counts.delete(componentId);
  }
}

function sum(values: Uint32Array | Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
