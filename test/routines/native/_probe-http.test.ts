import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type ProbeResult, probeOnce } from "../../../routines/native/probe-process.ts";
import type { ReadySpec } from "../../../routines/native/resolve-contract.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";

const servers: { stop: () => void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

/** A server over plain TCP, whose every byte is the test's own; gives its port. */
async function listen(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push({
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return (server.address() as { port: number }).port;
}

/** Answers with this text, in as many pieces, then closes unless it stays. */
function says(pieces: string[], options: { stays?: boolean } = {}): Promise<number> {
  return listen(async (socket) => {
    for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, "latin1", () => resolve()));
    if (!options.stays) socket.end();
  });
}

function ask(port: number, question: Partial<ReadySpec> = {}): Promise<ProbeResult> {
  const target = { handle: "sample", port, cwd: "/", env: {} };
  return probeOnce({ http: "/health", probe_timeout: "2s", ...question }, target);
}

async function reasonOf(result: Promise<ProbeResult>): Promise<string> {
  const seen = await result;
  return seen.ok ? "ok" : seen.reason.replace(/127\.0\.0\.1:\d+/, "HOST");
}

const BODY = "Content-Length: 5\r\n\r\nready";

describe("a GET", () => {
  test("goes to the path, as a request that every server takes", async () => {
    const seen: { line: string; host: string | null }[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        seen.push({
          line: `${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`,
          host: request.headers.get("host"),
        });
        return new Response("ok");
      },
    });
    servers.push({ stop: () => void server.stop(true) });
    expect(await ask(server.port ?? 0, { http: "/a b/ü\r\nX: y?q=1" })).toEqual({ ok: true });
    expect(seen).toEqual([{ line: "GET /a%20b/%C3%BC%0D%0AX:%20y?q=1", host: `127.0.0.1:${server.port}` }]);
  });

  const answers: [string, string[], string][] = [
    ["200", [`HTTP/1.1 200 OK\r\n${BODY}`], "ok"],
    ["HTTP/1.0", ["HTTP/1.0 200 OK\r\n\r\nready"], "ok"],
    ["a redirect, which it does not follow", ["HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"], "ok"],
    ["a head in pieces", ["HT", "TP/1.1 2", "00 OK\r\nA: b\r", "\n\r", "\nready"], "ok"],
    [
      "early hints",
      ["HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\n\r\n"],
      "GET http://HOST/health answered 503",
    ],
    ["503", ["HTTP/1.1 503 Service Unavailable\r\n\r\n"], "GET http://HOST/health answered 503"],
    ["101", ["HTTP/1.1 101 Switching Protocols\r\n\r\n"], "GET http://HOST/health answered 101"],
    ["garbage", ["hello\n"], "GET http://HOST/health answered, but not in HTTP"],
    ["garbage without an end", ["-ERR"], "GET http://HOST/health answered, but not in HTTP"],
    ["another HTTP", ["HTTP/2 200\r\n\r\n"], "GET http://HOST/health answered, but not in HTTP"],
    ["a status that is none", ["HTTP/1.1 2000 OK\r\n\r\n"], "GET http://HOST/health answered, but not in HTTP"],
    ["nothing", [], "GET http://HOST/health: the connection was closed without an answer"],
    ["half a head", ["HTTP/1.1 200 OK\r\nA: "], "GET http://HOST/health: the connection was closed without an answer"],
    ["a head without end", [`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(20_000)}`], "GET http://HOST/health answered, but not in HTTP"],
  ];
  test.each(answers)("answered with %s", async (_, pieces, expected) => {
    expect(await reasonOf(ask(await says(pieces)))).toBe(expected);
  });

  test("that nobody answers in time, that nobody takes, and that is interrupted", async () => {
    const silent = await says([], { stays: true });
    expect(await reasonOf(ask(silent, { probe_timeout: "30ms" }))).toBe("GET http://HOST/health did not answer within 30 ms");
    const slow = await says(["HTTP/1.1 200 OK\r\nA: b\r\n"], { stays: true });
    expect(await reasonOf(ask(slow, { probe_timeout: "30ms" }))).toBe("GET http://HOST/health did not answer within 30 ms");
    expect(await reasonOf(ask(freePort()))).toBe("GET http://HOST/health: nothing listens yet");
    const target = { handle: "sample", port: silent, cwd: "/", env: {} };
    const abort = new AbortController();
    const asked = probeOnce({ http: "/", probe_timeout: "60s" }, target, { signal: abort.signal });
    abort.abort();
    expect(await reasonOf(asked)).toBe("GET http://HOST/: interrupted");
    expect(await reasonOf(probeOnce({ http: "/", probe_timeout: "60s" }, target, { signal: abort.signal }))).toBe(
      "GET http://HOST/: interrupted",
    );
  });

  const statuses: [string, number, string][] = [
    ["200", 200, "ok"],
    ["204, 401", 401, "ok"],
    ["200-299,401", 302, "GET http://HOST/health answered 302, not 200-299,401"],
    ["500-599", 200, "GET http://HOST/health answered 200, not 500-599"],
  ];
  test.each(statuses)("of which %s counts, answered with %d", async (status, answer, expected) => {
    expect(await reasonOf(ask(await says([`HTTP/1.1 ${answer} X\r\n\r\n`]), { status }))).toBe(expected);
  });
});

describe("a body", () => {
  const head = "HTTP/1.1 200 OK\r\n";
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
  const matching: [string, string[]][] = [
    ["of a length", [`${head}${BODY}`]],
    ["of a length, in pieces", [`${head}Content-Length: 5\r\n`, "\r\nre", "a", "dy"]],
    ["until the connection closes", [`${head}\r\nrea`, "dy"]],
    ["in chunks", [`${chunked}2\r\nre\r\n3;x=y\r\nady\r\n0\r\n\r\n`]],
    ["in chunks that are cut anywhere", [`${chunked}`, "2", "\r", "\nr", "e\r", "\n", "3\r\na", "dy", "\r\n0", "\r\n", "\r\n"]],
    ["after early hints", [`HTTP/1.1 103 Early Hints\r\n\r\n${head}${BODY}`]],
  ];
  test.each(matching)("%s is found to match", async (_, pieces) => {
    expect(await ask(await says(pieces), { body: "^ready$" })).toEqual({ ok: true });
  });

  test("is known to be whole without the end of the connection", async () => {
    for (const text of [`${head}${BODY}`, `${chunked}5\r\nready\r\n0\r\n\r\n`])
      expect(await ask(await says([text], { stays: true }), { body: "ready", probe_timeout: "60s" })).toEqual({ ok: true });
  });

  const wrong: [string, string[], string][] = [
    [
      "that says something else",
      [`${head}\r\n{ "status": "loading\u001b[31m model\u0007" }\n`],
      '200 with "{ "status": "loading model " }", which does not match /^ready$/',
    ],
    [
      "that says more than a message holds",
      [`${head}\r\n${"x".repeat(500)}`],
      `200 with "${"x".repeat(80)}…", which does not match /^ready$/`,
    ],
    ["in UTF-8", [`${head}\r\n${Buffer.from("lädt noch").toString("latin1")}`], '200 with "lädt noch", which does not match /^ready$/'],
    ["that is empty", [`${head}Content-Length: 0\r\n\r\n`], "200 with an empty body, which does not match /^ready$/"],
    ["that cannot be", ["HTTP/1.1 204 No Content\r\n\r\n"], "204 with an empty body, which does not match /^ready$/"],
    ["of another status", [`HTTP/1.1 500 No\r\n${BODY}`], "500"],
  ];
  test.each(wrong)("%s is shown as it begins", async (_, pieces, expected) => {
    expect(await reasonOf(ask(await says(pieces), { body: "^ready$" }))).toBe(`GET http://HOST/health answered ${expected}`);
  });

  test("that is cut off, or in chunks that are none", async () => {
    for (const text of [`${head}Content-Length: 9\r\n\r\nready`, `${chunked}5\r\nready\r\n`])
      expect(await reasonOf(ask(await says([text]), { body: "ready" }))).toBe(
        "GET http://HOST/health: the connection was closed in the middle of its answer",
      );
    expect(await reasonOf(ask(await says([`${chunked}zz\r\n`]), { body: "ready" }))).toBe(
      "GET http://HOST/health answered, but not in HTTP",
    );
  });

  test("without an end is looked at as far as a megabyte, and not at all where nothing is asked of it", async () => {
    const endless = (): Promise<number> =>
      listen((socket) => {
        socket.write(`${head}\r\nready`);
        const more = (): void => {
          while (socket.writable && socket.write("x".repeat(65_536)));
        };
        socket.on("drain", more);
        more();
      });
    expect(await ask(await endless(), { probe_timeout: "60s", body: "^ready" })).toEqual({ ok: true });
    expect(await ask(await endless(), { probe_timeout: "60s" })).toEqual({ ok: true });
    const stuck = await says([`${head}\r\nready`], { stays: true });
    expect(await reasonOf(ask(stuck, { probe_timeout: "40ms", body: "ready" }))).toBe("GET http://HOST/health did not answer within 40 ms");
    expect(await ask(stuck, { probe_timeout: "60s" })).toEqual({ ok: true });
  });

  test("asked for by what is no regular expression", async () => {
    expect(await reasonOf(ask(freePort(), { body: "(" }))).toBe("GET http://HOST/health: /(/ is no regular expression");
  });
});

test("lets a server that answers in two pieces finish: it sees no broken connection", async () => {
  let error: unknown;
  let isClosed = false;
  const port = await listen((socket) => {
    socket.on("error", (cause) => (error = cause));
    socket.on("close", () => (isClosed = true));
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", () => setImmediate(() => socket.end("ready")));
  });
  expect(await ask(port)).toEqual({ ok: true });
  await until(() => isClosed, "the connection is closed");
  expect(error).toBeUndefined();
});

test("closes even on a server that does not", async () => {
  let isClosed = false;
  const port = await listen((socket) => {
    socket.on("close", () => (isClosed = true));
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready");
  });
  expect(await ask(port)).toEqual({ ok: true });
  await until(() => isClosed, "the connection is closed");
});

const isLinux = process.platform === "linux";

function countSockets(): number {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the one of this very look
    }
  });
  return links.filter((link) => link.startsWith("socket:")).length;
}

function residentMb(): number {
  Bun.gc(true);
  return process.memoryUsage().rss / 1024 / 1024;
}

test.if(isLinux)(
  "10,000 of them leave no socket and no memory behind",
  async () => {
    const code = 'console.log(Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ready") }).port)';
    await using server = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
    const reader = server.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    const fifty = async (): Promise<void> => {
      const questions = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? {} : { body: "^ready$" }));
      const results = await Promise.all(questions.map((question) => ask(port, { ...question, probe_timeout: "10s" })));
      expect(results.filter((result) => !result.ok)).toEqual([]);
    };
    const atFirst = countSockets();
    for (let times = 0; times < 100; times++) await fifty();
    const before = residentMb();
    for (let times = 0; times < 100; times++) await fifty();
    expect(residentMb() - before).toBeLessThan(8);
    await until(() => countSockets() <= atFirst, "every socket is closed");
  },
  60_000,
);
