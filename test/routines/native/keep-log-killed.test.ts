/** A keeper in a process of its own, which is killed at random moments, or as fast as it can be, with somebody who follows the log. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { LogEntry } from "../../../routines/native/_log-format.ts";
import { followLog } from "../../../routines/native/follow-log.ts";
import { readLog } from "../../../routines/native/read-log.ts";
import { until } from "../../_until.ts";
import { gapsIn, LogFolder, numbersOf } from "./_log-folder.ts";

const KILLS = 50;
const program = resolve(import.meta.dir, "../../../routines/native/keep-log.ts");
const limits = ["--max-size", "100kB", "--max-files", "1000"];

/** Numbered lines on both streams, in bursts, until SIGTERM; the last ones have no end. */
const WRITER = `
const { writeSync } = require("node:fs");
let out = 0, err = 0, isOver = false;
process.on("SIGTERM", () => (isOver = true));
while (!isOver) {
  let text = "";
  for (let i = 0; i < 20; i++) text += out++ + " a line of some length, so that the log gets long\\n";
  writeSync(1, text.slice(0, 500));
  writeSync(1, text.slice(500));
  writeSync(2, err++ + " on the other stream\\n");
  await Bun.sleep(1);
}
writeSync(1, out + " end");
writeSync(2, err + " end");`;

function startKeeper(folder: LogFolder): Bun.Subprocess {
  return Bun.spawn([process.execPath, program, folder.path, ...limits], { stdin: "ignore", stdout: "inherit", stderr: "inherit" });
}

/** A random moment of its life: before it works, while it drains, rotates or compresses. */
async function killSoon(keeper: Bun.Subprocess): Promise<void> {
  await Bun.sleep(Math.random() * 120);
  keeper.kill("SIGKILL");
  await keeper.exited;
}

function streamOf(entries: readonly LogEntry[], stream: string): number[] {
  return numbersOf(entries.filter((entry) => entry.stream === stream).map((entry) => entry.text));
}

test(`no line is lost, doubled or moved over ${KILLS} kills, in the log and for who follows it`, async () => {
  const folder = new LogFolder();
  const writer = folder.spawn([process.execPath, "-e", WRITER]);
  const followed: LogEntry[] = [];
  const over = new AbortController();
  const { history, live } = followLog({ folder: folder.path });
  const following = (async () => {
    for await (const entry of history) followed.push(entry);
    for await (const entry of live(over.signal)) followed.push(entry);
  })();
  try {
    for (let kill = 0; kill < KILLS; kill++) await killSoon(startKeeper(folder));
    writer.kill("SIGTERM");
    await writer.exited;
    const keeper = folder.keeper({ limits: { max_size: "100kB", max_files: 1000, max_age: "7d" } });
    await keeper.flushPartial();
    await keeper.close();
    const entries = await Array.fromAsync(readLog({ folder: folder.path }));
    const [out, err] = [streamOf(entries, "out"), streamOf(entries, "err")];
    expect([numbersOf(folder.written("out")), numbersOf(folder.written("err"))].map(gapsIn)).toEqual([[], []]);
    expect([out[0], gapsIn(out), err[0], gapsIn(err)]).toEqual([0, [], 0, []]);
    expect([entries.filter((entry) => entry.text.endsWith(" end")).length, out.length > 5_000]).toEqual([2, true]);
    expect(readdirSync(folder.path).filter((name) => /^log\.\d+\.gz$/.test(name)).length).toBeGreaterThan(3);
    await until(() => followed.length >= entries.length, "the follower's last line");
    const [seenOut, seenErr] = [streamOf(followed, "out"), streamOf(followed, "err")];
    expect([gapsIn(seenOut), seenOut.length, gapsIn(seenErr), seenErr.length]).toEqual([[], out.length, [], err.length]);
  } finally {
    over.abort();
    writer.kill("SIGKILL");
    await following;
  }
}, 60_000);

test("who follows a flood sees each line once, while a keeper takes it away from under them", async () => {
  const folder = new LogFolder().start();
  const count = 400_000;
  const keeper = Bun.spawn([process.execPath, program, folder.path, "--max-size", "1GB"], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  await until(() => existsSync(join(folder.path, "keeper.lock")), "the keeper");
  const over = new AbortController();
  const { history, live } = followLog({ folder: folder.path });
  for await (const _ of history);
  const writer = folder.spawn([
    process.execPath,
    "-e",
    `for (let i = 0, text = ""; i < ${count}; text = "") { for (let j = 0; j < 1000; j++) text += String(i++).padEnd(99, "x") + "\\n"; require("fs").writeSync(1, text); }`,
  ]);
  let next = 0;
  let wrong: string | undefined;
  for await (const { text } of live(over.signal)) {
    if (Number.parseInt(text, 10) !== next++) wrong ??= `${next - 1}: ${JSON.stringify(text.slice(0, 100))}`;
    if (wrong !== undefined || next === count) over.abort();
  }
  await writer.exited;
  keeper.kill("SIGTERM");
  await keeper.exited;
  expect([wrong, next]).toEqual([undefined, count]);
}, 30_000);
