import { expect, test } from "bun:test";
import { matchesType } from "../../../../services/conductor/core/match-type.ts";
import { seededRandom } from "../_random.ts";

test.each([
  [["entity-*"], "entity-created", true],
  [["entity-*"], "entity-", true],
  [["entity-*"], "entity", false],
  [["*"], "x", true],
  [["a*a"], "a", false],
  [["a*a"], "aa", true],
  [["*-done", "note"], "scan-done", true],
  [["*-done", "note"], "notes", false],
  [["a**b*c"], "axxbxxc", true],
  [["a.c"], "abc", false],
  [[], "anything", true],
] as const)("%j and %s: %p", (globs, type, expected) => {
  expect(matchesType(globs, type)).toBe(expected);
});

test("is what a regular expression says, for short ones", () => {
  const random = seededRandom(7);
  const make = (letters: string, length: number): string => Array.from({ length }, () => random.pick([...letters])).join("");
  for (let count = 0; count < 20_000; count++) {
    const [glob, type] = [make("ab*", 1 + random.upTo(6)), make("ab", random.upTo(8))];
    const expected = new RegExp(`^${glob.replaceAll("*", ".*")}$`).test(type);
    expect({ glob, type, is: matchesType([glob], type) }).toEqual({ glob, type, is: expected });
  }
});

test("takes no time where a regular expression would take for ever", () => {
  const since = performance.now();
  expect(matchesType([`${"a*".repeat(63)}b`], "a".repeat(128))).toBe(false);
  expect(performance.now() - since).toBeLessThan(100);
});
