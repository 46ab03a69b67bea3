/** Checks of the host, on recorded facts. */
import { describe, expect, test } from "bun:test";
import { type ClockFacts, judgeClock } from "../../../routines/doctor/check-clock.ts";
import { judgeDisk, type PlaceFacts } from "../../../routines/doctor/check-disk.ts";
import { judgeMemory, type MemoryFacts, readMeminfo } from "../../../routines/doctor/check-memory.ts";
import { judgePython, type PythonFacts } from "../../../routines/doctor/check-python.ts";
import { judgeSelinux } from "../../../routines/doctor/check-selinux.ts";
import { isOnWindows, judgeWsl } from "../../../routines/doctor/check-wsl.ts";
import type { State } from "../../../routines/doctor/finding.ts";

describe("judgeDisk", () => {
  const place: PlaceFacts = { what: "data", path: "/d", freeBytes: 50e9, freeFiles: 1e6, isWritable: true };
  test.each<[string, Partial<PlaceFacts>, State]>([
    ["room", {}, "ok"],
    ["a file system without a limit of files", { freeFiles: undefined }, "ok"],
    ["room for no model", { freeBytes: 3e9 }, "warning"],
    ["full", { freeBytes: 200e6 }, "failed"],
    ["no more files", { freeFiles: 12 }, "failed"],
    ["another's folder", { isWritable: false }, "failed"],
  ])("%s", (_, change, state) => {
    expect(judgeDisk([{ ...place, ...change }]).map((it) => it.state)).toEqual([state]);
  });
});

describe("judgeMemory", () => {
  const facts: MemoryFacts = { totalBytes: 16e9, availableBytes: 9e9, machineBytes: undefined };
  test.each<[string, Partial<MemoryFacts>, State[]]>([
    ["enough", {}, ["ok"]],
    ["macOS, which does not tell", { availableBytes: undefined }, ["ok"]],
    ["little", { availableBytes: 700e6 }, ["warning"]],
    ["none", { availableBytes: 90e6 }, ["failed"]],
    ["a small virtual machine", { machineBytes: 2e9 }, ["warning"]],
    ["a large one", { machineBytes: 8e9 }, ["ok"]],
  ])("%s", (_, change, states) => {
    expect(judgeMemory({ ...facts, ...change }).map((it) => it.state)).toEqual(states);
  });

  test("reads /proc/meminfo", () => {
    const text = "MemTotal:       24688000 kB\nMemFree:         100 kB\nMemAvailable:   23330000 kB\n";
    expect(readMeminfo(text)).toEqual({ totalBytes: 24688000 * 1024, availableBytes: 23330000 * 1024 });
    expect(readMeminfo("")).toBeUndefined();
  });
});

describe("judgeWsl", () => {
  const mounts = [
    "/dev/sdc / ext4 rw 0 0",
    "C:\\134 /mnt/c 9p rw,noatime,aname=drvfs;path=C:\\;uid=1000 0 0",
    "drivers /usr/lib/wsl/drivers 9p ro,aname=drivers 0 0",
  ].join("\n");
  const wsl2 = "5.15.153.1-microsoft-standard-WSL2";
  test.each<[string, string, string, string, State]>([
    ["no WSL", "6.1.0-18-amd64", "/home/a/.harbor", "/home/a/.harbor/data", "ok"],
    ["WSL2", wsl2, "/home/a/.harbor", "/home/a/.harbor/data", "ok"],
    ["WSL1", "4.4.0-19041-Microsoft", "/home/a/.harbor", "/home/a/.harbor/data", "failed"],
    ["a home on C:", wsl2, "/mnt/c/Users/a/.harbor", "/mnt/c/Users/a/.harbor/data", "failed"],
    ["data on C:", wsl2, "/home/a/.harbor", "/mnt/c/models", "warning"],
  ])("%s", (_, kernel, home, data, state) => {
    expect(judgeWsl({ kernel, home, data, mounts }).map((it) => it.state)).toEqual([state]);
  });

  test("knows a disk of Windows by its mount", () => {
    expect(isOnWindows("/mnt/c/x", mounts)).toBe(true);
    expect(isOnWindows("/mnt/cc/x", mounts)).toBe(false);
    expect(isOnWindows("/usr/lib/wsl/drivers/x", mounts)).toBe(false);
    expect(isOnWindows("/mnt/d/x", "")).toBe(true);
  });
});

test.each<[boolean, boolean, State]>([
  [false, false, "ok"],
  [true, false, "ok"],
  [true, true, "warning"],
])("judgeSelinux: enforcing %p, used by the engine %p", (isEnforcing, isUsedByEngine, state) => {
  expect(judgeSelinux({ isEnforcing, isUsedByEngine, data: "/d" }).state).toBe(state);
});

test.each<[string, ClockFacts, State]>([
  ["right", { nowMs: Date.UTC(2026, 5, 1), engine: undefined }, "ok"],
  ["before Harbor", { nowMs: 0, engine: undefined }, "failed"],
  ["an engine that slept", { nowMs: Date.UTC(2026, 5, 1), engine: { saidMs: 0, atMs: 3_600_000 } }, "warning"],
  ["an engine within seconds", { nowMs: Date.UTC(2026, 5, 1), engine: { saidMs: 1_000, atMs: 3_000 } }, "ok"],
  ["an engine that says nonsense", { nowMs: Date.UTC(2026, 5, 1), engine: { saidMs: Number.NaN, atMs: 0 } }, "ok"],
])("judgeClock: %s", (_, facts, state) => {
  expect(judgeClock(facts).state).toBe(state);
});

describe("judgePython", () => {
  const facts: PythonFacts = { uv: undefined, pythons: [], needing: ["speaches"], platform: "linux" };
  const python = { path: "/usr/bin/python3", version: "3.11.2", hasVenv: true };
  test.each<[string, Partial<PythonFacts>, State]>([
    ["uv", { uv: "/usr/bin/uv" }, "ok"],
    ["a Python with venv", { pythons: [python] }, "ok"],
    ["a Python without venv", { pythons: [{ ...python, hasVenv: false }] }, "failed"],
    ["nothing", {}, "failed"],
    ["one that cannot be used", { pythons: [{ ...python, problem: "is 2.7, older than 3.8" }] }, "failed"],
    ["nothing that needs one", { pythons: undefined, needing: [] }, "ok"],
  ])("%s", (_, change, state) => {
    expect(judgePython({ ...facts, ...change }).state).toBe(state);
  });
});
