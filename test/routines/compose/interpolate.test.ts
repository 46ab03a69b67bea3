import { describe, expect, test } from "bun:test";
import { HarborError } from "../../../routines/_script/error.ts";
import { escapeDollars, interpolate, mapStrings } from "../../../routines/compose/interpolate.ts";

const VALUES: Record<string, string> = { A: "a", EMPTY: "", N: "A" };
const values = (name: string): string | undefined => VALUES[name];

describe("interpolate", () => {
  const table: [string, string][] = [
    ["plain", "plain"],
    ["$A", "a"],
    ["${A}", "a"],
    ["x${A}y$A-z", "xaya-z"],
    ["${U}", ""],
    ["${U:-d}", "d"],
    ["${EMPTY:-d}", "d"],
    ["${EMPTY-d}", ""],
    ["${U-d}", "d"],
    ["${A:-d}", "a"],
    ["${A:+x}", "x"],
    ["${EMPTY:+x}", ""],
    ["${EMPTY+x}", "x"],
    ["${U+x}", ""],
    ["${A:?no}", "a"],
    ["${EMPTY?no}", ""],
    ["$$A", "$A"],
    ["$$$A", "$a"],
    ["${U:-${V:-${A}}}", "a"],
    ['${U:-{"a":1}}', '{"a":1}'],
    ["${U:-{}}", "{}"],
    ["${U:-a:b-c?d}", "a:b-c?d"],
    ["${U:-x} and ${V:-y}", "x and y"],
    ["5$", "5$"],
    ["$5 $-", "$5 $-"],
    ["a\n${U:-b}\nc", "a\nb\nc"],
  ];
  for (const [text, expected] of table) {
    test(`reads ${JSON.stringify(text)} as ${JSON.stringify(expected)}`, () => expect(interpolate(text, values)).toBe(expected));
  }

  for (const text of ["${", "${}", "${A", "${A B}", "${1}", "${U:-a\nb}"]) {
    test(`refuses ${JSON.stringify(text)}`, () => expect(() => interpolate(text, values)).toThrow(HarborError));
  }

  test("names the variable that is required", () => {
    expect(() => interpolate("${U:?set it}", values)).toThrow(
      'Cannot interpolate "${U}": the variable is required and has no value: set it',
    );
  });

  test("takes time in proportion to the text", () => {
    const started = performance.now();
    interpolate("${U:-x}".repeat(100_000), values);
    interpolate(`${"{".repeat(100_000)}\${U:-x}`, values);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test("gives up on expressions nested beyond reason", () => {
    expect(() => interpolate(`${"${U:-".repeat(5_000)}${"}".repeat(5_000)}`, values)).toThrow("nested more than");
  });
});

describe("mapStrings", () => {
  test("changes every string and no key", () => {
    expect(mapStrings({ a: ["a", 1, null, { b: "c" }] }, (text) => `${text}!`)).toEqual({ a: ["a!", 1, null, { b: "c!" }] });
  });
});

describe("escapeDollars", () => {
  test("survives interpolation", () => {
    expect(interpolate(escapeDollars("$A ${B} $$"), values)).toBe("$A ${B} $$");
  });
});
