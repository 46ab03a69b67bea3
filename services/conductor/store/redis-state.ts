/**
 * Shared state in Redis. Other programs may write the same keys: a read sees what they wrote, and a second connection (redis-listener.ts)
 * hears of every key that changes, so that it gets its version, its place in `list` and its watchers without anybody asking for it.
 */
import { Followers } from "./followers.ts";
import type { RedisLink } from "./redis-link.ts";
import { RedisListener } from "./redis-listener.ts";
import { ADOPT, DELETE, GET, LATEST, LIST, PUT } from "./redis-state-scripts.ts";
import type { StreamEntry, StreamTail } from "./redis-tail.ts";
import type { SharedState, StateChange, StateEntry } from "./store.ts";
import { readJson, toJson } from "./values.ts";

/** One script call makes everybody else wait for its end. */
const ADOPTED_AT_ONCE = 500;

export class RedisState implements SharedState {
  readonly #link: RedisLink;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #listener: RedisListener;
  readonly #watchers = new Followers<StateChange>();
  /** Keys that changed, not adopted yet. */
  readonly #changed = new Set<string>();
  #adopting: Promise<void> | undefined;
  #lastVersion = 0;

  constructor(link: RedisLink, url: string, prefix: string, now: () => number) {
    this.#link = link;
    this.#prefix = prefix;
    this.#now = now;
    const keys = `${prefix}:state:`;
    this.#listener = new RedisListener(url, keys, {
      onKey: (name) => this.#adopt([name.slice(keys.length)]),
      // where it fails, it is done again with the next start
      onStart: () => void this.#adoptAll().catch(() => this.#listener.restart()),
    });
  }

  /** From now on its watchers hear of changes. */
  async attach(tail: StreamTail): Promise<void> {
    const [id, version] = (await this.#link.run(LATEST, [this.#prefix])) as [string, string];
    this.#lastVersion = Number(version);
    tail.follow(`${this.#prefix}:state-changes`, id, (entry) => this.#tell(entry));
  }

  /** Why changes by other programs are not heard of, where that is so. */
  get failure(): string | undefined {
    return this.#listener.failure;
  }

  async get(key: string, now: number): Promise<StateEntry | undefined> {
    return readEntries(await this.#link.run(GET, [this.#prefix, now, key]))[0];
  }

  async put(key: string, value: unknown, options: { ifVersion?: number; ttlMs?: number; now: number }): Promise<StateEntry | undefined> {
    const { ifVersion = "", ttlMs = "", now } = options;
    return readEntries(await this.#link.run(PUT, [this.#prefix, now, key, toJson(value), ifVersion, ttlMs]))[0];
  }

  async delete(key: string, { ifVersion = "", now }: { ifVersion?: number | ""; now: number }): Promise<boolean | undefined> {
    const answer = await this.#link.run(DELETE, [this.#prefix, now, key, ifVersion]);
    return answer === -1 ? undefined : answer === 1;
  }

  async list(prefix: string, { limit, after = "", now }: { limit: number; after?: string; now: number }): Promise<StateEntry[]> {
    // what another program wrote before is in the index after this
    if (this.#link.failure === undefined) await this.#listener.drain();
    await this.#adopting;
    return readEntries(await this.#link.run(LIST, [this.#prefix, now, prefix, after, limit]));
  }

  watch(prefix: string, onChange: (change: StateChange) => void, signal: AbortSignal): Promise<void> {
    return this.#watchers.follow((change) => change.key.startsWith(prefix) && onChange(change), signal);
  }

  close(): void {
    this.#listener.close();
    this.#watchers.endAll();
  }

  async #tell({ fields }: StreamEntry): Promise<void> {
    const { key = "", version: text, value, updated, expires } = fields;
    const version = Number(text);
    // versions that begin anew are those of a Redis that was emptied
    if (version > this.#lastVersion + 1) await this.#tellMissed(version);
    this.#lastVersion = version;
    const entry = value === undefined ? null : toEntry(key, value, version, Number(updated), Number(expires));
    this.#watchers.publish({ key, entry });
  }

  /** Away for longer than the stream remembers: what is still there of the versions in between, in their order. */
  async #tellMissed(before: number): Promise<void> {
    const missed: StateEntry[] = [];
    for (let after = ""; ; ) {
      const page = await this.list("", { limit: ADOPTED_AT_ONCE, after, now: this.#now() });
      missed.push(...page.filter(({ version }) => version > this.#lastVersion && version < before));
      if (page.length < ADOPTED_AT_ONCE) break;
      after = page.at(-1)?.key ?? "";
    }
    for (const entry of missed.sort((a, b) => a.version - b.version)) this.#watchers.publish({ key: entry.key, entry });
  }

  /** After a time without the listener: all keys that are there, and all that were. */
  async #adoptAll(): Promise<void> {
    const keys = `${this.#prefix}:state:`;
    const known = (await this.#link.send("HKEYS", [`${this.#prefix}:state-meta`])) as Iterable<string>;
    this.#adopt(known);
    let cursor = "0";
    do {
      const args = [cursor, "MATCH", `${escapeGlob(keys)}*`, "COUNT", "1000"];
      const [next, found] = (await this.#link.send("SCAN", args)) as [string, string[]];
      this.#adopt(found.map((name) => name.slice(keys.length)));
      cursor = next;
    } while (cursor !== "0");
    await this.#adopting;
  }

  #adopt(keys: Iterable<string>): void {
    for (const key of keys) this.#changed.add(key);
    this.#adopting ??= this.#adoptChanged().finally(() => {
      this.#adopting = undefined;
    });
  }

  async #adoptChanged(): Promise<void> {
    while (this.#changed.size > 0) {
      const keys = [...this.#changed.keys().take(ADOPTED_AT_ONCE)];
      for (const key of keys) this.#changed.delete(key);
      try {
        await this.#link.run(ADOPT, [this.#prefix, this.#now()], keys);
      } catch {
        // Redis is away: when the listener is there again, all keys are looked at
        this.#listener.restart();
        this.#changed.clear();
      }
    }
  }
}

/** What glob patterns of Redis mean otherwise. */
function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^]/g, "\\$&");
}

function readEntries(answer: unknown): StateEntry[] {
  const flat = answer as string[];
  const entries: StateEntry[] = [];
  for (let i = 0; i < flat.length; i += 5) {
    const [key, value, version, updated, expires] = flat.slice(i, i + 5) as [string, string, string, string, string];
    entries.push(toEntry(key, value, Number(version), Number(updated), Number(expires)));
  }
  return entries;
}

/** `expires`: 0 for never. */
function toEntry(key: string, value: string, version: number, updatedAt: number, expires: number): StateEntry {
  return { key, value: readJson(value), version, updatedAt, expiresAt: expires === 0 ? null : expires };
}
