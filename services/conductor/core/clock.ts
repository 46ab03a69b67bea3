/** The two clocks: what people read, and what durations are measured by. Injected, so that tests need not wait. */

export interface Clock {
  /** Milliseconds since 1970. May be set, forward and back, by whoever looks after the machine. */
  now(): number;
  /** Milliseconds since some moment; never goes back. On Linux it stands still while the machine sleeps. */
  steady(): number;
}

export const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() };
