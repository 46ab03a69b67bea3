/** Shared state, events and documents in SQL. Each method runs inside of a transaction of its caller's; values go in and out as JSON text. */
import type { Database } from "bun:sqlite";
import { nextNumber, readId, writeId } from "./message-id.ts";
import { Counter } from "./sqlite-database.ts";

/** A state entry whose value is still JSON text. */
export interface StateRow {
  key: string;
  value: string;
  version: number;
  updatedAt: number;
  expiresAt: number | null;
}

const COLUMNS = "key, value, version, updated_at AS updatedAt, expires_at AS expiresAt";

export class SqliteState {
  readonly #database: Database;
  readonly #revision: Counter;

  constructor(database: Database) {
    this.#database = database;
    this.#revision = new Counter(database, "revision");
  }

  get(key: string, now: number): StateRow | undefined {
    const row = this.#database.query(`SELECT ${COLUMNS} FROM state WHERE key = ?`).get(key) as StateRow | null;
    return row === null || (row.expiresAt !== null && row.expiresAt <= now) ? undefined : row;
  }

  put(key: string, value: string, ifVersion: number | undefined, ttlMs: number | undefined, now: number): StateRow | undefined {
    if (ifVersion !== undefined && (this.get(key, now)?.version ?? 0) !== ifVersion) return undefined;
    const row = { key, value, version: this.#nextRevision(), updatedAt: now, expiresAt: ttlMs === undefined ? null : now + ttlMs };
    this.#database
      .query("INSERT OR REPLACE INTO state (key, value, version, updated_at, expires_at) VALUES (?, ?, ?, ?, ?)")
      .run(row.key, row.value, row.version, row.updatedAt, row.expiresAt);
    return row;
  }

  delete(key: string, ifVersion: number | undefined, now: number): boolean | undefined {
    const row = this.get(key, now);
    if (ifVersion !== undefined && (row?.version ?? 0) !== ifVersion) return undefined;
    if (row === undefined) return false;
    this.#nextRevision();
    this.#database.query("DELETE FROM state WHERE key = ?").run(key);
    return true;
  }

  /** From the first key that is `start` or greater; `after` is left out. */
  list(prefix: string, limit: number, after: string | undefined, now: number): StateRow[] {
    return this.#database
      .query(
        `SELECT ${COLUMNS} FROM state WHERE key >= ?1 AND key < ?2 AND key > ifnull(?3, '') AND (expires_at IS NULL OR expires_at > ?4) ORDER BY key LIMIT ?5`,
      )
      .all(prefix, `${prefix}\u{10ffff}`, after ?? null, now, limit) as StateRow[];
  }

  /** Removes what is over; its keys, in the order of their ends. */
  expire(now: number): string[] {
    const keys = this.#database.query("SELECT key FROM state WHERE expires_at <= ? ORDER BY expires_at, key").all(now) as { key: string }[];
    if (keys.length === 0) return [];
    this.#database.query("DELETE FROM state WHERE expires_at <= ?").run(now);
    this.#revision.set(this.#revision.get() + keys.length);
    return keys.map(({ key }) => key);
  }

  /** When the next one is over. */
  nextExpiry(): number | null {
    return (this.#database.query("SELECT min(expires_at) AS at FROM state WHERE expires_at IS NOT NULL").get() as { at: number | null }).at;
  }

  #nextRevision(): number {
    const revision = this.#revision.get() + 1;
    this.#revision.set(revision);
    return revision;
  }
}

/** An event whose data is still JSON text. */
export interface EventRow {
  type: string;
  source: string;
  time: number;
  data: string;
}

export class SqliteEvents {
  readonly #database: Database;
  readonly #maxEvents: number;
  readonly #counter: Counter;

  constructor(database: Database, maxEvents: number) {
    this.#database = database;
    this.#maxEvents = maxEvents;
    this.#counter = new Counter(database, "event");
  }

  /** Their ids; the oldest ones make room. */
  append(rows: readonly EventRow[], now: number): string[] {
    const insert = this.#database.query("INSERT INTO events (n, type, source, time, data) VALUES (?, ?, ?, ?, ?)");
    let last = this.#counter.get();
    const ids = rows.map((row) => {
      last = nextNumber(last, now);
      insert.run(last, row.type, row.source, row.time, row.data);
      return writeId(last);
    });
    this.#counter.set(last);
    this.#database.query("DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?").run(this.#maxEvents);
    return ids;
  }

  since(id: string | undefined, limit: number): (EventRow & { id: string })[] {
    const rows = this.#database
      .query("SELECT n, type, source, time, data FROM events WHERE n > ? ORDER BY n LIMIT ?")
      .all((id === undefined ? undefined : readId(id)) ?? 0, limit) as (EventRow & { n: number })[];
    return rows.map(({ n, ...row }) => ({ id: writeId(n), ...row }));
  }

  oldest(): string | undefined {
    return this.#idOf("SELECT min(n) AS n FROM events");
  }

  newest(): string | undefined {
    return this.#idOf("SELECT max(n) AS n FROM events");
  }

  #idOf(sql: string): string | undefined {
    const { n } = this.#database.query(sql).get() as { n: number | null };
    return n === null ? undefined : writeId(n);
  }
}

export class SqliteDocuments {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(kind: string, id: string): string | undefined {
    const row = this.#database.query("SELECT value FROM documents WHERE kind = ? AND id = ?").get(kind, id) as { value: string } | null;
    return row?.value;
  }

  put(kind: string, id: string, value: string): void {
    this.#database.query("INSERT OR REPLACE INTO documents (kind, id, value) VALUES (?, ?, ?)").run(kind, id, value);
  }

  delete(kind: string, id: string): boolean {
    return this.#database.query("DELETE FROM documents WHERE kind = ? AND id = ?").run(kind, id).changes > 0;
  }

  list(kind: string): { id: string; value: string }[] {
    return this.#database.query("SELECT id, value FROM documents WHERE kind = ? ORDER BY id").all(kind) as { id: string; value: string }[];
  }
}
