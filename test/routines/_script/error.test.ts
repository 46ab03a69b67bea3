import { describe, expect, test } from "bun:test";
import { EXIT, formatPlace, HarborError } from "../../../routines/_script/error.ts";

describe("HarborError", () => {
  test("is a failure without details unless told more", () => {
    const error = new HarborError('Cannot read "a": it is empty');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "HarborError", exit: "failed", details: [] });
    expect(error.hint).toBeUndefined();
    expect(error.at).toBeUndefined();
    expect("cause" in error).toBe(false);
  });

  test("keeps what it is told", () => {
    const cause = new Error("low");
    const at = { file: "a.yml", line: 2 };
    const error = new HarborError("high", { exit: "missing", hint: "Do that", cause, at, details: ["one"] });
    expect(error).toMatchObject({ exit: "missing", hint: "Do that", cause, at, details: ["one"] });
  });
});

describe("formatPlace", () => {
  test.each([
    [{ file: "a.yml" }, "a.yml"],
    [{ file: "a.yml", line: 3 }, "a.yml:3"],
    [{ file: "a.yml", line: 3, column: 7 }, "a.yml:3:7"],
  ])("words %j as %s", (place, expected) => {
    expect(formatPlace(place)).toBe(expected);
  });
});

describe("EXIT", () => {
  test("holds the codes that docs/exit-codes.md promises", () => {
    expect(EXIT).toEqual({ failed: 1, usage: 2, missing: 3, unknown: 4, timeout: 5, interrupted: 130 });
  });
});
