/** How durable this Redis is set up to be: what an accepted message would not survive. */
import type { RedisLink } from "./redis-link.ts";
import { StoreError } from "./store.ts";

/** Undefined where nothing is to be said, or Redis does not say. Rejects where it is away. */
export async function findCaution(link: RedisLink): Promise<string | undefined> {
  const info = await readInfo(link);
  const cautions: string[] = [];
  if (info.get("aof_enabled") === "0")
    cautions.push("what Redis accepted since its last snapshot is lost when it ends (start it with --appendonly yes --appendfsync always)");
  else if ((await readSetting(link, "appendfsync")) !== "always")
    cautions.push("what Redis accepted in the last second or more is lost with the machine's power (--appendfsync always)");
  const policy = info.get("maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction" && info.get("maxmemory") !== "0")
    cautions.push(`Redis throws keys away when its memory is full (--maxmemory-policy noeviction instead of ${policy})`);
  return cautions.length === 0 ? undefined : cautions.join("; ");
}

/** "aof_enabled:1" lines, of the sections that matter. */
async function readInfo(link: RedisLink): Promise<Map<string, string>> {
  const sections = await Promise.all(["persistence", "memory"].map((name) => link.send("INFO", [name])));
  const lines = sections.join("\n").matchAll(/^([a-z_]+):(.*?)\r?$/gm);
  return new Map([...lines].map(([, name = "", value = ""]) => [name, value]));
}

/** "always" where it may not be asked: then whoever forbade it has to know. */
async function readSetting(link: RedisLink, name: string): Promise<string | undefined> {
  try {
    const answer = (await link.send("CONFIG", ["GET", name])) as Record<string, string>;
    return answer[name];
  } catch (error) {
    if (error instanceof StoreError && /^Redis refused: (NOPERM|ERR unknown)/.test(error.message)) return "always";
    throw error;
  }
}
