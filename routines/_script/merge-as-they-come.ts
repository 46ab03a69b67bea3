/** Several sources → one, each item as it comes; where one of them fails, the others are ended. */

/** Opens the sources; the signal aborts once nobody reads them any more. */
export type OpenSources<T> = (signal: AbortSignal) => readonly AsyncGenerator<T>[];

/** Ends when all sources have; throws what the first one throws. `signal` is the caller's own. */
export async function* mergeAsTheyCome<T>(open: OpenSources<T>, signal?: AbortSignal): AsyncGenerator<T> {
  const end = new AbortController();
  const sources = open(signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]));
  const advance = async (source: AsyncGenerator<T>) => ({ source, next: await source.next() });
  const pending = new Map(sources.map((source) => [source, advance(source)]));
  try {
    while (pending.size > 0) {
      const { source, next } = await Promise.race(pending.values());
      if (next.done) {
        pending.delete(source);
        continue;
      }
      pending.set(source, advance(source));
      yield next.value;
    }
  } finally {
    // a generator that waits for a quiet source's next item hears of its end by the signal alone
    end.abort();
    for (const [source, next] of pending) {
      // not awaited, and what it throws at its end tells nobody anything: it was not to go on
      next.catch(() => undefined);
      source.return(undefined).catch(() => undefined);
    }
  }
}
