import { describe, expect, test } from "bun:test";
import { identifyProcess, isAlive, isDead, parseProcStat, parsePsLine, readProcess } from "../../../routines/_script/process-identity.ts";

describe("identifyProcess", () => {
  test("names this process the same each time", () => {
    const identity = identifyProcess(process.pid);
    expect(identity).toEqual(identifyProcess(process.pid));
    expect(identity).toMatchObject({ pid: process.pid, startTime: expect.stringMatching(/./), bootId: expect.stringMatching(/./) });
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 30])("knows no process %p", (pid) => {
    expect(identifyProcess(pid)).toBeUndefined();
  });
});

describe("isAlive", () => {
  test("holds for a process until it ends", async () => {
    const child = Bun.spawn(["sleep", "60"]);
    const identity = identifyProcess(child.pid);
    if (identity === undefined) throw new Error("no identity");
    expect(isAlive(identity)).toBe(true);
    child.kill();
    await child.exited;
    expect(isAlive(identity)).toBe(false);
  });

  test("does not hold for another process with that pid, nor across a boot", () => {
    const identity = identifyProcess(process.pid);
    if (identity === undefined) throw new Error("no identity");
    expect(isAlive(identity)).toBe(true);
    expect(isAlive({ ...identity, startTime: `${identity.startTime}0` })).toBe(false);
    expect(isAlive({ ...identity, bootId: "another" })).toBe(false);
  });
});

describe("readProcess", () => {
  test("knows parent, group and session", () => {
    expect(readProcess(process.pid)).toMatchObject({ pid: process.pid, parent: process.ppid });
  });

  test.skipIf(process.platform !== "linux")("takes a zombie for dead, though it still has an identity", async () => {
    // sh starts a child and becomes a sleep that never reaps it
    const parent = Bun.spawn(["sh", "-c", "sh -c 'echo $$' & exec sleep 60"], { stdout: "pipe" });
    const reader = parent.stdout.getReader();
    const pid = Number(new TextDecoder().decode((await reader.read()).value));
    while (readProcess(pid) !== undefined) await Bun.sleep(2);
    expect(identifyProcess(pid)).toMatchObject({ pid });
    parent.kill();
    await parent.exited;
  });
});

test.each([
  ["one that runs", { state: "S", threads: 3 }, false],
  ["a zombie", { state: "Z", threads: 1 }, true],
  ["a zombie as ps shows it", { state: "Z+" }, true],
  ["one of which only the first thread has ended", { state: "Z", threads: 2 }, false],
])("isDead() of %s", (_, entry, expected) => {
  expect(isDead({ pid: 1, parent: 0, group: 1, session: 1, startTime: "1", ...entry })).toBe(expected);
});

describe("parseProcStat", () => {
  test("is not misled by the program's name", () => {
    const text = "42 (a) S 1 (b c) R 7 8 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 183743 180224 0";
    expect(parseProcStat(text)).toEqual({ pid: 42, parent: 7, group: 8, session: 9, state: "R", threads: 1, startTime: "183743" });
  });

  test("is undefined for a broken text", () => {
    expect(parseProcStat("")).toBeUndefined();
  });
});

describe("parsePsLine", () => {
  test("reads the columns of ps, the group standing for the session", () => {
    const entry = parsePsLine("  501   1 501 Ss+  Sat Nov 21 11:24:44 2026    ");
    expect(entry).toEqual({ pid: 501, parent: 1, group: 501, session: 501, state: "Ss+", startTime: "Sat Nov 21 11:24:44 2026" });
  });

  test("is undefined where ps found nothing", () => {
    expect(parsePsLine("")).toBeUndefined();
  });
});
