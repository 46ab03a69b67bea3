/** Waiting for what happens elsewhere: never a pause of a fixed length. */

type Found<T> = T | undefined | false;

/** Polls until `probe` gives something that is not undefined or false; gives up before bun ends the test, whose words say less. */
export async function until<T>(probe: () => Found<T> | Promise<Found<T>>, what: string, timeoutMs = 4_500): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await Bun.sleep(5);
  }
}
