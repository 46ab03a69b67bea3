/**
 * A process with the SQLite store under load, killed at random places: what it was promised is there. HARBOR_TEST_KILLS=100 does that often
 * instead of a few times; HARBOR_TEST_SEED repeats the moments.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openDatabase } from "../../../../services/conductor/store/sqlite-database.ts";
import { openSqliteStore } from "../../../../services/conductor/store/sqlite-store.ts";
import type { Delivery, Store } from "../../../../services/conductor/store/store.ts";
import { makeFolder } from "../../../_workspace.ts";
import { randomFrom } from "./_message.ts";

const KILLS = Number(process.env.HARBOR_TEST_KILLS ?? 6);

const LOAD = Bun.fileURLToPath(new URL("./_load.ts", import.meta.url));

/** What one run was promised. */
interface Promises {
  sent: Map<string, { from: string; n: number }>;
  got: Set<string>;
  done: Set<string>;
  put: Map<string, number>;
  events: Set<string>;
}

/** Starts the load, kills it `afterMs` after it is ready. */
async function runAndKill(file: string, run: string, afterMs: number): Promise<Promises> {
  const child = Bun.spawn([process.execPath, LOAD, file, run], { stdout: "pipe", stderr: "inherit" });
  let said = "";
  const decoder = new TextDecoder();
  let timer: Timer | undefined;
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    if (timer === undefined && said.includes("ready\n")) timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  }
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  return readPromises(said.slice(0, said.lastIndexOf("\n") + 1));
}

function readPromises(said: string): Promises {
  const promises: Promises = { sent: new Map(), got: new Set(), done: new Set(), put: new Map(), events: new Set() };
  for (const line of said.split("\n")) {
    const [word = "", id = "", from = "", n = ""] = line.split(" ");
    if (word === "sent") promises.sent.set(id, { from, n: Number(n) });
    else if (word === "got") promises.got.add(id);
    else if (word === "done") promises.done.add(id);
    else if (word === "put") promises.put.set(id, Number(from));
    else if (word === "event") promises.events.add(id);
  }
  return promises;
}

/** All that is still there, as receivers get it when the time of those before is over. */
async function drain(store: Store): Promise<Delivery[]> {
  const later = Date.now() + 3_600_000;
  const all: Delivery[] = [];
  while (true) {
    const deliveries = await store.queue.receive("sink", { max: 1_000, visibilityMs: 1_000, now: later });
    if (deliveries.length === 0) return all;
    all.push(...deliveries);
    await store.queue.ack(
      "sink",
      deliveries.map(({ receipt }) => receipt),
    );
  }
}

describe("kill -9 under load", () => {
  const seed = Number(process.env.HARBOR_TEST_SEED ?? Date.now() % 1_000_000);
  test(
    `${KILLS} times: every promise is kept (HARBOR_TEST_SEED=${seed})`,
    async () => {
      const pick = randomFrom(seed);
      const file = join(makeFolder(), "store", "conductor.db");
      let messages = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const promises = await runAndKill(file, `run${kill}`, pick(400));
        await using store = await openSqliteStore(file, { maxEvents: 1_000_000 });
        await checkQueue(promises, await drain(store));
        for (const [key, n] of promises.put) expect((await store.state.get(key, Date.now()))?.value).toBeGreaterThanOrEqual(n);
        const kept = new Set((await store.events.since(undefined, 1_000_000)).map(({ id }) => id));
        expect([...promises.events].filter((id) => !kept.has(id))).toEqual([]);
        messages += promises.sent.size;
      }
      expect(messages).toBeGreaterThan(0);
    },
    20_000 + KILLS * 5_000,
  );
});

function checkQueue(promises: Promises, left: readonly Delivery[]): void {
  const there = new Set(left.map(({ message }) => message.id));
  expect(there.size).toBe(left.length);
  // at least once
  expect([...promises.sent.keys()].filter((id) => !there.has(id) && !promises.got.has(id))).toEqual([]);
  // what was acknowledged for good does not come again
  expect([...promises.done].filter((id) => there.has(id))).toEqual([]);
  // in order per pair, and without holes: what is left is the end of what was sent
  const next = new Map<string, number>();
  for (const { message } of left) {
    const expected = next.get(message.from);
    if (expected !== undefined) expect(message.payload).toBe(expected);
    next.set(message.from, (message.payload as number) + 1);
  }
  for (const { from, n } of promises.sent.values()) {
    const end = next.get(from);
    if (end !== undefined) expect(n).toBeLessThan(end);
  }
}

test("a commit waits for the disk", () => {
  const database = openDatabase(join(makeFolder(), "conductor.db"));
  expect(database.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  expect(database.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  database.close();
});
