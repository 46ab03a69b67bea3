/** Ports for tests: of this host's loopback, with nobody on them right now, and none given twice. */

const given = new Set<number>();

export function freePort(): number {
  while (true) {
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = server;
    server.stop(true);
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}
