/** A conductor whose queue is a real one, in a file of its own; or in Redis. */
import { afterEach } from "bun:test";
import { join } from "node:path";
import { openRedisStore } from "../../../services/conductor/store/redis-store.ts";
import { openSqliteStore } from "../../../services/conductor/store/sqlite-store.ts";
import type { Store, StoreOptions } from "../../../services/conductor/store/store.ts";
import { makeFolder } from "../../_workspace.ts";
import { memoryStore } from "./_memory-store.ts";
import { type Harness, useServers } from "./_server.ts";

const PREFIX = "test";

/** To be called once in each file. `before`: one that was stopped, at the same place with the same store. */
export function useQueueServers(): (options?: Partial<StoreOptions> & { redisUrl?: string }, before?: Harness) => Promise<Harness> {
  const stores: Store[] = [];
  // hooks run last first: servers end before their stores
  afterEach(async () => {
    for (const store of stores.splice(0)) await store[Symbol.asyncDispose]();
  });
  const start = useServers();
  return async ({ redisUrl, ...options } = {}, before) => {
    if (before !== undefined) return start({ store: before.store, settings: { port: before.port } });
    const file = join(makeFolder(), "conductor.db");
    const store = redisUrl === undefined ? await openSqliteStore(file, options) : await openRedisStore(redisUrl, PREFIX, options);
    stores.push(store);
    return start({ store: memoryStore(1_000, store.queue) });
  };
}
