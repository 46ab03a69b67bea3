/**
 * Whatever comes over the socket is refused with words, never with a defect, and others are served meanwhile. `HARBOR_TEST_SEED` repeats
 * what was made at random, `HARBOR_TEST_ROUNDS` makes more of it.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { TOKEN as PROGRAM_TOKEN, usePrograms } from "./_program.ts";
import { type Random, seededRandom } from "./_random.ts";
import { describeOnBoth, type Harness, TOKEN, useServers } from "./_server.ts";

const SEED = Number(process.env.HARBOR_TEST_SEED ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env.HARBOR_TEST_ROUNDS ?? 400);
const start = useServers();
const programs = usePrograms();

/** What stands on the wire, and what came back by the time the other side closes or says `enough`. */
async function sendRaw(port: number, text: string, enough = /\r\n\r\n/): Promise<{ status: number; text: string }> {
  let said = "";
  let isClosed = false;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, chunk) => {
        said += chunk.toString();
      },
      close: () => {
        isClosed = true;
      },
    },
  });
  socket.write(text);
  await until(() => isClosed || enough.test(said), "an answer");
  socket.end();
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 0), text: said };
}

const WHO = `Host: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;

/** Each is some JSON, as text: what programs in a hurry, or in bad faith, send. */
const VALUES = [
  ...["null", "true", "0", "-0", "-1", "1.5", "1e999", "-1e999", "1e-999", "9007199254740993", "99999999999999999999999999"],
  ...[
    '""',
    '"x"',
    '"hub"',
    '"hub-001"',
    '"*"',
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\r\\nX: y"',
    '"../../etc/passwd"',
    '"__proto__"',
  ],
  ...['"constructor"', `"${"a".repeat(5_000)}"`, `"${"é".repeat(200)}"`, '"2999-01-01T00:00:00Z"', '"file:///etc/passwd"', '"%00"'],
  ...["[]", "{}", "[null]", '[{"to":"hub"}]', '{"__proto__":{"isAdmin":true}}', '{"constructor":1}', '{"a":1,"a":2}', '["*"]', '["hub"]'],
  ...["[".repeat(2_000) + "]".repeat(2_000), `${'{"a":'.repeat(3_000)}1${"}".repeat(3_000)}`, `[${'"x",'.repeat(2_000)}1]`],
];
const FIELDS = [
  ...[
    "component",
    "component_id",
    "port",
    "version",
    "capabilities",
    "health_check_url",
    "heartbeat_interval",
    "lease_seconds",
    "instances",
  ],
  ...["host", "timestamp", "status", "metrics", "event_type", "data", "to", "from", "payload", "headers", "message_type", "ttl_seconds"],
  ...["idempotency_key", "messages", "receipts", "message_ids", "delay_seconds", "capability", "request_type", "timeout_seconds"],
  ...["request_id", "result", "error", "value", "alert_name", "condition", "components", "for_seconds", "notification_channels"],
  ...["duration_seconds", "allowed_operations", "__proto__", "toString"],
];
const QUERIES = ["component", "capability", "status", "version", "limit", "offset", "since", "start", "end", "max", "visibility", "prefix"];
const BROKEN = [
  "{",
  "",
  "[1]",
  '"text"',
  "nul",
  '{"a":1,}',
  "{'a':1}",
  '{"a":\u0000}',
  "\ufeff{}",
  '{"a":1}{"b":2}',
  '{"a":01}',
  "{a:1}",
  "[".repeat(50_000),
];

/** All that server.ts knows, with something in the place of what is variable. */
function findRoutes(): { method: string; path: string }[] {
  const folder = `${import.meta.dir}/../../../services/conductor/api`;
  const files = [...new Bun.Glob("*.ts").scanSync(folder)];
  const texts = files.map((file) => readFileSync(`${folder}/${file}`, "utf8"));
  const lines = texts.flatMap((text) => [...text.matchAll(/"(\/[^"]*)": (\{ (?:GET|POST|PUT|DELETE|ANY)\b.*)/g)]);
  return lines.flatMap(([, path = "", methods = ""]) =>
    [...methods.matchAll(/\b(GET|POST|PUT|DELETE|ANY): \{/g)].map(([, method = ""]) => ({
      method: method === "ANY" ? "PATCH" : method,
      path,
    })),
  );
}

function makeBody(random: Random): string {
  if (random.upTo(8) === 0) return random.pick(BROKEN);
  const fields = Array.from({ length: 1 + random.upTo(6) }, () => `${JSON.stringify(random.pick(FIELDS))}:${random.pick(VALUES)}`);
  // what a route wants first, so that more is looked at than that
  const known =
    random.upTo(2) === 0
      ? [`"component":"hub","port":4001,"component_id":"hub-001","to":"hub","event_type":"a","request_type":"ping"`]
      : [];
  return `{${[...known, ...fields].join(",")}}`;
}

function makePath(random: Random, path: string): string {
  const part = random.pick(["hub", "hub-001", "%00", "%ff", "..%2f..%2fx", "__proto__", "a%0d%0ab", "x".repeat(600), "%", "é"]);
  const query = random.upTo(2) === 0 ? `?${random.pick(QUERIES)}=${encodeURIComponent(String(random.pick(VALUES)).slice(0, 300))}` : "";
  return path.replace(/:\w+|\*/, part) + query;
}

describeOnBoth(`bad input (HARBOR_TEST_SEED=${SEED})`, () => {
  test("of every kind, to every route: refused in words, and all goes on", async () => {
    const server = await start({ settings: { requestsPerSecond: 0, routeTimeoutMs: 1_000 } });
    const routes = findRoutes();
    expect(routes.length).toBeGreaterThan(30);
    await server.register("hub");
    const random = seededRandom(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const { method, path } = random.pick(routes);
      const target = makePath(random, path);
      const body = method === "GET" ? undefined : makeBody(random);
      const headers = {
        authorization: `Bearer ${TOKEN}`,
        ...(random.upTo(4) === 0 && { "if-match": random.pick(['"x"', "*", '"99999999999999999999"']) }),
      };
      const answer = await fetch(server.url + target, {
        method,
        headers,
        signal: AbortSignal.timeout(10_000),
        ...(body !== undefined && { body }),
      });
      const what = `${method} ${target} ${body?.slice(0, 300)}`;
      expect({ what, isDefect: answer.status === 500 }).toEqual({ what, isDefect: false });
      // a stream of events does not end by itself
      if (answer.headers.get("content-type")?.includes("event-stream")) await answer.body?.cancel();
      else expect(await answer.text()).not.toMatch(/\.ts:\d|\bat \w+ \(/);
    }
    expect(server.problems).toEqual([]);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
    // whatever was accepted can be read again
    for (const path of [
      "/services",
      "/dashboard",
      "/metrics",
      "/metrics/prometheus",
      "/state?limit=1000",
      "/events?limit=1000",
      "/alerts",
      "/queue/dead-letters",
    ]) {
      expect({ path, status: (await server.ask("GET", path)).status }).toEqual({ path, status: 200 });
    }
  }, 60_000);

  test("a body that is nested by the thousand is refused, and nothing of it is kept", async () => {
    const server = await start();
    await server.register("hub");
    const nest = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    const refused = { status: 400, body: { error: { code: "invalid_json", limit: 128 } } };
    for (const [method, path, body] of [
      ["PUT", "/state/x", `{"value":${nest(400_000)}}`],
      ["POST", "/queue/send", `{"to":"hub","payload":${nest(128)}}`],
      ["POST", "/events/publish", `{"event_type":"a","data":${'{"a":'.repeat(200)}1${"}".repeat(200)}}`],
    ] as const) {
      expect(await server.ask(method, path, { body })).toMatchObject(refused);
    }
    expect((await server.ask("PUT", "/state/x", { body: `{"value":${nest(127)}}` })).status).toBe(200);
    // brackets in texts are none
    expect((await server.ask("PUT", "/state/y", { body: { value: `${'[{\\"'.repeat(1_000)}\\` } })).status).toBe(200);
    expect((await server.ask("GET", "/state")).body.entries).toHaveLength(2);
  });

  test("dots in a path lead nowhere else, least of all past the rules", async () => {
    const server = await start();
    const hub = await server.register("hub");
    await server.ask("POST", "/access-control", { body: { from: "hub", to: ["*"], allowed_operations: ["state-read"] } });
    const headers = `Host: x\r\nAuthorization: Bearer ${hub.token}\r\nConnection: close\r\n`;
    const body = '{"value":1}';
    for (const path of ["/state/x", "/state/../health/secret", "/state/%2e%2e/heartbeat", "/state/a/../../deregister/b"]) {
      const { status } = await sendRaw(server.port, `PUT ${path} HTTP/1.1\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`);
      expect({ path, isRefused: [400, 403, 404, 405].includes(status) }).toEqual({ path, isRefused: true });
    }
    for (const path of ["/route/../services", "/route/hub/../../services", "/services/..", "/state/../services"]) {
      const { text } = await sendRaw(server.port, `GET ${path} HTTP/1.1\r\n${WHO}Connection: close\r\n\r\n`, /\}$/);
      expect({ path, text: text.slice(-2_000) }).not.toMatchObject({ text: expect.stringContaining('"total"') });
    }
    expect((await server.ask("GET", "/state")).body.entries).toEqual([]);
  });

  test("registering twice: the old token is no longer good, and what was opened with it ends", async () => {
    const server = await start();
    const first = await server.register("hub");
    const as = { authorization: `Bearer ${first.token}` };
    const paths = ["/events/subscribe", "/services?watch=true", "/state?watch=true", "/dashboard?watch=true", "/requests/listen"];
    const streams = await Promise.all(paths.map((path) => server.open(path, as)));
    const second = await server.register("hub");
    for (const stream of streams) {
      const last = await until(async () => {
        const event = await stream.next();
        return event?.event === "conductor-replaced" && event;
      }, "it is told");
      expect(last.data).toEqual({ component_id: "hub-001", reason: "it has registered again" });
      expect(await stream.next()).toBeUndefined();
    }
    expect((await server.ask("GET", "/services", { token: first.token })).body.error.code).toBe("unknown_token");
    const next = await server.open("/events/subscribe?event_type=a", { authorization: `Bearer ${second.token}` });
    await server.ask("POST", "/events/publish", { token: second.token, body: { event_type: "a" } });
    expect((await next.next())?.event).toBe("a");
    await next.close();
  });
});

/** A component that remembers what came to it, byte for byte. */
async function useRecorder(server: Harness): Promise<{ received: () => string } & Disposable> {
  let received = "";
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, chunk) {
        received += chunk.toString();
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
      },
    },
  });
  await server.register("echo", { port: listener.port });
  return { received: () => received, [Symbol.dispose]: () => listener.stop(true) };
}

test.each([
  ["two lengths", "POST /route/echo/a", "Content-Length: 1\r\nContent-Length: 60\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"],
  [
    "a length and chunks",
    "POST /route/echo/a",
    "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
  ],
  ["two encodings", "POST /route/echo/a", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"],
  ["an encoding that is none", "POST /route/echo/a", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
  ["a space before the colon", "POST /route/echo/a", "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc"],
  ["a negative length", "POST /route/echo/a", "Content-Length: -1\r\n\r\n"],
  ["a length beyond all numbers", "POST /route/echo/a", "Content-Length: 99999999999999999999\r\n\r\n"],
  ["chunks of no size", "POST /route/echo/a", "Transfer-Encoding: chunked\r\n\r\nzz\r\nGET /smuggled HTTP/1.1\r\n\r\n"],
  ["a NUL in a header", "GET /route/echo/a", "X-A: a\0b\r\n\r\n"],
  ["headers of 40 kB", "GET /route/echo/a", `X-A: ${"a".repeat(40_000)}\r\n\r\n`],
  ["three hundred headers", "GET /route/echo/a", `${Array.from({ length: 300 }, (_, n) => `X-${n}: a\r\n`).join("")}\r\n`],
])("%s: refused, and no request of its own to anybody", async (_, line, rest) => {
  const server = await start();
  using recorder = await useRecorder(server);
  const { status } = await sendRaw(server.port, `${line} HTTP/1.1\r\n${WHO}${rest}`);
  expect([400, 431]).toContain(status);
  expect((await server.ask("GET", "/route/echo/after")).body).toBe("ok");
  expect(recorder.received()).toContain("GET /after HTTP/1.1\r\n");
  expect(recorder.received()).not.toContain("smuggled");
});

test("headers that would speak for the conductor do not pass", async () => {
  const server = await start();
  using recorder = await useRecorder(server);
  const ours = "Connection: close, x-harbor-from, via\r\nX-Harbor-From: evil-001\r\nTE: trailers\r\nProxy-Authorization: Basic eDp5\r\n";
  expect((await sendRaw(server.port, `GET /route/echo/%0d%0aX-Evil:%201 HTTP/1.1\r\n${WHO}${ours}\r\n`)).status).toBe(200);
  const received = recorder.received();
  expect(received).toStartWith("GET /%0d%0aX-Evil:%201 HTTP/1.1\r\n");
  expect(received.match(/^x-harbor-from: .*$/gim)).toEqual(["x-harbor-from: operator"]);
  expect(received).not.toMatch(/^(authorization|te|proxy-authorization|x-evil):/im);
});

test("hundreds that send a byte now and then keep nobody else waiting: bodies are ended, memory is bounded", async () => {
  const server = await start({ idleSeconds: 1 });
  const hub = await server.register("hub");
  let closed = 0;
  const sockets = await Promise.all(
    Array.from({ length: 400 }, async (_, index) => {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data() {}, close: () => void closed++ } });
      const isBody = index % 2 === 0;
      socket.write(
        `POST /heartbeat HTTP/1.1\r\nHost: x\r\n${isBody ? `Authorization: Bearer ${TOKEN}\r\nContent-Length: 900000\r\n\r\n{` : "X-Slow: "}`,
      );
      return socket;
    }),
  );
  const timer = setInterval(() => {
    for (const socket of sockets) socket.write("x");
  }, 300);
  let slowest = 0;
  try {
    await until(
      async () => {
        const since = performance.now();
        expect((await server.beat(hub)).status).toBe(200);
        slowest = Math.max(slowest, performance.now() - since);
        return closed >= 200;
      },
      "all bodies are ended",
      20_000,
    );
  } finally {
    clearInterval(timer);
    for (const socket of sockets) socket.terminate();
  }
  expect(slowest).toBeLessThan(1_000);
  expect(server.problems).toEqual([]);
}, 30_000);

test.skipIf(process.platform !== "linux")(
  "a program under slow and large requests stays small",
  async () => {
    const program = await programs({ HARBOR_CONDUCTOR_DATA: makeFolder() }).start();
    const memory = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.pid}/status`, "utf8"))?.[1]) * 1_024;
    const before = memory();
    const head = `POST /heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PROGRAM_TOKEN}\r\nContent-Length: 1000000\r\n\r\n`;
    const sockets = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const socket = await Bun.connect({ hostname: "127.0.0.1", port: program.port, socket: { data() {} } });
        socket.write(head + "x".repeat(10_000));
        return socket;
      }),
    );
    // more than is taken: refused by its length, or on the way
    for (let count = 0; count < 20; count++) {
      const body = new Blob(["x".repeat(3_000_000)]);
      const answer = await fetch(`${program.url}/state/x`, {
        method: "PUT",
        headers: { authorization: `Bearer ${PROGRAM_TOKEN}` },
        body: count % 2 === 0 ? body : body.stream(),
      }).catch(() => undefined);
      expect(answer?.status ?? 413).toBe(413);
    }
    expect((await program.ask("GET", "/health")).status).toBe(200);
    expect(memory() - before).toBeLessThan(150_000_000);
    for (const socket of sockets) socket.terminate();
  },
  30_000,
);
