import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { findProcess, type NativeProcess } from "../../../routines/native/list-processes.ts";
import {
  findIntruder,
  isEvent,
  nextPauseMs,
  type ProbeKind,
  type ProbeQuestion,
  probeKind,
  probeOnce,
  probeProcess,
  targetOf,
} from "../../../routines/native/probe-process.ts";
import { startProcess } from "../../../routines/native/start-process.ts";
import { stopProcess } from "../../../routines/native/stop-process.ts";
import { waitReady } from "../../../routines/native/wait-ready.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { cleanFixture, type Fixture, makeFixture, READY } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  await cleanFixture(fixture);
});

const seen = (): NativeProcess => findProcess({ handle: "sample", stateDirectory: fixture.directory }) as NativeProcess;

test("is what the contract's question gets for an answer, now", async () => {
  const code = `let status = 200;
process.on("SIGUSR1", () => { status = 503; });
Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => new Response("", { status }) });`;
  const ready = { ...READY, http: "/health" };
  const spec = fixture.spec(["bun", "-e", code], { ready });
  const started = await startProcess({ spec, stateDirectory: fixture.directory });
  await waitReady({ started, ready });
  expect(await probeProcess(seen())).toEqual({ health: "healthy" });
  process.kill(started.record.pid, "SIGUSR1");
  let answer = await probeProcess(seen());
  while (answer.health === "healthy") answer = await probeProcess(seen());
  expect(answer).toEqual({ health: "unhealthy", reason: `GET http://127.0.0.1:${spec.port}/health answered 503` });
  process.kill(started.record.pid, "SIGKILL");
  await until(() => seen().state === "exited", "the process ends");
  expect(await probeProcess(seen())).toEqual({ health: "unhealthy", reason: `process ${started.record.pid} has ended` });
});

const NONE = { probe_timeout: "2s" };
const kinds: [ProbeKind, ProbeQuestion, boolean][] = [
  ["http", { ...NONE, http: "/" }, false],
  ["tcp", NONE, false],
  ["exec", { ...NONE, exec: ["true"] }, false],
  ["log", { ...NONE, log: "ready" }, true],
  ["notify", { ...NONE, notify: true }, true],
];
test.each(kinds)("%s", async (kind, question, isSaid) => {
  expect([probeKind(question), isEvent(question)]).toEqual([kind, isSaid]);
  if (isSaid) expect(await probeOnce(question, { handle: "sample", port: freePort(), cwd: "/", env: {} })).toEqual({ ok: true });
});

describe("a connection", () => {
  const target = { handle: "sample", cwd: "/", env: {} };

  test("is an answer by itself, at whatever address", async () => {
    using server = Bun.listen({ hostname: "127.0.0.2", port: 0, socket: { data() {} } });
    const { port } = server;
    expect(await probeOnce(NONE, { ...target, port, address: "127.0.0.2" })).toEqual({ ok: true });
    expect(await probeOnce(NONE, { ...target, port })).toEqual({ ok: false, reason: `port ${port}: nothing listens yet` });
  });

  test("is seen by the server as one that was closed, not broken", async () => {
    const ends: unknown[] = [];
    using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {}, close: (_, error) => void ends.push(error) } });
    await probeOnce(NONE, { ...target, port: server.port });
    await until(() => ends.length === 1, "it is closed");
    expect(ends).toEqual([undefined]);
  });

  test("has no meaning for a process without a port", async () => {
    expect(await probeOnce(NONE, target)).toEqual({ ok: true });
  });

  test("to another process that has the port is none", async () => {
    const started = await startProcess({ spec: fixture.spec(["sleep", "600"]), stateDirectory: fixture.directory });
    const { record } = started;
    let looks = 0;
    const asked = { ...targetOf(record), findIntruder: () => findIntruder(record) };
    expect(await probeOnce(NONE, { ...asked, findIntruder: () => String(looks++) })).toMatchObject({ ok: false });
    expect(looks).toBe(0);
    using _ = Bun.serve({ hostname: "127.0.0.1", port: record.port, fetch: () => new Response() });
    for (const question of [NONE, { ...NONE, http: "/" }]) {
      expect(await probeOnce(question, targetOf(record))).toEqual({ ok: true });
      expect(await probeOnce(question, asked)).toEqual({
        ok: false,
        reason: expect.stringMatching(new RegExp(`^on port ${record.port} answers pid ${process.pid} \\(.*\\) instead$`)),
      });
    }
  });
});

test("the pause between attempts is short at first, grows with the start, and has an end", () => {
  expect([0, 100, 2_000, 5_000, 60_000].map((elapsedMs) => nextPauseMs(elapsedMs, 200))).toEqual([20, 20, 20, 50, 200]);
  expect(nextPauseMs(0, 5)).toBe(5);
});

test("a program of the contract's is run in the service's own environment", async () => {
  const ready = { ...READY, exec: ["sh", "-c", 'test "$WORD" = heard || { echo "WORD is $WORD"; exit 1; }'] };
  for (const [WORD, health] of [
    ["heard", { health: "healthy" }],
    ["lost", { health: "unhealthy", reason: "probe sh ended with exit code 1: WORD is lost" }],
  ] as const) {
    const spec = fixture.spec(["sleep", "600"], { ready, env: { WORD } });
    await startProcess({ spec, stateDirectory: fixture.directory });
    expect(await probeProcess(seen())).toEqual(health);
    await stopProcess({ handle: "sample", stateDirectory: fixture.directory });
  }
});
