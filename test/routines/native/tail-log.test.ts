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

  const many = Array.from({ length: 40_000 }, (_, index) => `line ${index} ä`);

  test.each([1, 30_000, 39_999, 40_000, 50_000])("gives %d lines of a long log, where there are so many", (count) => {
    expect(tail(`${many.join("\n")}\n`, count)).toEqual(many.slice(-count));
    expect(tail(many.join("\n"), count)).toEqual(many.slice(-count));
  });

  test("gives a line that is longer than what is read at once", () => {
    const long = "x".repeat(200_000);
    expect(tail(`first\n${long}\nlast\n`, 2)).toEqual([long, "last"]);
    expect(tail(`first\n${long}`, 1)).toEqual([long]);
  });

  test("with a limit, only whole lines of that much", () => {
    const file = join(folder, "limited");
    writeFileSync(file, `${many.join("\n")}\n`);
    const last = tailLog({ file, lines: 40_000, maxBytes: 1000 });
    expect(last.join("\n").length).toBeGreaterThan(900);
    expect(last).toEqual(many.slice(-last.length));
    writeFileSync(file, `${"x".repeat(5000)}\n`);
    expect(tailLog({ file, lines: 3, maxBytes: 1000 })).toEqual(["x".repeat(999)]);
  });

  test("is empty where there is no log", () => {
    expect(tailLog({ file: join(folder, "none"), lines: 5 })).toEqual([]);
  });
});
