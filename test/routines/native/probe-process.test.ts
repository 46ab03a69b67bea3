import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { READY } from "../../../routines/native/_defaults.ts";
import {
  findIntruder,
  isEvent,
  type ProbeKind,
  type ProbeQuestion,
  probeKind,
  probeOnce,
  probeProcess,
  targetOf,
} from "../../../routines/native/probe-process.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { cleanFixture, end, type Fixture, makeFixture } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  expect(await cleanFixture(fixture)).toEqual([]);
});

test("is what the contract's question gets for an answer, now", async () => {
  const code = `let status = 200;
process.on("SIGUSR1", () => { status = 503; });
Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => new Response("", { status }) });`;
  const spec = fixture.spec(["bun", "-e", code], { ready: { ...READY, http: "/health" } });
  const { record, exited } = await fixture.start(spec);
  await until(async () => (await probeProcess(record)).health === "healthy", "its first answer");
  process.kill(record.pid, "SIGUSR1");
  let answer = await probeProcess(record);
  while (answer.health === "healthy") answer = await probeProcess(record);
  expect(answer).toEqual({ health: "unhealthy", reason: `GET http://127.0.0.1:${spec.port}/health answered 503` });
  process.kill(record.pid, "SIGKILL");
  await exited;
  expect(await probeProcess(record)).toEqual({ health: "unhealthy", reason: `process ${record.pid} has ended` });
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
    const started = await fixture.start(fixture.spec(["sleep", "600"]));
    const { record } = started;
    let looks = 0;
    const asked = { ...targetOf(record), findIntruder: () => findIntruder(record) };
    expect(await probeOnce(NONE, { ...asked, findIntruder: () => String(looks++) })).toMatchObject({ ok: false });
    expect(looks).toBe(0);
    using _ = Bun.serve({ hostname: "127.0.0.1", port: record.port ?? 0, fetch: () => new Response() });
    for (const question of [NONE, { ...NONE, http: "/" }]) {
      expect(await probeOnce(question, targetOf(record))).toEqual({ ok: true });
      expect(await probeOnce(question, asked)).toEqual({
        ok: false,
        reason: expect.stringMatching(new RegExp(`^on port ${record.port} answers pid ${process.pid} \\(.*\\) instead$`)),
      });
    }
    await end(started);
  });
});

test("a program of the contract's is run in the service's own environment", async () => {
  const ready = { ...READY, exec: ["sh", "-c", 'test "$WORD" = heard || { echo "WORD is $WORD"; exit 1; }'] };
  for (const [WORD, health] of [
    ["heard", { health: "healthy" }],
    ["lost", { health: "unhealthy", reason: "probe sh ended with exit code 1: WORD is lost" }],
  ] as const) {
    const spec = fixture.spec(["sleep", "600"], { ready, env: { WORD } });
    const started = await fixture.start(spec);
    expect(await probeProcess(started.record)).toEqual(health);
    await end(started);
  }
});
