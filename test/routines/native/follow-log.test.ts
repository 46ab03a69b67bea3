import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { type FollowedLog, followLog } from "../../../routines/native/follow-log.ts";
import type { LogViewOptions } from "../../../routines/native/read-log.ts";
import { LogFolder, numbered, numbersOf, range } from "./_log-folder.ts";

/** Follows a log; `next` waits for that many lines. */
async function follow(folder: LogFolder, options: Partial<LogViewOptions> = {}) {
  const controller = new AbortController();
  const followed: FollowedLog = followLog({ folder: folder.path, ...options });
  const history = (await Array.fromAsync(followed.history)).map((entry) => entry.text);
  const live = followed.live(controller.signal);
  const next = async (count: number): Promise<string[]> => {
    const lines: string[] = [];
    while (lines.length < count) lines.push((await live.next()).value?.text ?? "(over)");
    return lines;
  };
  return { history, next, end: () => controller.abort(), isOver: async () => (await live.next()).done };
}

describe("followLog", () => {
  test("begins with the last lines, goes on with new ones, and ends when aborted", async () => {
    const folder = new LogFolder().start().say("one\ntwo\nthree\n");
    const log = await follow(folder, { tail: 2 });
    expect(log.history).toEqual(["two", "three"]);
    const waiting = log.next(2);
    folder.say("four\nfive\n");
    expect(await waiting).toEqual(["four", "five"]);
    log.end();
    expect(await log.isOver()).toBe(true);
  });

  test("is over at once for one that was aborted before, also while it waits", async () => {
    const log = await follow(new LogFolder().start());
    const waiting = log.isOver();
    log.end();
    expect(await waiting).toBe(true);
  });

  test("waits for the end of a line, also within a character, and also of one that was begun before", async () => {
    const folder = new LogFolder().start().say("whole\nbeg");
    const log = await follow(folder, { tail: 1 });
    expect(log.history).toEqual(["whole"]);
    const bytes = Buffer.from("un grün\n");
    const waiting = log.next(1);
    folder.say(bytes.subarray(0, 6)).say(bytes.subarray(6));
    expect(await waiting).toEqual(["begun grün"]);
    log.end();
  });

  test("goes on over keepers, rotation, compression and starts, and sees each line once", async () => {
    const folder = new LogFolder().start().say(numbered(10));
    const log = await follow(folder, { tail: 5 });
    expect(numbersOf(log.history)).toEqual(range(5, 10));
    const limits = { max_size: "10kB", max_files: 1000, max_age: "7d" };
    for (let from = 10; from < 2_010; from += 200) {
      folder.say(numbered(100, 20, from));
      if (from % 400 === 10) expect(numbersOf(await log.next(100))).toEqual(range(from, from + 100));
      await folder.keep({ limits });
      folder.start().say(numbered(100, 20, from + 100));
      expect(numbersOf(await log.next(from % 400 === 10 ? 100 : 200))).toEqual(range(from % 400 === 10 ? from + 100 : from, from + 200));
    }
    log.end();
  });

  test("shows only what matches, from the first line on", async () => {
    const folder = new LogFolder().start().say("bad 1\ngood\n");
    const log = await follow(folder, { grep: /bad/, tail: 20 });
    expect(log.history).toEqual(["bad 1"]);
    const waiting = log.next(1);
    folder.say("good\nbad 2\n");
    expect(await waiting).toEqual(["bad 2"]);
    log.end();
  });

  test("waits for a service that was never started, and for one that was forgotten", async () => {
    const folder = new LogFolder();
    const log = await follow(folder);
    const first = log.next(1);
    folder.start().say("first\n");
    expect(await first).toEqual(["first"]);
    const second = log.next(1);
    rmSync(folder.path, { recursive: true });
    folder.start().say("again\n");
    expect(await second).toEqual(["again"]);
    log.end();
  });
});
