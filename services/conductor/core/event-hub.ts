/** Events, out of the store's log and to everyone who wants to hear of them: each encoded once, whatever the number of listeners. */
import type { EventLog, StoredEvent } from "../store/store.ts";
import { matchesType } from "./match-type.ts";

/** Where a listener's events go. */
export interface Sink {
  /** Bytes that were written and not yet read. */
  waiting(): number;
  write(chunk: Uint8Array): void;
  close(): void;
}

/** How events are written, which is not the hub's business. */
export interface Encoding {
  event(event: StoredEvent): Uint8Array;
  /** A word from the hub itself: `lost` (what was asked for is no longer kept), `dropped` (read too slowly), `store-away`. */
  notice(kind: "lost" | "dropped" | "store-away", data: Readonly<Record<string, unknown>>): Uint8Array;
}

export interface Subscription {
  /** Globs, as in `entity-*`; none is all. */
  readonly types: readonly string[];
  /** The last event that the listener has seen; what came since is told first. */
  readonly since: string | undefined;
  readonly sink: Sink;
  readonly signal: AbortSignal;
  /** Where not all events of these types are for it. */
  readonly admits?: Admits | undefined;
}

export type Admits = (event: StoredEvent) => boolean;

interface Listener extends Subscription {
  /** What comes while history is still being read. */
  pending: StoredEvent[] | undefined;
  /** The last event of the history: what is told of it once more is left out. */
  after: string | undefined;
}

/** What a reader may be behind by. */
const WAITING_BYTES = 1_048_576;
/** Events that may come while it is still reading history. */
const PENDING = 10_000;
const PAGE = 200;
const LOOK_MS = 10;
/** Earlier than all events. */
const BEGINNING = "0-0";

export class EventHub {
  readonly #log: EventLog;
  readonly #encoding: Encoding;
  /** By what they listen to, so that a type is compared once for all who want the same. */
  readonly #groups = new Map<string, { types: readonly string[]; listeners: Set<Listener> }>();
  #batch: StoredEvent[] = [];

  constructor(log: EventLog, encoding: Encoding) {
    this.#log = log;
    this.#encoding = encoding;
  }

  /** Passes on what the log tells, of this process and others, until the signal. */
  follow(signal: AbortSignal): Promise<void> {
    return this.#log.follow((event) => this.#enqueue(event), signal);
  }

  publish(events: readonly Omit<StoredEvent, "id">[]): Promise<StoredEvent[]> {
    return events.length === 0 ? Promise.resolve([]) : this.#log.append(events);
  }

  /** To all that listen now, whatever to: what cannot be kept, and has no id. */
  tellAll(kind: "store-away", data: Readonly<Record<string, unknown>>): void {
    const chunk = this.#encoding.notice(kind, data);
    for (const { listeners } of this.#groups.values()) for (const listener of listeners) this.#write(listener, chunk);
  }

  async history(since: string | undefined, limit: number, admits?: Admits): Promise<StoredEvent[]> {
    if (admits === undefined) return this.#log.since(since, limit);
    const found: StoredEvent[] = [];
    for (let last = since; ; ) {
      const page = await this.#log.since(last, PAGE);
      found.push(...page.filter(admits));
      if (page.length < PAGE || found.length >= limit) return found.slice(0, limit);
      last = page.at(-1)?.id;
    }
  }

  get listeners(): number {
    return this.#groups.values().reduce((sum, { listeners }) => sum + listeners.size, 0);
  }

  /** From then on every event that matches reaches the sink once, in order, until the signal; those since `since` first. */
  async subscribe(subscription: Subscription): Promise<void> {
    const listener: Listener = { ...subscription, pending: subscription.since === undefined ? undefined : [], after: undefined };
    this.#join(listener);
    if (subscription.since !== undefined) await this.#replay(listener, subscription.since);
  }

  #join(listener: Listener): void {
    if (listener.signal.aborted) return;
    const key = listener.types.join("\n");
    const group = this.#groups.get(key) ?? { types: listener.types, listeners: new Set() };
    group.listeners.add(listener);
    this.#groups.set(key, group);
    listener.signal.addEventListener("abort", () => {
      group.listeners.delete(listener);
      if (group.listeners.size === 0) this.#groups.delete(key);
    });
  }

  /** Events of one turn are written together: one chunk a group. */
  #enqueue(event: StoredEvent): void {
    this.#batch.push(event);
    if (this.#batch.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    const encoded = new Map<StoredEvent, Uint8Array>();
    for (const { types, listeners } of this.#groups.values()) {
      const wanted = batch.filter((event) => matchesType(types, event.type));
      if (wanted.length === 0) continue;
      const chunk = join(wanted.map((event) => encoded.get(event) ?? this.#encode(event, encoded)));
      for (const listener of listeners) {
        if (listener.pending === undefined && listener.after === undefined && listener.admits === undefined) this.#write(listener, chunk);
        else this.#catchUp(listener, wanted);
      }
    }
  }

  /** One that reads history, or has just done so, or gets not all of them. */
  #catchUp(listener: Listener, all: readonly StoredEvent[]): void {
    const events = listener.admits === undefined ? all : all.filter(listener.admits);
    if (listener.pending !== undefined) {
      listener.pending.push(...events);
      if (listener.pending.length > PENDING) this.#drop(listener);
      return;
    }
    const { after } = listener;
    const missing = after === undefined ? events : events.filter((event) => compareIds(event.id, after) > 0);
    if (missing.length === 0) return;
    listener.after = undefined;
    this.#write(listener, join(missing.map((event) => this.#encoding.event(event))));
  }

  #encode(event: StoredEvent, encoded: Map<StoredEvent, Uint8Array>): Uint8Array {
    const chunk = this.#encoding.event(event);
    encoded.set(event, chunk);
    return chunk;
  }

  #write(listener: Listener, chunk: Uint8Array): void {
    if (listener.signal.aborted) return;
    if (listener.sink.waiting() + chunk.length > WAITING_BYTES) this.#drop(listener);
    else listener.sink.write(chunk);
  }

  #drop(listener: Listener): void {
    listener.sink.write(this.#encoding.notice("dropped", { reason: `more than ${WAITING_BYTES} bytes were waiting to be read` }));
    listener.sink.close();
  }

  /** After which event history begins for it; it is told where that is not where it was. */
  async #findPlace({ sink }: Listener, since: string): Promise<string> {
    const [oldest, newest] = await Promise.all([this.#log.oldest(), this.#log.newest()]);
    // later than all that there are: of another log, or of this one before it was lost. By it nothing would be told for a long time
    const isForeign = newest === undefined || compareIds(since, newest) > 0;
    // of one that is no longer kept it cannot be told whether others came between it and the oldest
    const isLost = oldest !== undefined && (isForeign || compareIds(since, oldest) < 0);
    if (isLost) sink.write(this.#encoding.notice("lost", { since, oldest }));
    return isForeign ? BEGINNING : since;
  }

  async #replay(listener: Listener, since: string): Promise<void> {
    let last = await this.#findPlace(listener, since);
    while (!listener.signal.aborted) {
      const page = await this.#log.since(last, PAGE);
      last = page.at(-1)?.id ?? last;
      const wanted = page.filter((event) => matchesType(listener.types, event.type) && listener.admits?.(event) !== false);
      if (wanted.length > 0) listener.sink.write(join(wanted.map((event) => this.#encoding.event(event))));
      if (page.length < PAGE) break;
      // history is not poured into a reader that does not read
      while (listener.sink.waiting() > WAITING_BYTES / 2 && !listener.signal.aborted) await Bun.sleep(LOOK_MS);
    }
    const pending = listener.pending ?? [];
    listener.pending = undefined;
    listener.after = last;
    if (pending.length > 0) this.#catchUp(listener, pending);
  }
}

/** Below 0 where `a` is the earlier: each is two numbers with a dash between. */
function compareIds(a: string, b: string): number {
  const [ours, theirs] = [a.split("-"), b.split("-")];
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const difference = BigInt(ours[index] ?? "0") - BigInt(theirs[index] ?? "0");
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
