/** Documents in Redis: one hash per kind, "<prefix>:documents:<kind>". */
import type { RedisLink } from "./redis-link.ts";
import type { Documents } from "./store.ts";
import { toJson } from "./values.ts";

export function makeRedisDocuments(link: RedisLink, prefix: string): Documents {
  const hashOf = (kind: string): string => `${prefix}:documents:${kind}`;
  return {
    get: async <T>(kind: string, id: string) => {
      const text = (await link.send("HGET", [hashOf(kind), id])) as string | null;
      return text === null ? undefined : (JSON.parse(text) as T);
    },
    put: async (kind, id, value) => {
      await link.send("HSET", [hashOf(kind), id, toJson(value)]);
    },
    delete: async (kind, id) => (await link.send("HDEL", [hashOf(kind), id])) === 1,
    list: async <T>(kind: string) => {
      const all = (await link.send("HGETALL", [hashOf(kind)])) as Record<string, string>;
      return Object.entries(all)
        .map(([id, text]) => ({ id, value: JSON.parse(text) as T }))
        .sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
    },
  };
}
