/**
 * Ports for tests: of this host's loopback, with nobody on them right now, and none given twice. Below those that a system hands
 * out by itself (from 32768 on Linux, 49152 on macOS): nobody who asks for any port, or connects to one, gets a test's own before
 * it is used.
 */

const FIRST = 20_000;
const COUNT = 12_000;
/** Runs beside this one begin elsewhere. */
let next = (process.pid * 101) % COUNT;

export function freePort(): number {
  while (true) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (isFree(port)) return port;
  }
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
