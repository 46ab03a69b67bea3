/** What only the SQLite store has: a file, which may be anything, and a disk, which may be full. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../../../services/conductor/store/open-store.ts";
import { openDatabase } from "../../../../services/conductor/store/sqlite-database.ts";
import { SqliteQueue } from "../../../../services/conductor/store/sqlite-queue.ts";
import { openSqliteStore } from "../../../../services/conductor/store/sqlite-store.ts";
import { resultOf } from "../../../_process.ts";
import { makeFolder, makeTree } from "../../../_workspace.ts";
import { message } from "./_message.ts";

describe("the file", () => {
  test("is made for this user alone, with its folder", async () => {
    const folder = join(makeFolder(), "data");
    await using store = await openStore({ folder, redisUrl: "" });
    await store.state.put("a", 1, { now: 1 });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of ["conductor.db", "conductor.db-wal"]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(await store.status()).toEqual({ kind: "sqlite", ok: true });
  });

  test("belongs to one process", async () => {
    const file = join(makeFolder(), "conductor.db");
    await using _ = await openSqliteStore(file);
    await expect(openSqliteStore(file)).rejects.toMatchObject({
      code: "refused",
      message: `Cannot open "${file}": another process has it open`,
      hint: "Stop the other conductor, or give this one a folder of its own",
    });
  });

  test("is free again when the store is closed, or its process killed", async () => {
    const file = join(makeFolder(), "conductor.db");
    for (let round = 0; round < 3; round++) {
      const store = await openSqliteStore(file);
      await store.state.put("a", round, { now: 1 });
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    }
    await using store = await openSqliteStore(file);
    expect((await store.state.get("a", 1))?.value).toBe(2);
  });

  test.each([
    [
      "no database",
      "this is no database, but it is long enough to be looked at by SQLite".repeat(30),
      "Move the file away to begin anew, or put a backup in its place",
    ],
    ["too new", undefined, "Start the newer version, or move the file away to begin anew"],
  ])("%s: refused, and left as it is", async (_, text, hint) => {
    const file = join(makeTree({}), "conductor.db");
    if (text === undefined) new Database(file).run("PRAGMA user_version = 99");
    else writeFileSync(file, text);
    const before = statSync(file).size;
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: "refused", message: expect.stringContaining(file), hint });
    expect(statSync(file).size).toBe(before);
  });

  test("in a folder that cannot be made: refused", async () => {
    const folder = makeTree({ taken: "a file" });
    await expect(openSqliteStore(join(folder, "taken", "conductor.db"))).rejects.toMatchObject({
      code: "refused",
      hint: "Check that the folder exists and that you may write to it",
    });
  });
});

const FILL = `
  const { openSqliteStore } = await import(process.argv[1]);
  process.on("SIGXFSZ", () => {});
  await using store = await openSqliteStore(process.argv[2]);
  await store.documents.put("kind", "kept", 1);
  const answers = await Promise.allSettled(Array.from({ length: 40 }, (_, id) => store.documents.put("kind", String(id), "x".repeat(20_000))));
  const failed = answers.find(({ status }) => status === "rejected")?.reason;
  const status = await store.status();
  console.log(JSON.stringify({
    code: failed?.code, message: failed?.message, status,
    kept: await store.documents.get("kind", "kept"),
    all: (await store.documents.list("kind")).length,
    fulfilled: answers.filter(({ status }) => status === "fulfilled").length,
  }));
`;

test.skipIf(Bun.which("prlimit") === null)(
  "a disk that takes no more: writes fail with the reason, reads go on (needs prlimit)",
  async () => {
    const file = join(makeFolder(), "conductor.db");
    const module = join(import.meta.dir, "../../../../services/conductor/store/sqlite-store.ts");
    const child = Bun.spawn(["prlimit", "--fsize=300000", process.execPath, "-e", FILL, module, file], { stdout: "pipe", stderr: "pipe" });
    const { stdout, stderr } = await resultOf(child);
    expect(stderr).toBe("");
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({ code: "unavailable", message: expect.stringContaining(`Cannot write "${file}": `), kept: 1 });
    expect(said.all).toBe(said.fulfilled + 1);
    expect(said.fulfilled).toBeLessThan(40);
  },
);

test("a call that fails takes nothing of its neighbours along", async () => {
  await using store = await openSqliteStore(join(makeFolder(), "conductor.db"));
  const broken = { ...message("a", "b", 1), from: null as unknown as string };
  const answers = await Promise.allSettled([
    store.queue.send([message("a", "b", 1)]),
    store.queue.send([message("a", "b", 2), broken]),
    store.queue.send([message("a", "b", 3)]),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  const deliveries = await store.queue.receive("b", { max: 10, visibilityMs: 1_000, now: Date.now() });
  expect(deliveries.map((it) => it.message.payload)).toEqual([1, 3]);
  expect((await store.status()).ok).toBe(true);
});

test("what was asked for before it is closed is done", async () => {
  const file = join(makeFolder(), "conductor.db");
  const store = await openSqliteStore(file);
  const puts = Array.from({ length: 50 }, (_, id) => store.documents.put("kind", String(id), id));
  await store[Symbol.asyncDispose]();
  await Promise.all(puts);
  await using again = await openSqliteStore(file);
  expect(await again.documents.list("kind")).toHaveLength(50);
});

test("deaths that were told in a transaction that was not kept are told again, and those of it never", () => {
  const file = join(makeFolder(), "conductor.db");
  const database = openDatabase(file);
  const queue = new SqliteQueue(database, { maxAttempts: 1, maxWaiting: 10, idempotencyMs: 1, deadLetterMs: 1_000 });
  const send = (from: string) => queue.send([{ from, to: "sink", expiresAt: 1, key: null, body: "{}" }], 1);
  send("a");
  queue.sweep(2);
  const mark = queue.mark();
  database.run("BEGIN");
  expect(queue.deaths()).toMatchObject([{ from: "a" }]);
  send("b");
  queue.sweep(2);
  database.run("ROLLBACK");
  queue.rolledBack(mark);
  expect(queue.deaths()).toMatchObject([{ from: "a" }]);
  expect(queue.deaths()).toEqual([]);
  database.close();
});
