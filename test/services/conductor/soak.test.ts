/**
 * Four components that do everything all the time: a few seconds, or as many as `HARBOR_TEST_SOAK` says:
 * `HARBOR_TEST_SOAK=600 bun test --timeout 900000 test/services/conductor/soak.test.ts`. Nothing is lost, and nothing grows.
 */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeAll } from "../../../routines/_script/emit.ts";
import { type Client, connect } from "../../../services/conductor/client/client.ts";
import type { ConductorClientError } from "../../../services/conductor/client/http.ts";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { type Program, TOKEN, usePrograms } from "./_program.ts";
import { HAS_REDIS, RedisServer } from "./store/_redis.ts";

const ASKED = process.env.HARBOR_TEST_SOAK;
const SOAK_MS = Number(ASKED ?? 5) * 1_000;
/** Between two turns of a loop: it is to last, not to be fast. */
const PACE_MS = 8;
const MEGABYTE = 1_048_576;
const GROWTH = { bytes: 64 * MEGABYTE, files: 20, threads: 4 };
/** Of the store: the last events and changes, a write-ahead log; and the keys of messages, which are remembered for a day. */
const KEPT = { bytes: 64 * MEGABYTE, perMessage: 320 };

const programs = usePrograms();
const clients: Client[] = [];
const servers: RedisServer[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(async () => {
  for (const server of servers) await server.kill();
});

interface Size {
  bytes: number;
  files: number;
  threads: number;
}

function measure({ pid }: Program): Size {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const numberOf = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { bytes: numberOf("VmRSS") * 1_024, files: readdirSync(`/proc/${pid}/fd`).length, threads: numberOf("Threads") };
}

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** What goes on between four components, counted on both sides. */
class Bustle {
  readonly counts = { sent: 0, received: 0, published: 0, heard: 0, written: 0, asked: 0, polls: 0, streams: 0 };
  readonly problems: string[] = [];
  readonly #program: Program;
  readonly #all: readonly [Client, Client, Client, Client];
  #isOn = true;
  #work: Promise<void>[] = [];
  #lastSeen = 0;

  constructor(program: Program, all: readonly [Client, Client, Client, Client]) {
    this.#program = program;
    this.#all = all;
  }

  async start(): Promise<void> {
    const [hub, sink, writer, reader] = this.#all;
    const events = reader.on<number>("tick", ({ data }) => {
      if (data !== this.counts.heard) this.#problem(`event ${data} instead of ${this.counts.heard}`);
      this.counts.heard++;
    });
    const answers = sink.answer("double", (n) => 2 * Number(n));
    const watch = reader.state.watch<number>("count", ({ entry }) => {
      const value = entry?.value ?? 0;
      if (value < this.#lastSeen) this.#problem(`the watch went back from ${this.#lastSeen} to ${value}`);
      this.#lastSeen = value;
    });
    await Promise.all([events.ready, answers.ready, watch.ready]);
    const loops = [() => this.#send(hub), () => this.#publish(writer), () => this.#ask(reader), () => this.#poll(hub), () => this.#open()];
    this.#work = loops.map((once) => this.#loop(once));
    this.#work.push(
      this.#loop(() => this.#count(hub)),
      this.#loop(() => this.#count(writer)),
    );
    void this.#receive(sink);
  }

  /** When all that was begun has come to its end. */
  async finish(): Promise<void> {
    this.#isOn = false;
    await Promise.all(this.#work);
    const { counts } = this;
    await until(
      () => counts.received === counts.sent && counts.heard === counts.published,
      `all has come: ${JSON.stringify(counts)}`,
      20_000,
    );
    const entry = await this.#all[3].state.get<number>("count");
    if (entry?.value !== counts.written) this.#problem(`the count is ${entry?.value} after ${counts.written} writes`);
    await until(() => this.#lastSeen === counts.written, "the watch has seen the last one");
  }

  async #loop(once: () => Promise<void>): Promise<void> {
    while (this.#isOn) {
      await once().catch((error: Error) => this.#problem(error.message));
      await Bun.sleep(PACE_MS);
    }
  }

  async #send(hub: Client): Promise<void> {
    const from = this.counts.sent;
    const messages = Array.from({ length: 5 }, (_, index) => ({ to: "sink", payload: { n: from + index, text: "x".repeat(200) } }));
    await hub.queue.sendBatch(messages);
    this.counts.sent += messages.length;
  }

  async #receive(sink: Client): Promise<void> {
    for await (const message of sink.queue.messages<{ n: number }>()) {
      if (message.payload.n !== this.counts.received) this.#problem(`message ${message.payload.n} instead of ${this.counts.received}`);
      this.counts.received++;
      await message.ack();
    }
  }

  async #publish(writer: Client): Promise<void> {
    await writer.publish("tick", this.counts.published);
    this.counts.published++;
  }

  async #ask(reader: Client): Promise<void> {
    const n = this.counts.asked++;
    const answer = await reader.request("sink", "double", n);
    if (answer !== 2 * n) this.#problem(`${n} doubled is ${answer}`);
  }

  /** Of two at once one has to read again. */
  async #count(client: Client): Promise<void> {
    const entry = await client.state.get<number>("count");
    try {
      await client.state.put("count", (entry?.value ?? 0) + 1, { ifVersion: entry?.version ?? 0 });
      this.counts.written++;
    } catch (error) {
      if ((error as ConductorClientError).code !== "version_mismatch") throw error;
    }
    await client.state.put(`brief/${this.counts.written % 50}`, "x".repeat(1_000), { ttlSeconds: 1 });
  }

  /** One that waits in vain for a moment. */
  async #poll(hub: Client): Promise<void> {
    await this.#program.ask("GET", `/queue/receive?component=${hub.id}&wait=1`);
    this.counts.polls++;
  }

  /** Opened, and left without a word. */
  async #open(): Promise<void> {
    const end = new AbortController();
    const paths = ["/events/subscribe", "/services?watch=true", "/state?watch=true", "/dashboard?watch=true"];
    const path = paths[this.counts.streams++ % paths.length] as string;
    const answer = await fetch(this.#program.url + path, { headers: { authorization: `Bearer ${TOKEN}` }, signal: end.signal });
    await answer.body?.getReader().read();
    end.abort();
  }

  #problem(text: string): void {
    if (this.problems.length < 20) this.problems.push(text);
  }
}

/** The program goes on; `mayKeep`: what its store may be as large as. */
async function soak(env: Record<string, string>): Promise<{ program: Program; mayKeep: number }> {
  const program = await programs({ HARBOR_CONDUCTOR_RATE: "0", ...env }).start();
  const names = ["hub", "sink", "writer", "reader"] as const;
  const join = (component: string): Promise<Client> =>
    connect({ url: program.url, token: TOKEN, component, port: 4_001, heartbeatSeconds: 1, pulse: () => ({ metrics: { load: 0.1 } }) });
  const all = (await Promise.all(names.map(join))) as [Client, Client, Client, Client];
  clients.push(...all);
  const bustle = new Bustle(program, all);
  await bustle.start();
  // what grows in the beginning is what it needs
  await Bun.sleep(SOAK_MS / 4);
  const before = measure(program);
  await Bun.sleep((SOAK_MS * 3) / 4);
  await bustle.finish();
  const after = measure(program);
  expect(bustle.problems).toEqual([]);
  const { services } = (await program.ask("GET", "/services")).body;
  expect(
    services.map(({ status, missed_heartbeats }: { status: string; missed_heartbeats: number }) => [status, missed_heartbeats]),
  ).toEqual(names.map(() => ["healthy", 0]));
  const grown = { bytes: after.bytes - before.bytes, files: after.files - before.files, threads: after.threads - before.threads };
  expect(grown.bytes).toBeLessThan(GROWTH.bytes);
  expect(grown.files).toBeLessThan(GROWTH.files);
  expect(grown.threads).toBeLessThan(GROWTH.threads);
  if (ASKED !== undefined) writeAll(2, `${ASKED} s: ${JSON.stringify({ before, after, counts: bustle.counts })}\n`);
  return { program, mayKeep: KEPT.bytes + bustle.counts.sent * KEPT.perMessage };
}

describe.skipIf(process.platform !== "linux")(`${SOAK_MS / 1_000} s of everything`, () => {
  test(
    "with SQLite",
    async () => {
      const folder = makeFolder();
      const { program, mayKeep } = await soak({ HARBOR_CONDUCTOR_DATA: folder });
      const bytes = sizeOf(folder);
      if (ASKED !== undefined) writeAll(2, `files: ${(bytes / MEGABYTE).toFixed(1)} MB\n`);
      expect(bytes).toBeLessThan(mayKeep);
      expect(await program.end()).toBe(0);
      expect(program.said.trimEnd().split("\n")).toHaveLength(1);
    },
    SOAK_MS + 60_000,
  );

  test.skipIf(!HAS_REDIS)(
    "with Redis",
    async () => {
      const redis = await new RedisServer(["--appendonly", "yes", "--appendfsync", "always"]).start();
      servers.push(redis);
      const { program, mayKeep } = await soak({ HARBOR_CONDUCTOR_DATA: makeFolder(), HARBOR_CONDUCTOR_REDIS_URL: redis.url });
      const used = Number(/used_memory:(\d+)/.exec(String(await redis.ask("INFO", "memory")))?.[1]);
      if (ASKED !== undefined) writeAll(2, `Redis's memory: ${(used / MEGABYTE).toFixed(1)} MB\n`);
      expect(used).toBeLessThan(mayKeep);
      expect(await program.end()).toBe(0);
      expect(program.said.trimEnd().split("\n")).toHaveLength(1);
    },
    SOAK_MS + 60_000,
  );
});
