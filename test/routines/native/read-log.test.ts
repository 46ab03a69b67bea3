import { describe, expect, test } from "bun:test";
import { truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { lastLines, readLog } from "../../../routines/native/read-log.ts";
import { LogFolder, numbered, numbersOf, range } from "./_log-folder.ts";

const at = (hour: number): string => `2026-01-31T${String(hour).padStart(2, "0")}:00:00.000Z`;

/** A line an hour from 0 to 11 over three files, and one that is not in the log yet. */
function halfDay(): LogFolder {
  const folder = new LogFolder().start();
  const file = (name: string, number: number, hours: number[], from: number): void => {
    folder.writeLog(
      name,
      number,
      hours.map((hour) => [at(hour), `at ${String(hour).padStart(2, "0")}`] as const),
      from,
    );
    const written = new Date(at(hours.at(-1) ?? 0));
    utimesSync(join(folder.path, name), written, written);
  };
  file("log.1.gz", 1, range(0, 4), 0);
  file("log.2", 2, range(4, 8), 24);
  file("log", 3, range(8, 12), 48);
  folder.say(`${"x".repeat(5)}\n`.repeat(12)).say("fresh\n");
  return folder;
}

const hours = (from: number, to: number): string[] => range(from, to).map((hour) => `at ${String(hour).padStart(2, "0")}`);

describe("readLog", () => {
  test("reads the packed, the rotated, the current file, and what no keeper has taken over", async () => {
    expect(await halfDay().read()).toEqual([...hours(0, 12), "fresh"]);
  });

  test.each([
    [0, []],
    [1, ["fresh"]],
    [3, [...hours(10, 12), "fresh"]],
    [5, [...hours(8, 12), "fresh"]],
    [7, [...hours(6, 12), "fresh"]],
    [11, [...hours(2, 12), "fresh"]],
    [13, [...hours(0, 12), "fresh"]],
    [99, [...hours(0, 12), "fresh"]],
  ] as [number, string[]][])("gives the last %d lines, wherever they are", async (tail, expected) => {
    expect(await halfDay().read({ tail })).toEqual(expected);
  });

  test.each([
    [at(3), [...hours(3, 12), "fresh"]],
    [at(5), [...hours(5, 12), "fresh"]],
    [at(11), [...hours(11, 12), "fresh"]],
    ["2026-01-31T11:30:00Z", ["fresh"]],
    ["2999-01-01T00:00:00Z", []],
  ] as [string, string[]][])("gives what was written since %s", async (since, expected) => {
    const folder = halfDay();
    expect(await folder.read({ sinceMs: Date.parse(since) })).toEqual(expected);
    expect(await folder.read({ sinceMs: Date.parse(since), tail: 100 })).toEqual(expected);
    expect(await folder.read({ sinceMs: Date.parse(since), tail: 2 })).toEqual(expected.slice(-2));
  });

  test("of those that match the last ones, however far back", async () => {
    const folder = halfDay();
    expect(await folder.read({ grep: /0[12]$/, tail: 1 })).toEqual(["at 02"]);
    expect(await folder.read({ grep: /0$/ })).toEqual(["at 00", "at 10"]);
    expect(await folder.read({ grep: /fresh|at 1/, tail: 2 })).toEqual(["at 11", "fresh"]);
    expect(await folder.read({ grep: /^red$/ })).toEqual([]);
    folder.say("\x1b[31mred\x1b[0m\n");
    expect(await folder.read({ grep: /^red$/ })).toEqual(["\x1b[31mred\x1b[0m"]);
  });

  test("needs no keeper ever: both streams of all starts, and a last line without an end", async () => {
    const folder = new LogFolder().start().say("one\n").start().say("two\n").say("oops\n", "err").say("prompt> ");
    expect((await folder.read()).sort()).toEqual(["one", "oops", "prompt> ", "two"]);
    expect(await folder.read({ run: 1 })).toEqual(["one"]);
    expect(await folder.read({ stream: "err" })).toEqual(["oops"]);
    expect(await folder.read({ stream: "out", tail: 1 })).toEqual(["prompt> "]);
  });

  test("tells time, stream and text of each", async () => {
    const folder = await new LogFolder().start().say("oops\n", "err").keep();
    const [entry] = await Array.fromAsync(readLog({ folder: folder.path }));
    expect(entry).toMatchObject({ kind: "line", stream: "err", text: "oops", position: { run: 1, offset: 5 } });
    expect(Math.abs(Date.parse(entry?.time ?? "") - Date.now())).toBeLessThan(60_000);
  });

  test("stays in order while a keeper takes over what it reads", async () => {
    const folder = new LogFolder().start();
    const keeper = folder.keeper({ limits: { max_size: "30kB", max_files: 1000, max_age: "7d" } });
    const seen: number[] = [];
    for (let from = 0; from < 3_000; from += 100) {
      folder.say(numbered(100, 100, from));
      const [lines] = await Promise.all([folder.read(), keeper.drain()]);
      expect(numbersOf(lines)).toEqual(range(0, from + 100));
      const [tail] = await Promise.all([folder.read({ tail: 150 }), keeper.drain()]);
      expect(numbersOf(tail)).toEqual(range(Math.max(0, from - 50), from + 100));
      seen.push(from);
    }
    await keeper.close();
  });

  test("gives lines that are longer than what is read at once, from either end", async () => {
    const long = "ü".repeat(90_000);
    const folder = new LogFolder().start().say(`first\n${long}\nlast\n`);
    expect((await folder.read()).join("")).toBe(`first${long}last`);
    await folder.keep();
    expect((await folder.read()).join("")).toBe(`first${long}last`);
    expect((await folder.read({ tail: 2 })).at(-1)).toBe("last");
  });

  test("reads a great many lines", async () => {
    const folder = await new LogFolder().start().say(numbered(40_000)).keep();
    folder.say(numbered(10_000, 20, 40_000));
    for (const tail of [1, 9_999, 10_000, 10_001, 30_000, 50_000, 60_000])
      expect(numbersOf(await folder.read({ tail }))).toEqual(range(Math.max(0, 50_000 - tail), 50_000));
  });

  test("leaves out what is no line of a keeper's: a torn end, what somebody wrote into it", async () => {
    const folder = await new LogFolder().start().say("one\ntwo\n").keep();
    truncateSync(join(folder.path, "log"), folder.log().length - 2);
    expect(await folder.read()).toEqual(["one", "two"]); // the spool has it whole
    expect(await folder.read({ tail: 1 })).toEqual(["two"]);
  });

  test("is empty where there is no log", async () => {
    const folder = new LogFolder();
    expect([await folder.read(), await folder.read({ tail: 5 }), await folder.read({ sinceMs: 1 })]).toEqual([[], [], []]);
  });
});

describe("lastLines", () => {
  test("gives what one start said last, and never more than a message can hold", async () => {
    const folder = await new LogFolder().start().say("old\n").keep();
    folder.start().say(`${"x".repeat(5000)}\nlast\n`);
    expect(await lastLines({ folder: folder.path, lines: 20, run: 2, maxChars: 1000 })).toEqual(["x".repeat(995), "last"]);
    expect(await lastLines({ folder: folder.path, lines: 1, run: 1 })).toEqual(["old"]);
  });

  test("shows both streams where both said much: why it ended may be on the one that ended first", async () => {
    const folder = new LogFolder().start().say("Traceback\nValueError\n", "err").say(numbered(50));
    utimesSync(join(folder.path, "spool/1.err"), 1, 1);
    const lines = await lastLines({ folder: folder.path, lines: 10 });
    expect(lines).toHaveLength(10);
    expect(lines).toContain("ValueError");
    expect(lines.at(-1)).toStartWith("49 ");
    folder.say(numbered(50, 20, 100), "err");
    expect(numbersOf(await lastLines({ folder: folder.path, lines: 4 })).sort()).toEqual([148, 149, 48, 49]);
  });
});
