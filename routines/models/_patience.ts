/** How long a network is waited for: an attempt, tried again with growing pauses for as long as it gets anywhere now and then. */

export interface Patience {
  /** How long a hub that has never answered is given to. */
  contactMs: number;
  /** A connection on which nothing comes for so long is given up, and tried again. */
  stallMs: number;
  /** The pauses before further attempts; how many there are is how often it is tried again without a byte in between. */
  pausesMs: readonly number[];
}

export const DEFAULT_PATIENCE: Patience = { contactMs: 10_000, stallMs: 30_000, pausesMs: [1_000, 2_000, 4_000, 8_000, 15_000] };

/** How often a hub that has never answered is tried again: most often there is simply no network. */
const FIRST_CONTACT_RETRIES = 2;

/** The longest that a server may make us wait. */
const LONGEST_PAUSE_MS = 120_000;

/** What may go well the next time; the message follows a colon. */
export class Transient extends Error {
  /** What the server asks for. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { retryAfterMs, cause }: { retryAfterMs?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

export interface PersistOptions {
  patience: Patience;
  signal?: AbortSignal | undefined;
  /** Whether this server has ever answered us. */
  hasAnswered: () => boolean;
}

/** Runs `attempt` until it does not throw a `Transient`, or has done so too often; then that is thrown. `attempt` says when it gets on. */
export async function persist<T>(
  attempt: (getsOn: () => void) => Promise<T>,
  { patience, signal, hasAnswered }: PersistOptions,
): Promise<T> {
  let tries = 0;
  while (true) {
    try {
      return await attempt(() => {
        tries = 0;
      });
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      const most = hasAnswered() ? patience.pausesMs.length : Math.min(FIRST_CONTACT_RETRIES, patience.pausesMs.length);
      const pauseMs = patience.pausesMs[tries++];
      if (pauseMs === undefined || tries > most) throw error;
      await pause(Math.min(Math.max(pauseMs, error.retryAfterMs ?? 0), LONGEST_PAUSE_MS), signal);
    }
  }
}

/** Ends early when the signal does; the next request then says so. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = (): void => resolve();
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) resolve();
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  });
}
