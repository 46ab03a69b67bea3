/** Ctrl-C, a closed terminal and `kill` → an AbortSignal, so that what is under way can be undone. */

export interface Interrupt {
  signal: AbortSignal;
  /** Gives the signals back to their defaults. */
  [Symbol.dispose](): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal aborts; while the work is being undone, further ones change nothing. */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const name of SIGNALS) process.on(name, abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, abort);
    },
  };
}
