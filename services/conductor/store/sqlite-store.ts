/**
 * The store in one SQLite file, which belongs to this process alone. Calls that come while a commit runs go into the next one together
 * (group commit): one fsync for all of them, and each is answered after it.
 */
import { Followers } from "./followers.ts";
import type { DeliveredRow, QueueRow } from "./sqlite-queue.ts";
import type { StateRow } from "./sqlite-state.ts";
import { ThreadedDatabase } from "./sqlite-thread.ts";
import {
  DEFAULT_OPTIONS,
  type DeadLetter,
  type Documents,
  type EventLog,
  type Message,
  type NewMessage,
  type Queue,
  type SharedState,
  type StateChange,
  type StateEntry,
  type Store,
  type StoredEvent,
  type StoreOptions,
} from "./store.ts";
import { readBody, toJson, writeBody } from "./values.ts";

/** What setTimeout can wait at most. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Makes the file and its folder where they are missing. Rejects with a StoreError where it is another process's, damaged, or too new. */
export async function openSqliteStore(file: string, options: Partial<StoreOptions> = {}): Promise<Store> {
  const { now, ...limits } = { ...DEFAULT_OPTIONS, ...options };
  const database = await ThreadedDatabase.open({ file, limits });
  const state = new State(database, now);
  const events = new Events(database, now);
  await state.expire();
  return {
    queue: makeQueue(database, now),
    state,
    events,
    documents: makeDocuments(database),
    status: async () => {
      // what failed is tried again: nobody else may be writing
      if (database.failure !== undefined) await database.call("probe").catch(() => undefined);
      const { failure } = database;
      return failure === undefined ? { kind: "sqlite", ok: true } : { kind: "sqlite", ok: false, reason: failure };
    },
    own: async () => {},
    [Symbol.asyncDispose]: async () => {
      state.close();
      events.close();
      await database.close();
    },
  };
}

function makeQueue(database: ThreadedDatabase, now: () => number): Queue {
  return {
    send: async (messages) => (messages.length === 0 ? [] : database.call("send", messages.map(toRow), now())),
    receive: async (to, { max, visibilityMs, now: at }) => {
      const rows = await database.call("receive", to, max, visibilityMs, at);
      return rows.map((row) => ({
        message: toMessage(row, to),
        receipt: `${row.id}.${row.attempt}`,
        attempt: row.attempt,
        visibleUntil: at + visibilityMs,
      }));
    },
    ack: async (to, receipts) => (receipts.length === 0 ? 0 : database.call("ack", to, receipts)),
    release: async (to, receipts, delayMs) => (receipts.length === 0 ? 0 : database.call("release", to, receipts, delayMs, now())),
    deadLetters: async (to) => {
      const rows = await database.call("deadLetters", to);
      return rows.map((row): DeadLetter => ({ ...toMessage(row, row.to), reason: row.reason, attempts: row.attempt, diedAt: row.diedAt }));
    },
    redrive: async (ids) => database.call("redrive", ids),
    depth: async (to) => database.call("depth", to),
    sweep: async (at) => database.call("sweep", at),
    deaths: async () => database.call("deaths"),
  };
}

function toRow(message: NewMessage): QueueRow {
  const { from, to, expiresAt, idempotencyKey } = message;
  return { from, to, expiresAt, key: idempotencyKey, body: writeBody(message) };
}

function toMessage({ id, from, expiresAt, body }: DeliveredRow, to: string): Message {
  return { id, from, to, expiresAt, ...readBody(body) };
}

class State implements SharedState {
  readonly #database: ThreadedDatabase;
  readonly #now: () => number;
  readonly #watchers = new Followers<StateChange>();
  #alarm: { at: number; timer: Timer } | undefined;

  constructor(database: ThreadedDatabase, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  async get(key: string, now: number): Promise<StateEntry | undefined> {
    const row = await this.#database.call("getState", key, now);
    return row && toEntry(row);
  }

  async put(key: string, value: unknown, options: { ifVersion?: number; ttlMs?: number; now: number }): Promise<StateEntry | undefined> {
    const { expired, row } = await this.#database.call("putState", key, toJson(value), options.ifVersion, options.ttlMs, options.now);
    this.#tellExpired(expired);
    if (row === undefined) return undefined;
    const entry = toEntry(row);
    this.#watchers.publish({ key, entry });
    if (entry.expiresAt !== null) this.#wakeAt(entry.expiresAt);
    return entry;
  }

  async delete(key: string, options: { ifVersion?: number; now: number }): Promise<boolean | undefined> {
    const { expired, isDeleted } = await this.#database.call("deleteState", key, options.ifVersion, options.now);
    this.#tellExpired(expired);
    if (isDeleted) this.#watchers.publish({ key, entry: null });
    return isDeleted;
  }

  async list(prefix: string, { limit, after, now }: { limit: number; after?: string; now: number }): Promise<StateEntry[]> {
    return (await this.#database.call("listState", prefix, limit, after, now)).map(toEntry);
  }

  watch(prefix: string, onChange: (change: StateChange) => void, signal: AbortSignal): Promise<void> {
    return this.#watchers.follow((change) => change.key.startsWith(prefix) && onChange(change), signal);
  }

  /** Ends entries whose time is over, so that watchers hear of it, and comes again when the next one's is. */
  async expire(): Promise<void> {
    this.#alarm = undefined;
    const { expired, next } = await this.#database.call("expireState", this.#now());
    this.#tellExpired(expired);
    if (next !== null) this.#wakeAt(next);
  }

  close(): void {
    clearTimeout(this.#alarm?.timer);
    this.#watchers.endAll();
  }

  #tellExpired(keys: readonly string[]): void {
    for (const key of keys) this.#watchers.publish({ key, entry: null });
  }

  #wakeAt(at: number): void {
    if (this.#alarm !== undefined && this.#alarm.at <= at) return;
    clearTimeout(this.#alarm?.timer);
    // a disk that is full now is tried again with the next entry that ends; reads leave out what is over by themselves
    const wake = (): unknown => this.expire().catch(() => undefined);
    const timer = setTimeout(wake, Math.min(Math.max(at - this.#now(), 1), LONGEST_WAIT_MS));
    timer.unref();
    this.#alarm = { at, timer };
  }
}

class Events implements EventLog {
  readonly #database: ThreadedDatabase;
  readonly #now: () => number;
  readonly #followers = new Followers<StoredEvent>();

  constructor(database: ThreadedDatabase, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  async append(events: readonly Omit<StoredEvent, "id">[]): Promise<StoredEvent[]> {
    if (events.length === 0) return [];
    const rows = events.map(({ type, source, time, data }) => ({ type, source, time, data: toJson(data) }));
    const ids = await this.#database.call("appendEvents", rows, this.#now());
    const stored = rows.map((row, index) => ({ id: ids[index] as string, ...row, data: JSON.parse(row.data) as unknown }));
    for (const event of stored) this.#followers.publish(event);
    return stored;
  }

  async since(id: string | undefined, limit: number): Promise<StoredEvent[]> {
    const rows = await this.#database.call("eventsSince", id, limit);
    return rows.map((row) => ({ ...row, data: JSON.parse(row.data) as unknown }));
  }

  follow(onEvent: (event: StoredEvent) => void, signal: AbortSignal): Promise<void> {
    return this.#followers.follow(onEvent, signal);
  }

  async oldest(): Promise<string | undefined> {
    return this.#database.call("oldestEvent");
  }

  async newest(): Promise<string | undefined> {
    return this.#database.call("newestEvent");
  }

  close(): void {
    this.#followers.endAll();
  }
}

function makeDocuments(database: ThreadedDatabase): Documents {
  return {
    get: async <T>(kind: string, id: string) => {
      const text = await database.call("getDocument", kind, id);
      return text === undefined ? undefined : (JSON.parse(text) as T);
    },
    put: async (kind, id, value) => database.call("putDocument", kind, id, toJson(value)),
    delete: async (kind, id) => database.call("deleteDocument", kind, id),
    list: async <T>(kind: string) =>
      (await database.call("listDocuments", kind)).map(({ id, value }) => ({ id, value: JSON.parse(value) as T })),
  };
}

function toEntry({ value, ...rest }: StateRow): StateEntry {
  return { ...rest, value: JSON.parse(value) as unknown };
}
