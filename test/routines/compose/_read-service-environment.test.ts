import { describe, expect, test } from "bun:test";
import { readEnvironment } from "../../../routines/compose/_read-service-environment.ts";

describe("readEnvironment", () => {
  test.each([
    [
      { A: 1, B: true, C: null },
      [
        ["A", "1"],
        ["B", "true"],
        ["C", undefined],
      ],
    ],
    [
      ["A=1=2", "C"],
      [
        ["A", "1=2"],
        ["C", undefined],
      ],
    ],
    [undefined, []],
  ])("reads %j", (environment, read) => {
    expect([...readEnvironment(environment)]).toEqual(read as never);
  });
});
