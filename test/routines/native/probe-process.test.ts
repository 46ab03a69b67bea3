import { afterEach, beforeEach, expect, test } from "bun:test";
import { findProcess, type NativeProcess } from "../../../routines/native/list-processes.ts";
import { probeProcess } from "../../../routines/native/probe-process.ts";
import { startProcess } from "../../../routines/native/start-process.ts";
import { waitReady } from "../../../routines/native/wait-ready.ts";
import { until } from "../../_until.ts";
import { cleanFixture, type Fixture, LIFE, makeFixture } from "./_fixture.ts";

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
  const ready = { ...LIFE.ready, http: "/health" };
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
