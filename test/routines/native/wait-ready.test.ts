import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { startProcess } from "../../../routines/native/start-process.ts";
import { stopProcess } from "../../../routines/native/stop-process.ts";
import { type WaitReadyOptions, waitReady } from "../../../routines/native/wait-ready.ts";
import { freePort } from "../../_ports.ts";
import { cleanFixture, type Fixture, makeFixture, READY, server, shell } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  await stopProcess({ handle: "sample", stateDirectory: fixture.directory, graceMs: 1_000 });
  expect(await cleanFixture(fixture)).toEqual([]);
});

const HTTP = { ...READY, http: "/health" };
const TCP = READY;

async function run(argv: string[], more: Partial<WaitReadyOptions> = {}, spec: Partial<NativeSpec> = {}) {
  const started = await startProcess({ spec: fixture.spec(argv, spec), stateDirectory: fixture.directory });
  return waitReady({ started, ready: HTTP, ...more });
}

/** The error that a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<HarborError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HarborError)) throw new Error(`no HarborError: ${String(error)}`);
  return error;
}

describe("waitReady", () => {
  test.each([
    ["http", HTTP],
    ["tcp", TCP],
  ])("returns once it answers over %s", async (_, ready) => {
    expect(await run(server(), { ready })).toMatchObject({ handle: "sample" });
  });

  test("looks for the line of its log that says so, of this start only", async () => {
    const ready = { ...READY, log: "^up at \\d+$" };
    const error = await failure(run(shell("echo up at; exec sleep 60"), { ready, timeoutMs: 100 }));
    expect(error.message).toEndWith("no line of its log matches /^up at \\d+$/");
    await stopProcess({ handle: "sample", stateDirectory: fixture.directory });
    expect(await run(shell("echo up at 7; exec sleep 60"), { ready })).toMatchObject({ handle: "sample" });
  });

  test("waits for a slow one, whatever it answers before", async () => {
    const code = `let count = 0; Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => new Response("", { status: ++count < 4 ? 503 : 200 }) })`;
    expect(await run(["bun", "-e", `await Bun.sleep(150); ${code}`])).toMatchObject({ handle: "sample" });
  });

  test("asks loopback itself, whatever HTTP_PROXY says", async () => {
    const started = await startProcess({ spec: fixture.spec(server()), stateDirectory: fixture.directory });
    const routine = join(import.meta.dir, "../../../routines/native/wait-ready.ts");
    const env = { ...process.env, HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" };
    const command = Bun.spawn([process.execPath, routine, "sample", "--state", fixture.directory, "--http", "/", "--timeout", "5s"], {
      env,
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await new Response(command.stdout).text()).toStartWith("sample\tready after");
    expect(await command.exited).toBe(0);
    expect(started.isNew).toBe(true);
  });

  test("shows code and log of one that ends too early, of this start only", async () => {
    await failure(run(shell("echo earlier; exit 1")));
    const error = await failure(run(shell("for i in $(seq 30); do echo line $i; done; exit 7")));
    expect(error.message).toBe('Cannot start "sample": its process ended with exit code 7 before it was ready');
    expect(error.exit).toBe("failed");
    expect(error.details).toHaveLength(20);
    expect(error.details.at(-1)).toBe("line 30");
    const other = await failure(run(shell("kill -9 $$")));
    expect(other.message).toContain("ended by SIGKILL");
    expect(other.details).toEqual([]);
  });

  test("has a guess about one that ends without an error", async () => {
    expect((await failure(run(shell("sleep 60 & exit 0")))).hint).toContain("must stay in the foreground");
  });

  test("says at once that one ended, long before the timeout", async () => {
    const startMs = performance.now();
    await failure(run(shell("exit 3"), { ready: { ...HTTP, timeout: "60s", start_interval: "30s" } }));
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  test("sees the end of one that another command started", async () => {
    const { record } = await startProcess({ spec: fixture.spec(shell("exit 3")), stateDirectory: fixture.directory });
    const error = await failure(waitReady({ started: { record }, ready: HTTP }));
    expect(error.message).toBe('Cannot start "sample": its process ended before it was ready');
  });

  test("times out with what it saw last when nothing listens", async () => {
    const error = await failure(run(shell("exec sleep 60"), { timeoutMs: 100 }));
    expect(error.message).toMatch(
      /^Cannot start "sample": not ready within 0.1 s; GET http:\/\/127.0.0.1:\d+\/health: nothing listens yet$/,
    );
    expect(error.exit).toBe("timeout");
    expect(error.hint).toStartWith("It wrote nothing to its log");
  });

  const listen = (socket: string): string =>
    `Bun.listen({ hostname: "127.0.0.1", port: Number(process.env.PORT), socket: { data(s) { ${socket} } } })`;
  const answers: [string, string, RegExp][] = [
    ["answers 500", server()[2]?.replace('"ok"', '"", { status: 500 }') ?? "", /; GET .* answered 500$/],
    ["never answers", listen(""), /did not answer within \d+ ms$/],
    ["hangs up", listen("s.end()"), /closed without an answer$/],
    ["speaks no HTTP", listen('s.write("hello\\n")'), /but not in HTTP$/],
  ];
  test.each(answers)("times out with what it saw last when it %s", async (_, code, message) => {
    const started = await startProcess({
      spec: fixture.spec(["bun", "-e", `console.log("hello"); ${code}`]),
      stateDirectory: fixture.directory,
    });
    await waitReady({ started, ready: TCP });
    const error = await failure(waitReady({ started, ready: HTTP, timeoutMs: 100 }));
    expect(error.message).toMatch(message);
    expect(error.exit).toBe("timeout");
    expect(error.details).toEqual(["hello"]);
  });

  test("ends at once when it is interrupted", async () => {
    const abort = new AbortController();
    const started = await startProcess({ spec: fixture.spec(shell("sleep 60")), stateDirectory: fixture.directory });
    const waiting = failure(waitReady({ started, ready: { ...HTTP, start_interval: "30s" }, signal: abort.signal }));
    abort.abort();
    expect((await waiting).exit).toBe("interrupted");
  });

  test("does not take another's answer for its own", async () => {
    const port = freePort();
    const started = await startProcess({ spec: fixture.spec(shell("exec sleep 60"), { port }), stateDirectory: fixture.directory });
    using _ = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response("not me") });
    const error = await failure(waitReady({ started, ready: HTTP }));
    expect(error.message).toStartWith(`Cannot start "sample": on port ${port} answers pid ${process.pid}`);
  });

  test("takes the answer of a child for that of its service", async () => {
    const script = `${process.execPath} -e 'Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => new Response() })' & wait`;
    expect(await run(shell(script))).toMatchObject({ handle: "sample" });
  });

  test("works for a real server", async () => {
    if (Bun.which("redis-server") === null) throw new Error("this test needs redis-server: apt-get install redis-server");
    const port = freePort();
    const argv = ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", ""];
    expect(await run(argv, { ready: TCP }, { port })).toMatchObject({ handle: "sample" });
  });
});
