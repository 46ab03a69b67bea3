/**
 * The store in Redis (6.2 or newer, no cluster), which other programs may share, and conductors with prefixes of their own. Three connections: commands, one
 * that waits for what streams append, one that hears of keys. While Redis is away everything fails within a bounded time; when it is
 * there again, followers and watchers go on where they were.
 */

import { findCaution } from "./redis-caution.ts";
import { makeRedisDocuments } from "./redis-documents.ts";
import { RedisEvents } from "./redis-events.ts";
import { RedisLease } from "./redis-lease.ts";
import { RedisLink } from "./redis-link.ts";
import { makeRedisQueue } from "./redis-queue.ts";
import { RedisState } from "./redis-state.ts";
import { StreamTail } from "./redis-tail.ts";
import { DEFAULT_OPTIONS, type Store, type StoreOptions, type StoreStatus } from "./store.ts";

const RETRY_MS = 200;

/**
 * `prefix`: begins the names of all keys and channels. Resolves where Redis is away too, after a bounded wait: `status` says so. Rejects
 * with a StoreError (`refused`) for a URL that is none.
 */
export async function openRedisStore(url: string, prefix: string, options: Partial<StoreOptions> = {}): Promise<Store> {
  const all = { ...DEFAULT_OPTIONS, ...options };
  const link = new RedisLink(url);
  const tail = new StreamTail(new RedisLink(url));
  const state = new RedisState(link, url, prefix, all.now);
  const events = new RedisEvents(link, prefix, all.maxEvents);
  const lease = new RedisLease(link, prefix);
  let isClosed = false;

  const unattached = [state, events];
  const attach = async (): Promise<void> => {
    for (const part of [...unattached]) {
      await part.attach(tail);
      unattached.shift();
    }
    void tail.run();
  };
  const attachLater = async (): Promise<void> => {
    while (!isClosed) {
      await Bun.sleep(RETRY_MS);
      const isDone = await attach().then(
        () => true,
        () => false,
      );
      if (isDone) return;
    }
  };
  await attach().catch(() => void attachLater());

  return {
    queue: makeRedisQueue(link, prefix, all),
    state,
    events,
    documents: makeRedisDocuments(link, prefix),
    status: () => readStatus(link, state),
    own: (claim) => lease.own(claim),
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      await lease.release();
      state.close();
      events.close();
      tail.close();
      link.close();
    },
  };
}

async function readStatus(link: RedisLink, state: RedisState): Promise<StoreStatus> {
  try {
    const caution = await findCaution(link);
    const deaf = state.failure === undefined ? undefined : `changes by other programs are not noticed: ${state.failure}`;
    const reason = [caution, deaf].filter((it) => it !== undefined).join("; ");
    return { kind: "redis", ok: true, ...(reason !== "" && { reason }) };
  } catch (error) {
    return { kind: "redis", ok: false, reason: (error as Error).message };
  }
}
