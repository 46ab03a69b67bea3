/** A store that forgets: what the conductor's own tests need of one, without the disk. Its queue is a real one, given by those who need one. */
import {
  type Queue,
  type StateChange,
  type StateEntry,
  type Store,
  type StoredEvent,
  StoreError,
} from "../../../services/conductor/store/store.ts";

/** `historyLimit`: events that are kept. `failing` makes every write fail as a store does that cannot be reached. */
export function memoryStore(historyLimit = 1_000, queue: Queue = noQueue()): Store & { failing: boolean } {
  const state = new Map<string, StateEntry>();
  const documents = new Map<string, Map<string, unknown>>();
  let events: StoredEvent[] = [];
  let lastId = 0;
  let lastVersion = 0;
  const followers = new Set<(event: StoredEvent) => void>();
  const watchers = new Set<(change: StateChange) => void>();
  const kindOf = (kind: string): Map<string, unknown> => {
    const found = documents.get(kind) ?? new Map<string, unknown>();
    documents.set(kind, found);
    return found;
  };
  const check = (): void => {
    if (store.failing) throw new StoreError("it is away");
  };
  const live = (key: string, now: number): StateEntry | undefined => {
    const entry = state.get(key);
    return entry === undefined || (entry.expiresAt !== null && entry.expiresAt <= now) ? undefined : entry;
  };
  const store: Store & { failing: boolean } = {
    failing: false,
    queue,
    state: {
      get: async (key, now) => live(key, now),
      put: async (key, value, { ifVersion, ttlMs, now }) => {
        check();
        if (ifVersion !== undefined && (live(key, now)?.version ?? 0) !== ifVersion) return undefined;
        const entry = { key, value, version: ++lastVersion, updatedAt: now, expiresAt: ttlMs === undefined ? null : now + ttlMs };
        state.set(key, entry);
        for (const tell of watchers) tell({ key, entry });
        return entry;
      },
      delete: async (key, { ifVersion, now }) => {
        check();
        const entry = live(key, now);
        if (ifVersion !== undefined && (entry?.version ?? 0) !== ifVersion) return undefined;
        if (entry === undefined) return false;
        state.delete(key);
        for (const tell of watchers) tell({ key, entry: null });
        return true;
      },
      list: async (prefix, { limit, after, now }) =>
        [...state.keys()]
          .filter((key) => key.startsWith(prefix) && (after === undefined || key > after) && live(key, now) !== undefined)
          .sort()
          .slice(0, limit)
          .map((key) => state.get(key) as StateEntry),
      watch: (prefix, onChange, signal) =>
        untilAborted(watchers, (change: StateChange) => change.key.startsWith(prefix) && onChange(change), signal),
    },
    events: {
      append: async (added) => {
        check();
        const stored = added.map((event) => ({ ...event, id: `1000-${++lastId}` }));
        events = [...events, ...stored].slice(-historyLimit);
        for (const event of stored) for (const tell of followers) tell(event);
        return stored;
      },
      since: async (id, limit) => events.filter((event) => numberOf(event.id) > numberOf(id ?? "1000-0")).slice(0, limit),
      follow: (onEvent, signal) => untilAborted(followers, onEvent, signal),
      oldest: async () => events[0]?.id,
    },
    documents: {
      get: async <T>(kind: string, id: string) => kindOf(kind).get(id) as T | undefined,
      put: async (kind, id, value) => {
        check();
        kindOf(kind).set(id, structuredClone(value));
      },
      delete: async (kind, id) => {
        check();
        return kindOf(kind).delete(id);
      },
      list: async <T>(kind: string) => [...kindOf(kind)].map(([id, value]) => ({ id, value: value as T })),
    },
    status: async () => (store.failing ? { kind: "sqlite", ok: false, reason: "it is away" } : { kind: "sqlite", ok: true }),
    [Symbol.asyncDispose]: async () => {},
  };
  return store;
}

/** It has nothing to sweep, which the conductor does by itself. */
function noQueue(): Queue {
  return new Proxy({} as Queue, {
    get: (_, name) => () =>
      name === "sweep"
        ? Promise.resolve(0)
        : name === "deaths"
          ? Promise.resolve([])
          : Promise.reject(new Error(`this store has no queue (${String(name)})`)),
  });
}

function numberOf(id: string): number {
  return Number(id.split("-")[1]);
}

function untilAborted<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  listeners.add(listener);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      listeners.delete(listener);
      resolve();
    });
  });
}
