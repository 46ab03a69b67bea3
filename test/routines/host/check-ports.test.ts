import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { checkPorts } from "../../../routines/host/check-ports.ts";
import { listListeners, parseLsof, parseProcNet } from "../../../routines/host/read-listeners.ts";

const listen = (hostname: string) => Bun.listen({ hostname, port: 0, socket: { data() {} } });

describe("checkPorts", () => {
  test("names the owner of the taken ports, and leaves the free ones out", () => {
    using first = listen("127.0.0.1");
    using second = listen("0.0.0.0");
    const gone = listen("127.0.0.1");
    const free = gone.port;
    gone.stop(true);
    const owners = checkPorts({ ports: [second.port, free, first.port] });
    expect(owners).toEqual([second.port, first.port].map((port) => ({ port, pid: process.pid, command: expect.stringMatching(/^bun/) })));
  });

  test("tells no options of the owner: they may hold secrets", async () => {
    const code = 'const s = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }); console.log(s.port)';
    await using child = Bun.spawn([process.execPath, "-e", code, "--api-key", "secret"], { stdout: "pipe" });
    const { value } = await child.stdout.getReader().read();
    const [owner] = checkPorts({ ports: [Number(new TextDecoder().decode(value))] });
    expect(owner).toMatchObject({ pid: child.pid, command: basename(process.execPath) });
  });

  test("is empty for no ports", () => {
    expect(checkPorts({ ports: [] })).toEqual([]);
  });
});

describe("listListeners", () => {
  test("sees a listener on IPv6 loopback", () => {
    using socket = listen("::1");
    expect(listListeners(new Set([socket.port]))).toHaveLength(1);
  });

  test("sees the newest listener on a host with more connections than are read of", async () => {
    using server = listen("127.0.0.1");
    const connect = () => Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data() {} } });
    const connections = await Promise.all(Array.from({ length: 300 }, connect));
    using last = listen("127.0.0.1");
    expect(listListeners(new Set([last.port, server.port]))).toHaveLength(2);
    for (const connection of connections) connection.end();
  });
});

describe("parseProcNet", () => {
  const line = (local: string, state = "0A"): string =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0`;
  const parse = (...lines: string[]) => parseProcNet(["  sl  local_address …", ...lines, ""].join("\n"), new Set([8080])).length;
  const loopback: [string, string][] = [
    ["127.0.0.1", "0100007F:1F90"],
    ["127.0.0.53", "3500007F:1F90"],
    ["0.0.0.0", "00000000:1F90"],
    ["::", `${"0".repeat(32)}:1F90`],
    ["::1", "00000000000000000000000001000000:1F90"],
    ["::ffff:127.0.0.1", "0000000000000000FFFF00000100007F:1F90"],
  ];
  test.each(loopback)("counts a listener on %s", (_, local) => {
    expect(parse(line(local))).toBe(1);
  });

  const others: [string, string][] = [
    ["another port", line("0100007F:1F91")],
    ["another address", line("0101A8C0:1F90")],
    ["a connection", line("0100007F:1F90", "01")],
    ["a broken line", "0:"],
  ];
  test.each(others)("does not count %s", (_, text) => {
    expect(parse(text)).toBe(0);
  });
});

describe("parseLsof", () => {
  test("reads processes and their sockets, those on other addresses left out", () => {
    const text = "p123\nf7\nn127.0.0.1:8080\nf8\nn*:8080\np200\nf3\nn192.168.1.5:8080\n";
    expect(parseLsof(text)).toEqual([
      { port: 8080, address: "127.0.0.1", pid: 123 },
      { port: 8080, address: "*", pid: 123 },
    ]);
  });
});
