import { expect, test } from "bun:test";
import { readCount } from "../../../routines/_script/count.ts";

test("readCount reads a number or all, and says of which option something is none", () => {
  expect([readCount("--tail", "20"), readCount("--tail", "0"), readCount("--tail", "all")]).toEqual([20, 0, undefined]);
  for (const text of ["-1", "1.5", "many", ""])
    expect(() => readCount("--tail", text)).toThrow(`Cannot read --tail "${text}": it is no number`);
});
