import { describe, expect, test } from "bun:test";
import { nearest } from "../../../routines/_script/nearest.ts";

describe("nearest", () => {
  const known = ["ollama", "llamacpp", "webui", "redis", "up"];

  test.each([
    ["olama", "ollama"],
    ["ollmaa", "ollama"],
    ["webiu", "webui"],
    ["rediss", "redis"],
    ["llama-cpp", "llamacpp"],
    ["pu", "up"],
    ["ollama", "ollama"],
    ["postgres", undefined],
    ["", undefined],
  ])("for %j finds %j", (word, expected) => {
    expect(nearest(word, known)).toBe(expected as string);
  });

  test("takes the first of two equally near", () => {
    expect(nearest("cat", ["bat", "hat"])).toBe("bat");
  });

  test("finds nothing among nothing", () => {
    expect(nearest("a", [])).toBeUndefined();
  });
});
