/**
 * A program that keeps a SQLite store busy until it is killed, and says on stdout what it was promised: `sent` and `put` lines once
 * answered, `got` before it acknowledges, `done` once that was answered, `event` once appended. Arguments: the file, a name for this run.
 */
import { writeSync } from "node:fs";
import { openSqliteStore } from "../../../../services/conductor/store/sqlite-store.ts";
import type { Store } from "../../../../services/conductor/store/store.ts";
import { message } from "./_message.ts";

const [file = "", run = ""] = process.argv.slice(2);
const LANES = 3;

function say(...words: (string | number)[]): void {
  writeSync(1, `${words.join(" ")}\n`);
}

async function send(store: Store, from: string): Promise<never> {
  for (let n = 0; ; ) {
    const batch = Array.from({ length: 1 + (n % 7) }, (_, index) => message(from, "sink", n + index));
    n += batch.length;
    const answers = await store.queue.send(batch);
    for (const [index, { id }] of answers.entries()) say("sent", id, from, batch[index]?.payload as number);
  }
}

async function take(store: Store): Promise<never> {
  while (true) {
    const deliveries = await store.queue.receive("sink", { max: 5, visibilityMs: 60_000, now: Date.now() });
    for (const { message: it } of deliveries) say("got", it.id);
    await store.queue.ack(
      "sink",
      deliveries.map(({ receipt }) => receipt),
    );
    for (const { message: it } of deliveries) say("done", it.id);
    await Bun.sleep(1); // slower than what comes in
  }
}

async function put(store: Store, key: string): Promise<never> {
  for (let n = 1; ; n++) {
    await store.state.put(key, n, { now: Date.now() });
    say("put", key, n);
  }
}

async function append(store: Store): Promise<never> {
  for (let n = 1; ; n++) {
    const [event] = await store.events.append([{ type: "t", source: run, time: n, data: n }]);
    say("event", event?.id ?? "");
  }
}

const store = await openSqliteStore(file, { maxEvents: 1_000_000 });
say("ready");
await Promise.all([
  ...Array.from({ length: LANES }, (_, lane) => send(store, `${run}-${lane}`)),
  ...Array.from({ length: LANES }, (_, lane) => put(store, `${run}-${lane}`)),
  take(store),
  append(store),
]);
