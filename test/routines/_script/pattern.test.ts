import { expect, test } from "bun:test";
import { readPattern } from "../../../routines/_script/pattern.ts";

test("readPattern reads a regular expression", () => {
  expect(readPattern("--grep", "err(or)?").test("Error")).toBe(false);
  expect(readPattern("--grep", "err(or)?", true).test("Error")).toBe(true);
  expect(() => readPattern("--grep", "(")).toThrow('Cannot read --grep "("');
});
