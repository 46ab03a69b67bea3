import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tailLog } from "../../../routines/native/tail-log.ts";

const folder = mkdtempSync(join(tmpdir(), "harbor-log-"));
afterAll(() => rmSync(folder, { recursive: true }));

function tail(text: string, lines: number, from?: number): string[] {
  const file = join(folder, "log");
  writeFileSync(file, text);
  return tailLog({ file, lines, ...(from === undefined ? {} : { from }) });
}

describe("tailLog", () => {
  test.each([
    ["a\nb\nc\n", 2, ["b", "c"]],
    ["a\nb\nc", 2, ["b", "c"]],
    ["a\r\nb\r\n", 9, ["a", "b"]],
    ["a\n\n", 9, ["a", ""]],
    ["", 9, []],
    ["a\n", 0, []],
  ] as [string, number, string[]][])("of %p gives the last %p lines", (text, lines, expected) => {
    expect(tail(text, lines)).toEqual(expected);
  });

  test("begins where it is told, or at the start of a log that was cut since", () => {
    expect(tail("old\nnew\n", 9, 4)).toEqual(["new"]);
    expect(tail("new\n", 9, 400)).toEqual(["new"]);
  });

  test("reads only the end of a long log, whole lines of it", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
    const last = tail(`${lines.join("\n")}\n`, 20_000);
    expect(last.length).toBeLessThan(20_000);
    expect(last).toEqual(lines.slice(-last.length));
  });

  test("is empty where there is no log", () => {
    expect(tailLog({ file: join(folder, "none"), lines: 5 })).toEqual([]);
  });
});
