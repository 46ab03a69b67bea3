/** A keeper that is killed at random moments, with a process that goes on writing and somebody who follows the log. */
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
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
