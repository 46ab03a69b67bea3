/**
 * What the conductor keeps beyond its own life: messages, shared state, events, documents. One interface, SQLite or Redis behind it.
 *
 * Ids are strings and opaque; times are milliseconds since 1970. Values are JSON: what has no place in JSON (a function, a cycle, a
 * bigint) makes a write throw a TypeError, and a read gives what JSON.parse gives. Every method that writes answers when what it wrote is
 * as durable as the store is (services/conductor/store/README.md says what that means), and every method rejects with a StoreError where
 * the store cannot be reached or written to, after a bounded wait.
 */

export interface Message {
  /** "<ms>-<n>", growing in the order of acceptance. The same after a redelivery: what a receiver tells duplicates by. */
  id: string;
  from: string;
  to: string;
  type: string;
  payload: unknown;
  sentAt: number;
  /** From then on it is not handed out any more but goes to the dead letters. */
  expiresAt: number | null;
  idempotencyKey: string | null;
  headers: Record<string, string>;
}

export type NewMessage = Omit<Message, "id">;

export interface Delivery {
  message: Message;
  /** Good for this one delivery: once it was given back or its time is over and somebody else received it, it counts for nothing (until a redrive counts anew). */
  receipt: string;
  /** 1 for the first time. */
  attempt: number;
  visibleUntil: number;
}

/** A message that is not handed out any more, and why. */
export interface DeadLetter extends Message {
  reason: "expired" | "attempts";
  attempts: number;
  diedAt: number;
}

/** That a message has become a dead letter. */
export interface Death extends Pick<Message, "id" | "from" | "to">, Pick<DeadLetter, "reason" | "attempts"> {}

export interface QueueDepth {
  waiting: number;
  inFlight: number;
  dead: number;
}

/**
 * At least once, and in order per pair of sender and receiver: a pair is with one receiver at a time. One `receive` may take several
 * messages of a pair, oldest first; until each of those is acknowledged, given back, or its time is over, nothing more of that pair is
 * handed out. What was given back comes again before what was sent later.
 */
export interface Queue {
  /** Rejects with a StoreError (`full`, with `receivers`) where one has no room for its messages: then none of them is kept. In the order given; each answered only when durable. Same from + idempotencyKey within a day: the first one's id, `isDuplicate`. */
  send(messages: readonly NewMessage[]): Promise<{ id: string; isDuplicate: boolean }[]>;
  /** At most `max`, invisible to others until acknowledged or `visibilityMs` are over. Order per (from, to): a later message of a pair is not handed out while an earlier one is in flight. */
  receive(to: string, options: { max: number; visibilityMs: number; now: number }): Promise<Delivery[]>;
  /** How many of the receipts were good. One whose time is over is good for as long as nobody else received the message. */
  ack(to: string, receipts: readonly string[]): Promise<number>;
  /** Gives back at once, or after `delayMs`, for which the whole pair waits. One that was delivered `maxAttempts` times goes to the dead letters. */
  release(to: string, receipts: readonly string[], delayMs: number): Promise<number>;
  /** Oldest first; of one receiver or of all. Kept for `deadLetterMs`. */
  deadLetters(to?: string): Promise<DeadLetter[]>;
  /** Back to where they were in their pair, with new attempts and without an expiry. How many were there. */
  redrive(ids: readonly string[]): Promise<number>;
  /** Of one receiver (zeros where nothing is there), or of all that have something. */
  depth(to?: string): Promise<Record<string, QueueDepth>>;
  /** Expired and delivered too often (`maxAttempts`): to the dead letters. How many; to be called every now and then. */
  sweep(now: number): Promise<number>;
  /**
   * Those that died since it was asked last and that nobody was told yet, of all processes together; at most 100 at a time. 1 000 wait;
   * of others `deadLetters` alone knows, and of those that the end of the process comes before.
   */
  deaths(): Promise<Death[]>;
}

export interface StateEntry {
  key: string;
  value: unknown;
  /** Of the whole store, growing with each change of any key: never the same twice, not after a deletion either. */
  version: number;
  updatedAt: number;
  expiresAt: number | null;
}

export interface StateChange {
  key: string;
  /** Null where it is gone: deleted or expired. */
  entry: StateEntry | null;
}

export interface SharedState {
  get(key: string, now: number): Promise<StateEntry | undefined>;
  /** `ifVersion`: 0 for "only if absent". Undefined where it did not match. */
  put(key: string, value: unknown, options: { ifVersion?: number; ttlMs?: number; now: number }): Promise<StateEntry | undefined>;
  /** False where there was nothing; undefined where `ifVersion` did not match. */
  delete(key: string, options: { ifVersion?: number; now: number }): Promise<boolean | undefined>;
  /** By key, in the order of its bytes; `after` is the last key of the page before. */
  list(prefix: string, options: { limit: number; after?: string; now: number }): Promise<StateEntry[]>;
  /** Every change made through any process, once and in order, from this call on; ends with the signal. Rejects with what `onChange` throws. */
  watch(prefix: string, onChange: (change: StateChange) => void, signal: AbortSignal): Promise<void>;
}

/** `id` grows: `Last-Event-ID`. It is "<ms>-<n>"; of two, the one with the greater pair of numbers is the later. */
export interface StoredEvent {
  id: string;
  type: string;
  source: string;
  time: number;
  data: unknown;
}

/** The last `maxEvents`, in the order of their ids. */
export interface EventLog {
  append(events: readonly Omit<StoredEvent, "id">[]): Promise<StoredEvent[]>;
  /** Those after `id`; from the oldest one where it is undefined, unknown or forgotten (compare with `oldest`). */
  since(id: string | undefined, limit: number): Promise<StoredEvent[]>;
  /** Events of all processes, in order, from this call on (one that was appended just before may come too); ends with the signal. Rejects with what `onEvent` throws. */
  follow(onEvent: (event: StoredEvent) => void, signal: AbortSignal): Promise<void>;
  oldest(): Promise<string | undefined>;
  newest(): Promise<string | undefined>;
}

/** Small things by kind and id: access rules, alerts, known components. */
export interface Documents {
  get<T>(kind: string, id: string): Promise<T | undefined>;
  put(kind: string, id: string, value: unknown): Promise<void>;
  delete(kind: string, id: string): Promise<boolean>;
  /** By id. */
  list<T>(kind: string): Promise<{ id: string; value: T }[]>;
}

export interface StoreStatus {
  kind: "sqlite" | "redis";
  ok: boolean;
  /** What is wrong; with `ok`, what the user should know (a Redis that forgets when it ends). */
  reason?: string;
}

/** A process that means to be the one conductor on a store. */
export interface Claim {
  /** What others are shown of it. */
  readonly name: string;
  /** Why it is not yet, each time that the reason is another. */
  readonly onWait: (reason: string) => void;
  /** Another one is it now: what is known here is not to be relied on any more. */
  readonly onLost: (reason: string) => void;
  /** Nobody waits any more. */
  readonly signal: AbortSignal;
}

export interface Store extends AsyncDisposable {
  queue: Queue;
  state: SharedState;
  events: EventLog;
  documents: Documents;
  /** For /health and the dashboard. Never rejects. */
  status(): Promise<StoreStatus>;
  /** When no other conductor works on it, or with the signal. A SQLite file is one process's from its opening on. */
  own(claim: Claim): Promise<void>;
}

/** Bounds, and the clock. */
export interface StoreOptions {
  /** Deliveries without an acknowledgement before a message is a dead letter. */
  maxAttempts: number;
  /** Messages to one receiver that are not done yet, waiting or in flight; a redrive is not held up by it. */
  maxWaiting: number;
  /** Events that are remembered. */
  maxEvents: number;
  /** How long an idempotency key is remembered. */
  idempotencyMs: number;
  /** How long a dead letter is kept. */
  deadLetterMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_OPTIONS: StoreOptions = {
  maxAttempts: 5,
  // whoever opens the store says how many: the conductor's settings do
  maxWaiting: Number.MAX_SAFE_INTEGER,
  maxEvents: 10_000,
  idempotencyMs: DAY_MS,
  deadLetterMs: 7 * DAY_MS,
  now: Date.now,
};

export const DEATHS_AT_ONCE = 100;
export const DEATHS_KEPT = 1_000;

export type StoreErrorCode = "unavailable" | "refused" | "full";

/**
 * The store could not do it. `full`: the queues of `receivers` are. `unavailable`: for now (Redis away, disk full); `refused`: as things are set (not a store, made by a newer
 * version, in use by another process). Where `isUnsure`, the answer was lost: it may have been done.
 */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  readonly hint: string | undefined;
  readonly isUnsure: boolean;
  readonly receivers: readonly string[];

  constructor(
    message: string,
    options: { code?: StoreErrorCode; hint?: string; isUnsure?: boolean; receivers?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = options.code ?? "unavailable";
    this.hint = options.hint;
    this.isUnsure = options.isUnsure ?? false;
    this.receivers = options.receivers ?? [];
  }
}

export function fullError(receivers: readonly string[], limit: number): StoreError {
  const [first = "", ...others] = receivers;
  const more = others.length === 0 ? "" : `, nor those to ${others.length} others`;
  return new StoreError(`${limit} messages to ${first} are not done yet${more}`, { code: "full", receivers });
}
