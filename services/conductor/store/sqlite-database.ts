/** The file: opened by one process alone, its tables, and transactions that are on disk when they end. */
import { Database } from "bun:sqlite";
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { StoreError } from "./store.ts";

/** Of the tables below; kept in `user_version`. */
const SCHEMA_VERSION = 1;

/** Another conductor that is ending has this long to let go of the file. */
const LOCK_WAIT_MS = 2_000;

/** A WAL that grew under load is cut back to this. */
const WAL_BYTES = 64 * 1024 * 1024;

/**
 * Pages of 4 kB in the WAL until they are carried over into the file: 16 MB, four times SQLite's own. Idempotency keys and the ends of
 * many pairs' queues change pages here and there, the same ones again and again: each is carried over once in that time.
 */
const CHECKPOINT_PAGES = 4_000;

/** What is kept of the file in memory, at most; four times SQLite's own, and no more: the system keeps it as well. */
const CACHE_KIB = 8 * 1024;

/**
 * messages: those not done, waiting or in flight. pairs: one row per sender and receiver that have messages: how many, how many of those
 * in flight, the first waiting one's number, and until when a delayed release holds them back. flight: handed out and not acknowledged.
 * idempotency: the hash of a sender and its key, as short as it can be, since these are at random places; the message's number says when.
 * events: `seq` has no holes, so that the oldest ones are found without counting.
 */
const SCHEMA = `
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO counters VALUES ('message', 0), ('event', 0), ('revision', 0);

  CREATE TABLE messages (n INTEGER PRIMARY KEY, recipient TEXT NOT NULL, sender TEXT NOT NULL, attempts INTEGER NOT NULL, expires_at INTEGER, body TEXT NOT NULL);
  CREATE INDEX messages_pair ON messages (recipient, sender, n);
  CREATE INDEX messages_expiry ON messages (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE pairs (recipient TEXT, sender TEXT, total INTEGER NOT NULL, flying INTEGER NOT NULL, head INTEGER NOT NULL, not_before INTEGER NOT NULL, PRIMARY KEY (recipient, sender)) WITHOUT ROWID;
  CREATE INDEX pairs_ready ON pairs (recipient, head) WHERE flying = 0;
  CREATE TABLE flight (n INTEGER PRIMARY KEY, recipient TEXT NOT NULL, sender TEXT NOT NULL, attempt INTEGER NOT NULL, until INTEGER NOT NULL);
  CREATE INDEX flight_due ON flight (recipient, until);
  CREATE TABLE dead (n INTEGER PRIMARY KEY, recipient TEXT NOT NULL, sender TEXT NOT NULL, attempts INTEGER NOT NULL, expires_at INTEGER, body TEXT NOT NULL, reason TEXT NOT NULL, died_at INTEGER NOT NULL);
  CREATE INDEX dead_recipient ON dead (recipient, n);
  CREATE INDEX dead_since ON dead (died_at);
  CREATE TABLE idempotency (hash BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX idempotency_n ON idempotency (n);

  CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL, updated_at INTEGER NOT NULL, expires_at INTEGER);
  CREATE INDEX state_expiry ON state (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE events (seq INTEGER PRIMARY KEY, n INTEGER NOT NULL UNIQUE, type TEXT NOT NULL, source TEXT NOT NULL, time INTEGER NOT NULL, data TEXT NOT NULL);
  CREATE TABLE documents (kind TEXT, id TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, id));
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens the file, makes it where it is not there (for this user alone). WAL with `synchronous=FULL`: a commit returns when the disk says
 * that it has it. Throws a StoreError (`refused`) for a file that is no store of ours, is too new, or belongs to another process.
 */
export function openDatabase(file: string): Database {
  try {
    makeFile(file);
    const database = new Database(file);
    try {
      prepare(database, file);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const { message, code = "" } = error as Error & { code?: string };
    const isTaken = code.startsWith("SQLITE_BUSY");
    throw new StoreError(`Cannot open "${file}": ${isTaken ? "another process has it open" : message}`, {
      code: "refused",
      hint: isTaken ? "Stop the other conductor, or give this one a folder of its own" : openHint(code),
      cause: error,
    });
  }
}

function openHint(code: string): string {
  if (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT") return "Move the file away to begin anew, or put a backup in its place";
  return "Check that the folder exists and that you may write to it";
}

/** SQLite gives its other files the mode of this one; without the fsync a power loss could take the folder's entry along. */
function makeFile(file: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
  const entry = openSync(folder, "r");
  fsyncSync(entry);
  closeSync(entry);
}

function prepare(database: Database, file: string): void {
  database.run(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run("PRAGMA fullfsync = ON"); // macOS: an fsync alone stops at the drive's cache
  database.run("PRAGMA checkpoint_fullfsync = ON");
  database.run(`PRAGMA journal_size_limit = ${WAL_BYTES}`);
  database.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.run(`PRAGMA cache_size = -${CACHE_KIB}`);
  database.run("BEGIN IMMEDIATE");
  const { user_version: version } = database.query("PRAGMA user_version").get() as { user_version: number };
  if (version === 0) database.run(SCHEMA);
  database.run("COMMIT");
  if (version > SCHEMA_VERSION)
    throw new StoreError(
      `Cannot open "${file}": a newer version of the conductor made it (format ${version}, known here: ${SCHEMA_VERSION})`,
      {
        code: "refused",
        hint: "Start the newer version, or move the file away to begin anew",
      },
    );
}

/** Numbers that only grow and outlive what they numbered. */
export class Counter {
  readonly #database: Database;
  readonly #name: string;

  constructor(database: Database, name: "message" | "event" | "revision") {
    this.#database = database;
    this.#name = name;
  }

  get(): number {
    const row = this.#database.query("SELECT value FROM counters WHERE name = ?").get(this.#name) as { value: number };
    return row.value;
  }

  set(value: number): void {
    this.#database.query("UPDATE counters SET value = ? WHERE name = ?").run(value, this.#name);
  }
}
