import { describe, expect, test } from "bun:test";
import { ExpressionError, holds, parseCondition } from "../../../../services/conductor/core/alert-expression.ts";
import { seededRandom } from "../_random.ts";

const METRICS: Record<string, number> = { a: 1, b: 2.5, c: -3, "x-y": 7 };
const read = (name: string): number | undefined => METRICS[name];

describe("a condition", () => {
  test.each([
    ["a > 0", true],
    ["a + b * 2 == 6", true],
    ["(a + b) * 2 == 7", true],
    ["not a > 0 or b >= 2.5", true],
    ["not (a > 0 or b >= 2.5)", false],
    ["a > 0 and b > 3 or c < 0", true],
    ["- c == 3", true],
    ["10 - 3 - 2 == 5", true],
    ["5m == 300 and 2KiB == 2048 and 250ms == 0.25", true],
    ['"x-y" == 7', true],
    ["nobody > 1", undefined],
    ["a / 0 > 1", undefined],
    ["nobody > 1 and a < 0", false],
    ["a > 0 or nobody > 1", true],
    ["not nobody > 1", undefined],
  ])("%s is %p", (text, expected) => expect(holds(parseCondition(text), read)).toBe(expected as boolean));

  test.each([
    ["", 0],
    ["a", 0],
    ["a >", 3],
    ["a > 5 andd b > 1", 6],
    ["a > 5 && b > 1", 6],
    ["a = 5", 2],
    ["cpu > 90%", 8],
    ["a > 5 parsecs", 6],
    ["a > 5parsecs", 5],
    ["(a > 1", 6],
    ["1 < a < 3", 6],
    ["a > 1 and 5", 10],
    ["(a > 1) + 2 > 1", 0],
    ["a > 1; b", 5],
    ['"a > 1', 0],
    [`${"(".repeat(60)}a > 1`, 50],
    ["a > 1 ".repeat(300), 1_000],
  ])("%p is wrong at %d", (text, position) => {
    let caught: unknown;
    try {
      parseCondition(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ExpressionError);
    expect((caught as ExpressionError).position).toBe(position);
  });

  test("means what JavaScript means by the same", () => {
    const random = seededRandom(7);
    const { pick } = random;
    const number = (depth: number): string =>
      depth === 0 || random.upTo(10) < 3
        ? pick(["a", "b", "c", "1", "2.5", "40"])
        : pick([`(${number(depth - 1)})`, `${number(depth - 1)} ${pick(["+", "-", "*"])} ${number(depth - 1)}`, `- ${number(0)}`]);
    const condition = (depth: number): string =>
      depth === 0 || random.upTo(10) < 3
        ? `${number(2)} ${pick(["<", "<=", ">", ">=", "==", "!="])} ${number(2)}`
        : pick([
            `(${condition(depth - 1)})`,
            `not (${condition(depth - 1)})`,
            `${condition(depth - 1)} ${pick(["and", "or"])} ${condition(depth - 1)}`,
          ]);
    for (let count = 0; count < 3_000; count++) {
      const text = condition(4);
      if (text.length > 1_000) continue;
      const script = text.replaceAll("and", "&&").replaceAll("or", "||").replaceAll("not", "!");
      expect([text, holds(parseCondition(text), read)]).toEqual([text, new Function("a", "b", "c", `return ${script}`)(1, 2.5, -3)]);
    }
  });

  test("of anything at all is understood or told to be wrong, and nothing else", () => {
    const random = seededRandom(11);
    const pieces = [
      "a",
      "and",
      "or",
      "not",
      "(",
      ")",
      "<",
      "==",
      "1",
      "5m",
      "%",
      '"',
      " ",
      "-",
      "*",
      "é",
      "\u{1f600}",
      "\0",
      "constructor",
      "__proto__",
      "1e999",
    ];
    for (let count = 0; count < 5_000; count++) {
      const text = Array.from({ length: random.upTo(12) }, () => random.pick(pieces)).join(random.upTo(2) === 0 ? " " : "");
      try {
        holds(parseCondition(text), read);
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError);
        expect((error as ExpressionError).position).toBeLessThanOrEqual(text.length);
      }
    }
  });
});
