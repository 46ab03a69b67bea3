/**
 * Where the stores of tests over HTTP are: a SQLite file in a folder of its own, or a prefix of its own in a real Redis that the tests
 * of one file share. And a switch in front of each, for what a real one only does when it breaks.
 */
import { afterAll, beforeAll, describe } from "bun:test";
import { join } from "node:path";
import { openRedisStore } from "../../../services/conductor/store/redis-store.ts";
import { openSqliteStore } from "../../../services/conductor/store/sqlite-store.ts";
import { type Store, StoreError, type StoreOptions } from "../../../services/conductor/store/store.ts";
import { makeFolder } from "../../_workspace.ts";
import { sharedRedis, stopSharedRedis, storeKinds } from "./store/_stores.ts";

/** Opens the store that is there, and again after it was closed. */
export type Place = () => Promise<Store>;

/** `failing`: every write fails as with a store that cannot be reached. How real ones fail: redis-away.test.ts, full-disk.test.ts. */
export type TestStore = Store & { failing: boolean };

type Kind = (typeof storeKinds)[number]["kind"];

let current: Kind = "sqlite";

/** All of it on SQLite, then on Redis. */
export function describeOnBoth(name: string, tests: () => void): void {
  describe.each(storeKinds)(`${name} on $kind`, ({ kind }) => {
    beforeAll(() => {
      current = kind;
    });
    afterAll(async () => {
      current = "sqlite";
      await stopSharedRedis();
    });
    tests();
  });
}

/** Of the kind that the test is on; SQLite, in that folder, outside of `describeOnBoth`. */
export async function makePlace(options: Partial<StoreOptions>, folder = makeFolder()): Promise<Place> {
  if (current === "redis") {
    const { url } = await sharedRedis();
    const prefix = `test-${Bun.randomUUIDv7()}`;
    return () => openRedisStore(url, prefix, options);
  }
  const file = join(folder, "conductor.db");
  return () => openSqliteStore(file, options);
}

export function withSwitch(store: Store): TestStore {
  const check = async <T>(work: () => Promise<T>): Promise<T> => {
    if (switched.failing) throw new StoreError("it is away");
    return work();
  };
  const { queue, state, events, documents } = store;
  const switched: TestStore = {
    ...store,
    failing: false,
    queue: { ...queue, send: (messages) => check(() => queue.send(messages)) },
    state: {
      get: (key, now) => state.get(key, now),
      list: (prefix, options) => state.list(prefix, options),
      watch: (prefix, onChange, signal) => state.watch(prefix, onChange, signal),
      put: (key, value, options) => check(() => state.put(key, value, options)),
      delete: (key, options) => check(() => state.delete(key, options)),
    },
    events: {
      append: (added) => check(() => events.append(added)),
      since: (id, limit) => events.since(id, limit),
      follow: (onEvent, signal) => events.follow(onEvent, signal),
      oldest: () => events.oldest(),
      newest: () => events.newest(),
    },
    documents: {
      ...documents,
      put: (kind, id, value) => check(() => documents.put(kind, id, value)),
      delete: (kind, id) => check(() => documents.delete(kind, id)),
    },
    status: async () => ({ ...(await store.status()), ...(switched.failing && { ok: false, reason: "it is away" }) }),
  };
  return switched;
}
