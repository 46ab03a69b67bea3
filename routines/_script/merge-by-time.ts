/** Several sources of lines → one, in order of time. */

/** Where each source is in order by itself; reads no further ahead than one line of each. Times are ISO 8601 in UTC, with milliseconds or finer. */
export async function* mergeByTime<T extends { time: string }>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  try {
    while (true) {
      let first: (typeof heads)[number] | undefined;
      for (const head of heads) {
        if (head.next.done) continue;
        if (first === undefined || first.next.done || head.next.value.time < first.next.value.time) first = head;
      }
      if (first === undefined || first.next.done) return;
      yield first.next.value;
      first.next = await first.source.next();
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)));
  }
}
