/** Pauses between attempts: each twice the one before, with some chance in it, so that those that lost the conductor together do not come back together. */

const FIRST_MS = 100;
const LONGEST_MS = 5_000;

export class Backoff {
  #nextMs = FIRST_MS;

  /** It went well. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }

  /** Ends with the signal. */
  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(LONGEST_MS, 2 * this.#nextMs);
    await sleep(ms, signal);
  }
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
