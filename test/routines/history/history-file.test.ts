import { describe, expect, test } from "bun:test";
import { appendFileSync, chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { appendHistory, clearHistory, type HistoryEntry, historyPath, readHistory } from "../../../routines/history/history-file.ts";
import { makeFolder } from "../../_workspace.ts";

const entry = (words: string[]): HistoryEntry => ({ time: "2026-01-31T12:00:00.000Z", command: "up", words, exit: 0, ms: 1, cwd: "/" });

describe("appendHistory()", () => {
  test("is for its owner alone, also where the file was made by somebody else before", async () => {
    const home = makeFolder();
    writeFileSync(historyPath(home), "");
    chmodSync(historyPath(home), 0o644);
    await appendHistory(home, entry(["a"]));
    expect(statSync(historyPath(home)).mode & 0o777).toBe(0o600);
    expect(readHistory(home)).toEqual([entry(["a"])]);
    expect(readdirSync(home)).toEqual(["history.jsonl"]);
  });

  test("does not write where a link leads", async () => {
    const home = makeFolder();
    const elsewhere = join(makeFolder(), "elsewhere");
    writeFileSync(elsewhere, "mine");
    symlinkSync(elsewhere, historyPath(home));
    await appendHistory(home, entry(["a"])).catch(() => undefined);
    expect(readFileSync(elsewhere, "utf8")).toBe("mine");
  });

  test("keeps the latest, and stays below its bound", async () => {
    const home = makeFolder();
    const long = entry(["x".repeat(1_000)]);
    for (let count = 0; count < 300; count++) appendFileSync(historyPath(home), `${JSON.stringify(long)}\n`);
    await appendHistory(home, entry(["the last"]));
    expect(statSync(historyPath(home)).size).toBeLessThan(130 * 1024);
    const kept = readHistory(home);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.at(-1)?.words).toEqual(["the last"]);
  });

  test("takes away what one that was killed has left beside it", async () => {
    const home = makeFolder();
    const dead = Bun.spawnSync(["true"]).pid;
    for (const name of [`history.jsonl.${dead}.tmp`, `history.jsonl.lock.${dead}.0a1b2c3d.tmp`]) writeFileSync(join(home, name), "half");
    await appendHistory(home, entry(["a"]));
    expect(readdirSync(home)).toEqual(["history.jsonl"]);
  });

  test("a line that its writer did not end hides itself alone", async () => {
    const home = makeFolder();
    await appendHistory(home, entry(["a"]));
    appendFileSync(historyPath(home), '{"time": "20');
    await appendHistory(home, entry(["b"]));
    expect(readHistory(home).map((it) => it.words[0])).toEqual(["a", "b"]);
  });

  test("a line that is no entry is none", async () => {
    const home = makeFolder();
    await appendHistory(home, entry(["a"]));
    appendFileSync(historyPath(home), 'null\n5\n"up"\n{"time":1}\n{"time":"x","command":"up","words":[1],"exit":0}\n');
    expect(readHistory(home)).toEqual([entry(["a"])]);
  });

  test("forty processes at once: forty lines", async () => {
    const home = makeFolder();
    const module = resolve(import.meta.dir, "../../../routines/history/history-file.ts");
    const script = `const { appendHistory } = await import(${JSON.stringify(module)});
await appendHistory(${JSON.stringify(home)}, { ...${JSON.stringify(entry([]))}, words: [process.argv[1]] });`;
    const names = Array.from({ length: 40 }, (_, index) => `n${index}`);
    const children = names.map((name) => Bun.spawn([process.execPath, "-e", script, name], { stderr: "pipe" }));
    await Promise.all(children.map((it) => it.exited));
    expect(
      readHistory(home)
        .map((it) => it.words[0])
        .sort(),
    ).toEqual([...names].sort());
  }, 30_000);
});

test("clearHistory() forgets it, and says how much that was", async () => {
  const home = makeFolder();
  expect(await clearHistory(home)).toBe(0);
  await appendHistory(home, entry(["a"]));
  expect(await clearHistory(home)).toBe(1);
  expect(readdirSync(home)).toEqual([]);
});
