/** All that the thread with the database can be asked to do, by name: what the two sides of sqlite-worker.ts agree on. */
import type { Database } from "bun:sqlite";
import { SqliteQueue } from "./sqlite-queue.ts";
import { SqliteDocuments, SqliteEvents, SqliteState } from "./sqlite-state.ts";
import type { StoreOptions } from "./store.ts";

export type Limits = Omit<StoreOptions, "now">;

export type Operations = ReturnType<typeof makeOperations>;
export type OperationName = keyof Operations;

/** `name` with its arguments, as it goes to the thread. */
export interface Call {
  name: OperationName;
  args: unknown[];
}

/** Where entries ended by themselves since the last change of state, they ended first. */
export function makeOperations(database: Database, limits: Limits, queue = new SqliteQueue(database, limits)) {
  const state = new SqliteState(database);
  const events = new SqliteEvents(database, limits.maxEvents);
  const documents = new SqliteDocuments(database);
  return {
    send: queue.send.bind(queue),
    receive: queue.receive.bind(queue),
    ack: queue.ack.bind(queue),
    release: queue.release.bind(queue),
    deadLetters: queue.deadLetters.bind(queue),
    redrive: queue.redrive.bind(queue),
    depth: queue.depth.bind(queue),
    sweep: queue.sweep.bind(queue),
    deaths: queue.deaths.bind(queue),

    getState: state.get.bind(state),
    putState: (key: string, value: string, ifVersion: number | undefined, ttlMs: number | undefined, now: number) => ({
      expired: state.expire(now),
      row: state.put(key, value, ifVersion, ttlMs, now),
    }),
    deleteState: (key: string, ifVersion: number | undefined, now: number) => ({
      expired: state.expire(now),
      isDeleted: state.delete(key, ifVersion, now),
    }),
    listState: state.list.bind(state),
    expireState: (now: number) => ({ expired: state.expire(now), next: state.nextExpiry() }),

    appendEvents: events.append.bind(events),
    eventsSince: events.since.bind(events),
    oldestEvent: events.oldest.bind(events),
    newestEvent: events.newest.bind(events),

    getDocument: documents.get.bind(documents),
    putDocument: documents.put.bind(documents),
    deleteDocument: documents.delete.bind(documents),
    listDocuments: documents.list.bind(documents),

    /** A write that changes nothing: whether the disk takes writes again. */
    probe: () => {
      database.run("UPDATE counters SET value = value WHERE name = 'revision'");
    },
  };
}
