import { describe, expect, test } from "bun:test";
import { readSince } from "../../../routines/_script/since.ts";

describe("readSince", () => {
  test.each([
    ["10m", 400_000],
    ["1000s", 0],
    ["0", 1_000_000],
    ["1970-01-01T00:00:05Z", 5_000],
    ["1970-01-01", 0],
    ["1970-01-01T01:00:05+01:00", 5_000],
  ] as [string, number][])("reads %p", (text, ms) => {
    expect(readSince(text, 1_000_000)).toBe(ms);
  });

  test.each(["yesterday", "5", "10 m", "2026-13-01", "1 Jan", ""])("refuses %p", (text) => {
    expect(() => readSince(text)).toThrow(`Cannot read --since "${text}": it is neither a duration nor a time`);
  });
});
