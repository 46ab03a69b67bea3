/**
 * Work on all logs of this process, one piece at a time. After a piece that took a while comes a pause as
 * long, so that floods of output, however many, leave half of a core to all else that happens here.
 */

const NOTICEABLE_MS = 0.5;

let last: Promise<unknown> = Promise.resolve();

/** In the order of the calls; a piece should take a millisecond or two. */
export function inTurn<T>(work: () => T): Promise<T> {
  let tookMs = 0;
  const result = last.then(() => {
    const start = performance.now();
    try {
      return work();
    } finally {
      tookMs = performance.now() - start;
    }
  });
  const rest = (): unknown => (tookMs < NOTICEABLE_MS ? undefined : Bun.sleep(tookMs));
  last = result.then(rest, rest);
  return result;
}
