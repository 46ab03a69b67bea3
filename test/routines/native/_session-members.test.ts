import { describe, expect, test } from "bun:test";
import { type ProcessEntry, readBootId } from "../../../routines/_script/process-identity.ts";
import { findMembers, isUndecided, type ProcessTable, readTable } from "../../../routines/native/session-members.ts";

const STARTED = { pid: 100, startTime: "1000", bootId: readBootId(), mark: "m" };

/** `pid parent session startTime state?` */
function entry(text: string): ProcessEntry {
  const [pid, parent, session, startTime = "", state = "S"] = text.split(" ");
  return { pid: Number(pid), parent: Number(parent), group: Number(pid), session: Number(session), startTime, state };
}

function tableOf(lines: string[], marked: number[], bare: number[] = []): ProcessTable {
  const hasMark = (pid: number, mark: string): boolean => mark === "m" && marked.includes(pid);
  return { entries: lines.map(entry), hasMark, isBare: (pid) => bare.includes(pid) };
}

function members(lines: string[], marked: number[] = [], started = STARTED): number[] {
  return findMembers(started, tableOf(lines, marked))
    .map((found) => found.pid)
    .sort((a, b) => a - b);
}

describe("findMembers", () => {
  const cases: [string, string[], number[], number[]][] = [
    ["the leader and its session", ["100 1 100 1000", "101 100 100 1001", "50 1 50 500"], [], [100, 101]],
    ["nothing, when another has the leader's pid", ["100 1 100 2000", "101 100 100 2001"], [], []],
    ["the marked, when another has the leader's pid", ["100 1 100 2000", "102 1 102 1002"], [102], [102]],
    ["the rest of the session of a leader that is gone, by its mark", ["101 1 100 1001", "102 1 100 1002"], [102], [101, 102]],
    ["nothing of a session that proves nothing", ["101 1 100 1001"], [], []],
    ["a leader that is a zombie counts as gone", ["100 1 100 1000 Z", "101 100 100 1001"], [101], [101]],
    ["who left the session, by the mark", ["100 1 100 1000", "200 1 200 1500"], [200], [100, 200]],
    ["no older one, whatever its environment says", ["100 1 100 1000", "90 1 90 900"], [90], [100]],
    [
      "descendants without a mark in sessions of their own",
      ["100 1 100 1000", "101 100 101 1001", "102 101 102 1002"],
      [],
      [100, 101, 102],
    ],
    ["never ourselves", ["100 1 100 1000", `${process.pid} 100 100 1001`], [process.pid], [100]],
  ];
  test.each(cases)("finds %s", (_, lines, marked, expected) => {
    expect(members(lines, marked)).toEqual(expected);
  });

  test("finds nothing across a boot", () => {
    expect(members(["100 1 100 1000"], [100], { ...STARTED, bootId: "other" })).toEqual([]);
  });
});

describe("isUndecided", () => {
  test.each([
    ["of one in its session that shows no environment just now", ["101 1 100 1001"], [101], true],
    ["not of one that shows it", ["101 1 100 1001"], [], false],
    ["not of a zombie", ["101 1 100 1001 Z"], [101], false],
    ["not of one elsewhere", ["101 1 101 1001"], [101], false],
    ["not of an older one", ["90 1 100 900"], [90], false],
    ["not where another has the leader's pid", ["100 1 100 2000", "101 100 100 2001"], [101], false],
  ])("holds %s", (_, lines, bare, expected) => {
    expect(isUndecided(STARTED, tableOf(lines, [], bare))).toBe(expected);
  });
});

describe("readTable", () => {
  test("holds this process, with its parent", () => {
    expect(readTable().entries.find((found) => found.pid === process.pid)).toMatchObject({ parent: process.ppid });
  });

  test.skipIf(Bun.which("ps") === null)("holds it as well when ps is asked, as on macOS", () => {
    expect(readTable("darwin").entries.find((found) => found.pid === process.pid)).toMatchObject({ parent: process.ppid });
  });
});
