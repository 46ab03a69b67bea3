import { describe, expect, test } from "bun:test";
import { parseDuration, parseDurationRange } from "../../../routines/_script/duration.ts";

describe("parseDuration", () => {
  const right: [string, number][] = [
    ["500ms", 500],
    ["10s", 10_000],
    ["1m30s", 90_000],
    ["1h1m1s1ms", 3_661_001],
    ["0.5s", 500],
    ["0", 0],
    ["0s", 0],
    ["7d", 604_800_000],
    ["1d12h", 129_600_000],
  ];
  test.each(right)("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "10", "s", "-1s", "1 s", "1w", "10sec", "1s2", "..5s", "1e3s"])("refuses %p", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("parseDurationRange", () => {
  test.each([
    ["500ms..30s", { shortest: 500, longest: 30_000 }],
    ["1s", { shortest: 1000, longest: 1000 }],
    ["0..1s", { shortest: 0, longest: 1000 }],
  ])("reads %s", (text, range) => {
    expect(parseDurationRange(text)).toEqual(range);
  });

  test.each(["", "..", "1s..", "..1s", "30s..1s", "1s..2s..3s", "1s...2s", "1s-2s"])("refuses %p", (text) => {
    expect(parseDurationRange(text)).toBeUndefined();
  });
});
