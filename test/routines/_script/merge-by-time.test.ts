import { describe, expect, test } from "bun:test";
import { mergeByTime } from "../../../routines/_script/merge-by-time.ts";

async function* source(...times: string[]): AsyncGenerator<{ time: string }> {
  for (const time of times) yield { time };
}

const second = (digits: string): string => `2026-11-21T11:00:0${digits}Z`;

describe("mergeByTime", () => {
  test("puts several sources in order", async () => {
    const sources = [source(...["1.000", "4.000", "5.000"].map(second)), source(), source(...["2.000", "3.000"].map(second))];
    const merged = await Array.fromAsync(mergeByTime(sources));
    expect(merged.map((it) => it.time)).toEqual(["1.000", "2.000", "3.000", "4.000", "5.000"].map(second));
  });

  test("compares milliseconds with nanoseconds", async () => {
    const merged = await Array.fromAsync(mergeByTime([source(second("1.500")), source(second("1.499999999"), second("1.501000000"))]));
    expect(merged.map((it) => it.time)).toEqual(["1.499999999", "1.500", "1.501000000"].map(second));
  });

  test("ends its sources with itself", async () => {
    let isEnded = false;
    const endless = (async function* () {
      try {
        while (true) yield { time: second("1.000") };
      } finally {
        isEnded = true;
      }
    })();
    for await (const _ of mergeByTime([endless])) break;
    expect(isEnded).toBe(true);
  });
});
