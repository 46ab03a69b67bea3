import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lastLines } from "../../../routines/native/read-log.ts";
import type { ProcessRecord } from "../../../routines/native/start-process.ts";
import { startProcess } from "../../../routines/native/start-process.ts";
import { stopProcess } from "../../../routines/native/stop-process.ts";
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
  const spec = fixture.spec(shell(script), { stop: { signal: "SIGTERM", grace: "300ms" } });
  const { record } = await startProcess({ spec, stateDirectory: fixture.directory });
  await until(() => listOwned(fixture.owner).length === count, `${count} processes`);
  return record;
}

const stop = (more: { forget?: boolean; signal?: AbortSignal; graceMs?: number } = {}) =>
  stopProcess({ handle: "sample", stateDirectory: fixture.directory, ...more });
const recordPath = (): string => join(fixture.directory, "native", "sample", "process.json");

describe("stopProcess", () => {
  test("ends a process and its children by the contract's signal", async () => {
    await start('trap "echo asked; kill %1; exit 0" TERM; sleep 60 & echo up; wait', 2);
    const folder = join(fixture.directory, "native", "sample");
    await until(async () => (await lastLines({ folder, lines: 9 })).join() === "up", "its start");
    expect(await stop()).toEqual({ handle: "sample", wasRunning: true, wasKilled: false });
    expect(await lastLines({ folder, lines: 9 })).toContain("asked");
    expect(existsSync(recordPath())).toBe(false);
  });

  test("kills after the grace what ignores the signal", async () => {
    await start('trap "" TERM; sleep 60 & sleep 60 & wait', 3);
    const startMs = performance.now();
    expect(await stop()).toEqual({ handle: "sample", wasRunning: true, wasKilled: true });
    expect(performance.now() - startMs).toBeGreaterThan(290);
  });

  test("does not wait for the grace once it is interrupted", async () => {
    await start('trap "" TERM; sleep 60 & wait', 2);
    const startMs = performance.now();
    expect(await stop({ graceMs: 60_000, signal: AbortSignal.abort() })).toMatchObject({ wasKilled: true });
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  const escapes: [string, string][] = [
    ["a child in a group of its own", "set -m; sleep 60 & wait"],
    ["a child in a session of its own", `${process.execPath} -e 'Bun.spawn(["sleep", "60"], { detached: true }).unref()' & sleep 60`],
    ["a child without the mark in a group of its own", "set -m; env -u HARBOR_NATIVE sleep 60 & wait"],
  ];
  test.each(escapes)("ends %s", async (_, script) => {
    await start(script, script.includes("detached") ? 3 : 2);
    expect(await stop()).toMatchObject({ wasRunning: true });
    expect(listOwned(fixture.owner)).toEqual([]);
  });

  test("ends the children of a leader that is gone", async () => {
    const record = await start("sleep 60 & exec sleep 60", 2);
    process.kill(record.pid, "SIGKILL");
    await until(() => listOwned(fixture.owner).length === 1, "the leader's end");
    expect(await stop()).toMatchObject({ wasRunning: true });
  });

  test("wakes a stopped process so that it can end", async () => {
    const record = await start("exec sleep 60", 1);
    process.kill(record.pid, "SIGSTOP");
    expect(await stop({ graceMs: 5_000 })).toMatchObject({ wasKilled: false });
  });

  const strangers: [string, Partial<ProcessRecord>][] = [
    ["start time", { startTime: "1", mark: "other" }],
    ["boot", { bootId: "another-boot" }],
  ];
  test.each(strangers)("leaves a process with the same pid but another %s alone", async (_, difference) => {
    const record = await start("exec sleep 60", 1);
    writeFileSync(recordPath(), JSON.stringify({ ...record, ...difference }));
    expect(await stop()).toMatchObject({ wasRunning: false });
    expect(listOwned(fixture.owner)).toEqual([record.pid]);
    writeFileSync(recordPath(), JSON.stringify(record));
    await stop();
  });

  test("does nothing twice, and forgets the log when asked", async () => {
    await start("exec sleep 60", 1);
    await stop();
    expect(await stop()).toEqual({ handle: "sample", wasRunning: false, wasKilled: false });
    expect(existsSync(join(fixture.directory, "native", "sample", "spool"))).toBe(true);
    await stop({ forget: true });
    expect(existsSync(join(fixture.directory, "native", "sample"))).toBe(false);
  });

  test("is fine with a handle that was never started", async () => {
    expect(await stop()).toEqual({ handle: "sample", wasRunning: false, wasKilled: false });
  });

  test("several at once stop it once", async () => {
    await start("exec sleep 60", 1);
    const all = await Promise.all([stop(), stop(), stop()]);
    expect(all.filter((one) => one.wasRunning)).toHaveLength(1);
  });

  test("does not touch a record that cannot be read", async () => {
    await start("exec sleep 60", 1);
    const text = readFileSync(recordPath(), "utf8");
    writeFileSync(recordPath(), "{");
    await expect(stop()).rejects.toMatchObject({ at: { file: recordPath() } });
    writeFileSync(recordPath(), text);
    await stop();
  });
});
