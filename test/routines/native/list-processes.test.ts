import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findProcess, listProcesses } from "../../../routines/native/list-processes.ts";
import { startProcess } from "../../../routines/native/start-process.ts";
import { stopProcess } from "../../../routines/native/stop-process.ts";
import { until } from "../../_until.ts";
import { cleanFixture, type Fixture, makeFixture, shell } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  expect(await cleanFixture(fixture)).toEqual([]);
});

const list = () => listProcesses({ stateDirectory: fixture.directory });

describe("listProcesses", () => {
  test("is empty where nothing was ever started", () => {
    expect(list()).toEqual([]);
  });

  test("tells the running from the ended, by handle, and forgets the stopped", async () => {
    for (const handle of ["b", "a"]) {
      await startProcess({ spec: fixture.spec(shell("exec sleep 60"), { handle }), stateDirectory: fixture.directory });
    }
    mkdirSync(join(fixture.directory, "native", "c"));
    expect(list().map(({ handle, state }) => [handle, state])).toEqual([
      ["a", "running"],
      ["b", "running"],
    ]);
    process.kill(list()[0]?.pid ?? 0, "SIGKILL");
    await until(() => list()[0]?.state === "exited", "the end of a");
    await stopProcess({ handle: "b", stateDirectory: fixture.directory });
    expect(list().map(({ handle, state }) => [handle, state])).toEqual([["a", "exited"]]);
    await stopProcess({ handle: "a", stateDirectory: fixture.directory });
    expect(list()).toEqual([]);
  });
});

describe("findProcess", () => {
  test("finds one, with where it listens and logs", async () => {
    const spec = fixture.spec(shell("exec sleep 60"));
    await startProcess({ spec, stateDirectory: fixture.directory });
    expect(findProcess({ handle: "sample", stateDirectory: fixture.directory })).toMatchObject({
      state: "running",
      port: spec.port,
      logFolder: join(fixture.directory, "native", "sample"),
    });
    await stopProcess({ handle: "sample", stateDirectory: fixture.directory });
    expect(findProcess({ handle: "sample", stateDirectory: fixture.directory })).toBeUndefined();
  });
});
