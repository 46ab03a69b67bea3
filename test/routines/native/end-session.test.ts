import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readProcess } from "../../../routines/_script/process-identity.ts";
import { listListeners } from "../../../routines/host/read-listeners.ts";
import { type EndedSession, type EndSessionOptions, endSession } from "../../../routines/native/end-session.ts";
import type { ProcessRecord } from "../../../routines/native/start-process.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { cleanFixture, type Fixture, listOwned, makeFixture, shell } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  expect(await cleanFixture(fixture)).toEqual([]);
});

/** Started, and all of its `count` processes there. */
async function start(script: string, count: number): Promise<ProcessRecord> {
  const { record } = await fixture.start(fixture.spec(shell(script), { stop: { signal: "SIGTERM", grace: "300ms" } }));
  await until(() => listOwned(fixture.owner).length === count, `${count} processes`);
  return record;
}

const stop = (record: ProcessRecord, more: Partial<EndSessionOptions> = {}): Promise<EndedSession> => endSession({ record, ...more });
const said = (): string => readFileSync(join(fixture.directory, "native", "sample", "spool", "1.out"), "utf8");

describe("endSession", () => {
  test("ends a process and its children by the contract's signal", async () => {
    const record = await start('trap "echo asked; kill %1; exit 0" TERM; sleep 60 & echo up; wait', 2);
    await until(() => said() === "up\n", "its start");
    expect(await stop(record)).toEqual({ count: 2, wasKilled: false });
    expect(said()).toContain("asked");
  });

  test("kills after the grace what ignores the signal", async () => {
    const record = await start('trap "" TERM; sleep 60 & sleep 60 & wait', 3);
    const startMs = performance.now();
    expect(await stop(record)).toEqual({ count: 3, wasKilled: true });
    expect(performance.now() - startMs).toBeGreaterThan(290);
  });

  test("does not wait for the grace once it is interrupted, and kills nothing then: another goes on with it", async () => {
    const record = await start('trap "echo asked" TERM; echo up; while :; do sleep 0.01; done', 2);
    await until(() => said() === "up\n", "its start");
    const controller = new AbortController();
    const stopping = stop(record, { graceMs: 60_000, signal: controller.signal }).catch((error: unknown) => error);
    await until(() => said().includes("asked"), "the signal");
    controller.abort();
    expect(await stopping).toMatchObject({ exit: "interrupted" });
    expect(readProcess(record.pid)?.startTime).toBe(record.startTime);
    expect(await stop(record)).toMatchObject({ wasKilled: true });
  });

  test("ends a child that outlives its leader, which ends on SIGTERM", async () => {
    const record = await start(`trap "exit 0" TERM; sh -c 'trap "" TERM; sleep 60; sleep 60' & while :; do sleep 0.01; done`, 4);
    expect(await stop(record)).toMatchObject({ wasKilled: true });
  });

  const escapes: [string, string][] = [
    ["a child in a group of its own", "set -m; sleep 60 & wait"],
    ["a child in a session of its own", `${process.execPath} -e 'Bun.spawn(["sleep", "60"], { detached: true }).unref()' & sleep 60`],
    ["a child without the mark in a group of its own", "set -m; env -u HARBOR_NATIVE sleep 60 & wait"],
  ];
  test.each(escapes)("ends %s", async (_, script) => {
    const record = await start(script, script.includes("detached") ? 3 : 2);
    await stop(record);
    expect(listOwned(fixture.owner)).toEqual([]);
  });

  test("ends the children of a leader that is gone", async () => {
    const record = await start("sleep 60 & exec sleep 60", 2);
    process.kill(record.pid, "SIGKILL");
    await until(() => listOwned(fixture.owner).length === 1, "the leader's end");
    expect(await stop(record)).toMatchObject({ count: 1 });
  });

  test("ends by its mark alone what nobody could note the pid of", async () => {
    const { handle, mark, stop: how } = await start("sleep 60 & exec sleep 60", 2);
    expect(await endSession({ record: { handle, mark, stop: how } })).toEqual({ count: 2, wasKilled: false });
  });

  test("wakes a stopped process so that it can end", async () => {
    const record = await start("exec sleep 60", 1);
    process.kill(record.pid, "SIGSTOP");
    expect(await stop(record, { graceMs: 5_000 })).toMatchObject({ wasKilled: false });
  });

  const strangers: [string, Partial<ProcessRecord>][] = [
    ["start time", { startTime: "1", mark: "other" }],
    ["boot", { bootId: "another-boot" }],
  ];
  test.each(strangers)("leaves a process with the same pid but another %s alone", async (_, difference) => {
    const record = await start("exec sleep 60", 1);
    expect(await stop({ ...record, ...difference })).toEqual({ count: 0, wasKilled: false });
    expect(listOwned(fixture.owner)).toEqual([record.pid]);
    await stop(record);
  });

  const redis = Bun.which("redis-server");

  describe.skipIf(redis === null || process.platform !== "linux")("what went to the background under a title of its own", () => {
    const daemon = (port: number): string[] => [
      "redis-server",
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--daemonize",
      "yes",
    ];

    test("is ended though it carries no mark any more, also where it listens only later", async () => {
      const port = freePort();
      const { record, exited } = await fixture.start(fixture.spec(daemon(port), { port }));
      await exited;
      expect(await stop(record, { mayBeDaemon: true })).toEqual({ count: 1, wasKilled: false });
      expect(listListeners(new Set([port]))).toEqual([]);
    });

    test("is left alone where it has another port: it is another service's", async () => {
      const port = freePort();
      const { record } = await fixture.start(fixture.spec(shell("exec sleep 60")));
      const other = Bun.spawn([redis ?? "", "--port", String(port), "--bind", "127.0.0.1", "--save", ""], {
        cwd: fixture.directory,
        detached: true,
        stdout: "ignore",
      });
      await until(() => listListeners(new Set([port])).length === 1, "the other redis");
      expect(await stop(record, { mayBeDaemon: true })).toEqual({ count: 1, wasKilled: false });
      expect(other.exitCode).toBeNull();
      other.kill();
      await other.exited;
    });
  });

  test("is fine with what has ended, and with what several end at once", async () => {
    const record = await start("exec sleep 60", 1);
    await Promise.all([stop(record), stop(record), stop(record)]);
    expect(await stop(record)).toEqual({ count: 0, wasKilled: false });
  });
});
