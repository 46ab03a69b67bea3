import { describe, expect, test } from "bun:test";
import { table } from "../../../routines/_script/table.ts";

describe("table", () => {
  test("aligns columns two spaces apart, without spaces at a line's end", () => {
    expect(table([["a", "bbb", "c"], ["aaaa", "b", ""], ["a"]])).toEqual(["a     bbb  c", "aaaa  b", "a"]);
    expect(table([])).toEqual([]);
  });
});
