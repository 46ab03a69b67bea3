/** Both stores for the contract's tests: every test gets an empty one, with a clock that it turns itself. */
import { join } from "node:path";
import { openRedisStore } from "../../../../services/conductor/store/redis-store.ts";
import { openSqliteStore } from "../../../../services/conductor/store/sqlite-store.ts";
import type { Store, StoreOptions } from "../../../../services/conductor/store/store.ts";
import { makeFolder } from "../../../_workspace.ts";
import { HAS_REDIS, RedisServer } from "./_redis.ts";

export interface Clock {
  now: number;
}

export interface Opened extends AsyncDisposable {
  store: Store;
  clock: Clock;
  /** The same store in other hands: another connection to Redis; on SQLite, which belongs to one process, the store itself. */
  another(): Promise<Store>;
  /** Closed and opened anew. */
  reopen(): Promise<Store>;
}

export interface StoreKind {
  kind: "sqlite" | "redis";
  open(options?: Partial<StoreOptions>): Promise<Opened>;
}

let server: Promise<RedisServer> | undefined;

/** One for all tests of a file. */
export function sharedRedis(): Promise<RedisServer> {
  server ??= new RedisServer().start();
  return server;
}

/** For `afterAll` of each test file: a hook here would count for the first that imports this. */
export async function stopSharedRedis(): Promise<void> {
  await (await server)?.kill();
  server = undefined;
}

/** Redis where redis-server is installed. */
export const storeKinds: readonly StoreKind[] = [
  { kind: "sqlite", open: openSqlite },
  ...(HAS_REDIS ? [{ kind: "redis" as const, open: openRedis }] : []),
];

async function openSqlite(options: Partial<StoreOptions> = {}): Promise<Opened> {
  const file = join(makeFolder(), "store", "conductor.db");
  return track((all) => openSqliteStore(file, all), options, true);
}

async function openRedis(options: Partial<StoreOptions> = {}): Promise<Opened> {
  const { url } = await sharedRedis();
  const prefix = `test-${Bun.randomUUIDv7()}`;
  return track((all) => openRedisStore(url, prefix, all), options, false);
}

async function track(
  open: (options: Partial<StoreOptions>) => Promise<Store>,
  options: Partial<StoreOptions>,
  isAlone: boolean,
): Promise<Opened> {
  const clock = { now: Date.now() };
  const all = { now: () => clock.now, ...options };
  const opened: Store[] = [];
  const openOne = async (): Promise<Store> => {
    const store = await open(all);
    opened.push(store);
    return store;
  };
  const close = async (): Promise<void> => {
    for (const store of opened.splice(0)) await store[Symbol.asyncDispose]();
  };
  const store = await openOne();
  return {
    store,
    clock,
    another: () => (isAlone ? Promise.resolve(store) : openOne()),
    reopen: async () => {
      await close();
      return openOne();
    },
    [Symbol.asyncDispose]: close,
  };
}
