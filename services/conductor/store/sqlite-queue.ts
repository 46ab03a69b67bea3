/** The queue's SQL. Each method runs inside of a transaction of its caller's; bodies go in and out as JSON text. */
import type { Database, Statement } from "bun:sqlite";
import { nextNumber, PER_MS, readId, writeId } from "./message-id.ts";
import { Counter } from "./sqlite-database.ts";
import { DEATHS_AT_ONCE, DEATHS_KEPT, type DeadLetter, type Death, fullError, type QueueDepth, type StoreOptions } from "./store.ts";

export type QueueLimits = Pick<StoreOptions, "maxAttempts" | "maxWaiting" | "idempotencyMs" | "deadLetterMs">;

/** A message but for what SQL has to see, which stands beside its body. */
export interface QueueRow {
  from: string;
  to: string;
  expiresAt: number | null;
  key: string | null;
  body: string;
}

/** As `receive` hands it out. */
export interface DeliveredRow {
  id: string;
  from: string;
  expiresAt: number | null;
  attempt: number;
  body: string;
}

export interface DeadRow extends DeliveredRow, Pick<DeadLetter, "to" | "reason" | "diedAt"> {}

interface StoredRow {
  n: number;
  recipient: string;
  sender: string;
  attempts: number;
  expires_at: number | null;
  body: string;
}

interface FlightRow {
  n: number;
  recipient: string;
  sender: string;
  attempt: number;
}

/** What an operation does to one pair, written once at its end. */
interface PairChange {
  recipient: string;
  sender: string;
  total: number;
  flying: number;
  notBefore: number;
}

/** The deaths that nobody was told yet at one moment: the first `count` of them. */
interface Mark {
  readonly deaths: Death[];
  readonly count: number;
}

/** Rows that one sweep takes of a kind; the next one goes on. */
const AT_ONCE = 10_000;

export class SqliteQueue {
  readonly #limits: QueueLimits;
  readonly #counter: Counter;
  readonly #sql: ReturnType<typeof prepareStatements>;
  /** Of each receiver that was asked about, how many are not done: nobody else writes to this file. */
  readonly #loads = new Map<string, number>();
  #deaths: Death[] = [];

  constructor(database: Database, limits: QueueLimits) {
    this.#limits = limits;
    this.#counter = new Counter(database, "message");
    this.#sql = prepareStatements(database);
  }

  send(rows: readonly QueueRow[], now: number): { id: string; isDuplicate: boolean }[] {
    let last = this.#counter.get();
    const changes = new PairChanges();
    const room = new Map<string, number>();
    const results = rows.map((row) => {
      const known = this.#recall(row, now);
      if (known !== undefined) return { id: writeId(known), isDuplicate: true };
      const left = room.get(row.to) ?? this.#limits.maxWaiting - this.#loadOf(row.to);
      if (left <= 0) throw fullError(this.#fullOf(rows), this.#limits.maxWaiting);
      room.set(row.to, left - 1);
      last = nextNumber(last, now);
      this.#sql.insert.run(last, row.to, row.from, 0, row.expiresAt, row.body);
      if (row.key !== null) this.#sql.remember.run(hashKey(row.from, row.key), last);
      changes.of(row.to, row.from).total++;
      return { id: writeId(last), isDuplicate: false };
    });
    this.#counter.set(last);
    this.#settle(changes);
    return results;
  }

  /** How many to it are not done. */
  #loadOf(recipient: string): number {
    const known = this.#loads.get(recipient);
    if (known !== undefined) return known;
    const { load } = this.#sql.load.get(recipient) as { load: number };
    this.#loads.set(recipient, load);
    return load;
  }

  /** The receivers of these that have no room for all of theirs. */
  #fullOf(rows: readonly QueueRow[]): string[] {
    const wanted = new Map<string, number>();
    for (const { to } of rows) wanted.set(to, (wanted.get(to) ?? 0) + 1);
    return [...wanted].filter(([to, count]) => this.#loadOf(to) + count > this.#limits.maxWaiting).map(([to]) => to);
  }

  /** Before each operation: what `rolledBack` goes back to. */
  mark(): Mark {
    return { deaths: this.#deaths, count: this.#deaths.length };
  }

  /** What was done since the mark was not done. */
  rolledBack({ deaths, count }: Mark): void {
    this.#loads.clear();
    this.#deaths = deaths;
    deaths.length = count;
  }

  deaths(): Death[] {
    const told = this.#deaths.slice(0, DEATHS_AT_ONCE);
    // the list of a mark only grows
    if (told.length > 0) this.#deaths = this.#deaths.slice(told.length);
    return told;
  }

  /** The number of the message that had this sender's key already. */
  #recall({ from, key }: QueueRow, now: number): number | undefined {
    if (key === null) return undefined;
    const row = this.#sql.recall.get(hashKey(from, key), this.#forgottenBefore(now)) as { n: number } | null;
    return row?.n;
  }

  /** Messages with a smaller number are too old for their keys to count. */
  #forgottenBefore(now: number): number {
    return (Math.floor(now - this.#limits.idempotencyMs) + 1) * PER_MS;
  }

  receive(to: string, max: number, visibilityMs: number, now: number): DeliveredRow[] {
    this.#returnDue(this.#sql.dueOf.all(to, now) as FlightRow[], now);
    const taken: StoredRow[] = [];
    const changes = new PairChanges();
    const ready = this.#sql.ready.all(to, now, max) as { sender: string }[];
    for (const { sender } of ready) {
      if (taken.length >= max) break;
      const rows = this.#takeFrom(to, sender, max - taken.length, now, changes);
      for (const { n, attempts } of rows) this.#sql.fly.run(n, to, sender, attempts + 1, now + visibilityMs);
      changes.of(to, sender).flying += rows.length;
      taken.push(...rows);
    }
    this.#settle(changes);
    return taken.sort((a, b) => a.n - b.n).map(toDelivered);
  }

  /** The oldest of a pair that nobody has; those that expired die on the way. */
  #takeFrom(to: string, sender: string, max: number, now: number, changes: PairChanges): StoredRow[] {
    while (true) {
      const rows = this.#sql.ofPair.all(to, sender, max) as StoredRow[];
      const expired = rows.filter((row) => row.expires_at !== null && row.expires_at <= now);
      if (expired.length === 0) return rows;
      for (const row of expired) this.#bury(row, "expired", row.attempts, now, changes);
    }
  }

  ack(to: string, receipts: readonly string[]): number {
    const changes = new PairChanges();
    let count = 0;
    for (const flown of this.#land(to, receipts)) {
      this.#sql.remove.run(flown.n);
      const change = changes.of(to, flown.sender);
      change.total--;
      change.flying--;
      count++;
    }
    this.#settle(changes);
    return count;
  }

  release(to: string, receipts: readonly string[], delayMs: number, now: number): number {
    const changes = new PairChanges();
    let count = 0;
    for (const flown of this.#land(to, receipts)) {
      const isDead = this.#giveBack(flown, now, changes);
      if (delayMs > 0 && !isDead) changes.of(to, flown.sender).notBefore = now + delayMs;
      count++;
    }
    this.#settle(changes);
    return count;
  }

  /** Ends the flights that these receipts are good for. */
  *#land(to: string, receipts: readonly string[]): Generator<FlightRow> {
    for (const receipt of receipts) {
      const dot = receipt.lastIndexOf(".");
      const n = readId(receipt.slice(0, Math.max(dot, 0)));
      const attempt = Number(receipt.slice(dot + 1));
      if (n === undefined || !Number.isSafeInteger(attempt)) continue;
      const row = this.#sql.land.get(n, to, attempt) as FlightRow | null;
      if (row !== null) yield row;
    }
  }

  /** Their time is over: they wait again, or have had their chances. How many died. */
  #returnDue(due: readonly FlightRow[], now: number): number {
    if (due.length === 0) return 0;
    const changes = new PairChanges();
    let died = 0;
    for (const flown of due) {
      this.#sql.land.run(flown.n, flown.recipient, flown.attempt);
      if (this.#giveBack(flown, now, changes)) died++;
    }
    this.#settle(changes);
    return died;
  }

  /** True where it was once too often. */
  #giveBack({ n, recipient, sender, attempt }: FlightRow, now: number, changes: PairChanges): boolean {
    changes.of(recipient, sender).flying--;
    if (attempt < this.#limits.maxAttempts) {
      this.#sql.setAttempts.run(attempt, n);
      return false;
    }
    this.#bury(this.#sql.one.get(n) as StoredRow, "attempts", attempt, now, changes);
    return true;
  }

  #bury(row: StoredRow, reason: DeadLetter["reason"], attempts: number, now: number, changes: PairChanges): void {
    this.#sql.bury.run(row.n, row.recipient, row.sender, attempts, row.expires_at, row.body, reason, now);
    this.#sql.remove.run(row.n);
    changes.of(row.recipient, row.sender).total--;
    if (this.#deaths.length < DEATHS_KEPT) this.#deaths.push({ id: writeId(row.n), from: row.sender, to: row.recipient, reason, attempts });
  }

  /** A pair that has none left is forgotten. */
  #settle(changes: PairChanges): void {
    for (const { recipient, sender, total, flying, notBefore } of changes.all()) {
      const head = this.#sql.head.get(recipient, sender) as { n: number } | null;
      if (head === null) this.#sql.forgetPair.run(recipient, sender);
      else this.#sql.changePair.run(recipient, sender, total, flying, head.n, notBefore);
      const load = this.#loads.get(recipient);
      if (load !== undefined) this.#loads.set(recipient, load + total);
    }
  }

  deadLetters(to?: string): DeadRow[] {
    const rows = (to === undefined ? this.#sql.dead.all() : this.#sql.deadOf.all(to)) as (StoredRow & {
      reason: DeadLetter["reason"];
      died_at: number;
    })[];
    return rows.map((row) => ({ ...toDelivered(row), attempt: row.attempts, to: row.recipient, reason: row.reason, diedAt: row.died_at }));
  }

  redrive(ids: readonly string[]): number {
    const changes = new PairChanges();
    let count = 0;
    for (const id of ids) {
      const n = readId(id);
      const row = n === undefined ? null : (this.#sql.exhume.get(n) as StoredRow | null);
      if (row === null) continue;
      this.#sql.insert.run(row.n, row.recipient, row.sender, 0, null, row.body);
      changes.of(row.recipient, row.sender).total++;
      count++;
    }
    this.#settle(changes);
    return count;
  }

  depth(to?: string): Record<string, QueueDepth> {
    const result: Record<string, QueueDepth> = Object.create(null);
    const of = (recipient: string): QueueDepth => {
      result[recipient] ??= { waiting: 0, inFlight: 0, dead: 0 };
      return result[recipient];
    };
    if (to !== undefined) of(to);
    const filter = to ?? null;
    for (const { recipient, total, flying } of this.#sql.depth.all(filter) as { recipient: string; total: number; flying: number }[])
      Object.assign(of(recipient), { waiting: total - flying, inFlight: flying });
    for (const { recipient, total } of this.#sql.deadDepth.all(filter) as { recipient: string; total: number }[])
      of(recipient).dead = total;
    return { ...result };
  }

  sweep(now: number): number {
    const changes = new PairChanges();
    const died = this.#returnDue(this.#sql.due.all(now) as FlightRow[], now);
    const expired = this.#sql.expired.all(now, AT_ONCE) as StoredRow[];
    for (const row of expired) this.#bury(row, "expired", row.attempts, now, changes);
    this.#settle(changes);
    this.#sql.forgetKeys.run(this.#forgottenBefore(now), AT_ONCE);
    this.#sql.forgetDead.run(now - this.#limits.deadLetterMs, AT_ONCE);
    return died + expired.length;
  }
}

function toDelivered({ n, sender, expires_at, attempts, body }: StoredRow): DeliveredRow {
  return { id: writeId(n), from: sender, expiresAt: expires_at, attempt: attempts + 1, body };
}

/** Of 32 bytes, 16: two that are the same by chance do not happen. The length keeps apart what sender and key are. */
function hashKey(sender: string, key: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(`${sender.length}:${sender}${key}`).digest().subarray(0, 16);
}

/** Gathers what one operation changes, pair by pair. */
class PairChanges {
  readonly #byRecipient = new Map<string, Map<string, PairChange>>();

  of(recipient: string, sender: string): PairChange {
    let bySender = this.#byRecipient.get(recipient);
    if (bySender === undefined) {
      bySender = new Map();
      this.#byRecipient.set(recipient, bySender);
    }
    let change = bySender.get(sender);
    if (change === undefined) {
      change = { recipient, sender, total: 0, flying: 0, notBefore: 0 };
      bySender.set(sender, change);
    }
    return change;
  }

  *all(): Generator<PairChange> {
    for (const bySender of this.#byRecipient.values()) yield* bySender.values();
  }
}

function prepareStatements(database: Database) {
  const columns = "n, recipient, sender, attempts, expires_at, body";
  const prepare = (sql: string): Statement => database.prepare(sql);
  return {
    insert: prepare(`INSERT INTO messages (${columns}) VALUES (?, ?, ?, ?, ?, ?)`),
    remove: prepare("DELETE FROM messages WHERE n = ?"),
    one: prepare(`SELECT ${columns} FROM messages WHERE n = ?`),
    ofPair: prepare(`SELECT ${columns} FROM messages WHERE recipient = ? AND sender = ? ORDER BY n LIMIT ?`),
    head: prepare("SELECT n FROM messages WHERE recipient = ? AND sender = ? ORDER BY n LIMIT 1"),
    setAttempts: prepare("UPDATE messages SET attempts = ? WHERE n = ?"),
    expired: prepare(
      `SELECT ${columns} FROM messages WHERE expires_at <= ? AND NOT EXISTS (SELECT 1 FROM flight WHERE flight.n = messages.n) LIMIT ?`,
    ),
    ready: prepare("SELECT sender FROM pairs WHERE recipient = ? AND flying = 0 AND not_before <= ? ORDER BY head LIMIT ?"),
    changePair: prepare(
      `INSERT INTO pairs (recipient, sender, total, flying, head, not_before) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       total = total + excluded.total, flying = flying + excluded.flying, head = excluded.head, not_before = max(not_before, excluded.not_before)`,
    ),
    forgetPair: prepare("DELETE FROM pairs WHERE recipient = ? AND sender = ?"),
    fly: prepare("INSERT INTO flight (n, recipient, sender, attempt, until) VALUES (?, ?, ?, ?, ?)"),
    land: prepare("DELETE FROM flight WHERE n = ? AND recipient = ? AND attempt = ? RETURNING n, recipient, sender, attempt"),
    due: prepare("SELECT n, recipient, sender, attempt FROM flight WHERE until <= ?"),
    dueOf: prepare("SELECT n, recipient, sender, attempt FROM flight WHERE recipient = ? AND until <= ?"),
    recall: prepare("SELECT n FROM idempotency WHERE hash = ? AND n >= ?"),
    remember: prepare("INSERT OR REPLACE INTO idempotency (hash, n) VALUES (?, ?)"),
    forgetKeys: prepare("DELETE FROM idempotency WHERE hash IN (SELECT hash FROM idempotency WHERE n < ? LIMIT ?)"),
    bury: prepare(`INSERT INTO dead (${columns}, reason, died_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
    dead: prepare(`SELECT ${columns}, reason, died_at FROM dead ORDER BY n`),
    deadOf: prepare(`SELECT ${columns}, reason, died_at FROM dead WHERE recipient = ? ORDER BY n`),
    exhume: prepare(`DELETE FROM dead WHERE n = ? RETURNING ${columns}`),
    forgetDead: prepare("DELETE FROM dead WHERE n IN (SELECT n FROM dead WHERE died_at <= ? LIMIT ?)"),
    load: prepare("SELECT ifnull(sum(total), 0) AS load FROM pairs WHERE recipient = ?"),
    depth: prepare(
      "SELECT recipient, sum(total) AS total, sum(flying) AS flying FROM pairs WHERE recipient = ifnull(?, recipient) GROUP BY recipient",
    ),
    deadDepth: prepare("SELECT recipient, count(*) AS total FROM dead WHERE recipient = ifnull(?, recipient) GROUP BY recipient"),
  };
}
