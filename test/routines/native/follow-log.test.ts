import { describe, expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { followLog } from "../../../routines/native/follow-log.ts";
import { makeTree } from "../../_workspace.ts";

/** Follows a file; `next` waits for a line. */
function follow(text: string, lines = 2) {
  const file = join(makeTree({ log: text }), "log");
  const controller = new AbortController();
  const iterator = followLog({ file, lines, signal: controller.signal });
  const next = async (): Promise<string | undefined> => ((await iterator.next()).value as string | undefined) ?? undefined;
  return { file, next, end: () => controller.abort(), isDone: async () => (await iterator.next()).done };
}

describe("followLog", () => {
  test("begins with the last lines, goes on with new ones, and ends when aborted", async () => {
    const log = follow("one\ntwo\nthree\n");
    expect([await log.next(), await log.next()]).toEqual(["two", "three"]);
    const waiting = log.next();
    appendFileSync(log.file, "four\nfive\n");
    expect([await waiting, await log.next()]).toEqual(["four", "five"]);
    log.end();
    expect(await log.isDone()).toBe(true);
  });

  test("waits for the end of a line, also within a character", async () => {
    const log = follow("", 0);
    const bytes = Buffer.from("grün\n");
    const waiting = log.next();
    appendFileSync(log.file, bytes.subarray(0, 3));
    appendFileSync(log.file, bytes.subarray(3));
    expect(await waiting).toBe("grün");
    log.end();
  });

  test("reads a file that was cut from its start, and keeps empty lines", async () => {
    const log = follow("a long first line\n", 1);
    expect(await log.next()).toBe("a long first line");
    writeFileSync(log.file, "\nb\n");
    expect([await log.next(), await log.next()]).toEqual(["", "b"]);
    log.end();
  });

  test("is over at once for one that was aborted before", async () => {
    const log = follow("a\n", 0);
    log.end();
    expect(await log.isDone()).toBe(true);
  });
});
