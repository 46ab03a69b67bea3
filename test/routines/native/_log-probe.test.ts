import { describe, expect, test } from "bun:test";
import { compileLogProbe } from "../../../routines/native/probe-process.ts";

describe("compileLogProbe", () => {
  const lines: [string, string, boolean][] = [
    ["^Listening on .*:\\d+$", "Listening on http://127.0.0.1:80", true],
    ["^Listening", "not Listening", false],
    ["^Ready in \\d+ms$", "\u001b[1m\u001b[32mReady in 12ms\u001b[0m\r", true],
    ["ready", "READY", false],
    ["ready$", `${"x".repeat(20_000)}ready`, false],
  ];
  test.each(lines)("/%s/ on %s", (log, line, isMatch) => {
    const isReady = compileLogProbe({ log });
    expect([isReady(line), isReady(line)]).toEqual([isMatch, isMatch]);
  });

  test("says what is no pattern", () => {
    expect(() => compileLogProbe({ log: "(" })).toThrow('Cannot read the pattern "(" for the log');
  });

  test("never sees readiness where none is asked for", () => {
    expect(compileLogProbe({})("ready")).toBe(false);
  });
});
