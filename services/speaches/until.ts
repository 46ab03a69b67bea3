/** Waiting: for a condition, with growing pauses, and for a time, both ended by a signal. */

export interface UntilOptions {
  timeoutMs: number;
  pauseMs: { first: number; longest: number };
  signal: AbortSignal;
}

/** False where the time is over; throws where the signal ends it. */
export async function until(isTrue: () => boolean | Promise<boolean>, { timeoutMs, pauseMs, signal }: UntilOptions): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  let pause = pauseMs.first;
  while (!(await isTrue())) {
    if (performance.now() >= deadline) return false;
    await rest(pause, signal);
    pause = Math.min(pause * 2, pauseMs.longest);
  }
  return true;
}

/** Throws as soon as the signal ends it. */
export function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    }
    signal.addEventListener("abort", done);
  });
}
