import { describe, expect, test } from "bun:test";
import { parseDuration } from "../../../routines/_script/duration.ts";

describe("parseDuration", () => {
  const right: [string, number][] = [
    ["500ms", 500],
    ["10s", 10_000],
    ["1m30s", 90_000],
    ["1h1m1s1ms", 3_661_001],
    ["0.5s", 500],
    ["7d", 604_800_000],
    ["0", 0],
    ["0s", 0],
  ];
  test.each(right)("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "10", "s", "-1s", "1 s", "10sec", "1s2", "..5s", "1e3s"])("refuses %p", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
