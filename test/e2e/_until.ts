/** Waiting for what happens elsewhere: never a pause of a fixed length. */

/** Polls until `probe` gives something that is not undefined or false; throws after `timeoutMs`. */
export async function until<T>(probe: () => Promise<T | undefined | false> | T | undefined | false, timeoutMs = 20_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${probe}`);
    await Bun.sleep(10);
  }
}

/** A TCP port of 127.0.0.1 that nobody listens on right now. */
export function findFreePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
