import { describe, expect, test } from "bun:test";
import { parseStatuses } from "../../../routines/native/_statuses.ts";

describe("parseStatuses", () => {
  test.each([
    ["200", [{ from: 200, to: 200 }]],
    ["200-299", [{ from: 200, to: 299 }]],
    [
      "200, 301-302,404",
      [
        { from: 200, to: 200 },
        { from: 301, to: 302 },
        { from: 404, to: 404 },
      ],
    ],
  ])("reads %s", (text, ranges) => {
    expect(parseStatuses(text)).toEqual(ranges);
  });

  test.each(["", "20", "600", "2xx", "200-", "299-200", "200,", "200;201"])("refuses %p", (text) => {
    expect(parseStatuses(text)).toBeUndefined();
  });
});
