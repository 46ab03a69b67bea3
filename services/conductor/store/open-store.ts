/** The store that the settings ask for: Redis where there is a URL of one, otherwise a file of this conductor's own. */
import { join } from "node:path";
import { openRedisStore } from "./redis-store.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { Store, StoreOptions } from "./store.ts";

export interface StoreSettings {
  /** `HARBOR_CONDUCTOR_REDIS_URL`; empty or undefined for SQLite. */
  redisUrl?: string | undefined;
  /** `HARBOR_CONDUCTOR_PREFIX`. */
  prefix?: string | undefined;
  /** Of the SQLite file; made where it is missing. */
  folder: string;
}

const FILE = "conductor.db";
const DEFAULT_PREFIX = "harbor";

/** Rejects with a StoreError (`refused`) where that store cannot be used as it is. A Redis that is away is no such case: `status` says so. */
export function openStore({ redisUrl, prefix, folder }: StoreSettings, options: Partial<StoreOptions> = {}): Promise<Store> {
  if (redisUrl) return openRedisStore(redisUrl, prefix || DEFAULT_PREFIX, options);
  return openSqliteStore(join(folder, FILE), options);
}
