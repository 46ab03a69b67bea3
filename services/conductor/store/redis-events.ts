/** The event history in Redis: a capped stream, "<prefix>:events", that other programs can read and follow too. */
import { Followers } from "./followers.ts";
import { makeScript, type RedisLink } from "./redis-link.ts";
import { readFields, type StreamEntry, type StreamTail } from "./redis-tail.ts";
import type { EventLog, StoredEvent } from "./store.ts";
import { readJson, toJson } from "./values.ts";

/** Of a stream's entry; Redis refuses numbers beyond 64 bits. */
const ID = /^\d{1,18}-\d{1,18}$/;

/** stream, how many are kept, then of each: type, source, time, data → their ids. All or none. */
const APPEND = makeScript(`
local ids = {}
for i = 3, #ARGV, 4 do
  ids[#ids + 1] = redis.call('XADD', ARGV[1], 'MAXLEN', ARGV[2], '*', 'type', ARGV[i], 'source', ARGV[i + 1], 'time', ARGV[i + 2], 'data', ARGV[i + 3])
end
return ids
`);

export class RedisEvents implements EventLog {
  readonly #link: RedisLink;
  readonly #stream: string;
  readonly #maxEvents: number;
  readonly #followers = new Followers<StoredEvent>();

  constructor(link: RedisLink, prefix: string, maxEvents: number) {
    this.#link = link;
    this.#stream = `${prefix}:events`;
    this.#maxEvents = maxEvents;
  }

  /** From now on its followers hear of events. */
  async attach(tail: StreamTail): Promise<void> {
    tail.follow(this.#stream, (await this.newest()) ?? "0-0", (entry) => this.#followers.publish(readEvent(entry)));
  }

  async append(events: readonly Omit<StoredEvent, "id">[]): Promise<StoredEvent[]> {
    if (events.length === 0) return [];
    const rows = events.map(({ type, source, time, data }) => ({ type, source, time, data: toJson(data) }));
    const args = rows.flatMap(({ type, source, time, data }) => [type, source, String(time), data]);
    const ids = (await this.#link.run(APPEND, [this.#stream, this.#maxEvents], args)) as string[];
    return rows.map((row, index) => ({ id: ids[index] as string, ...row, data: JSON.parse(row.data) as unknown }));
  }

  async since(id: string | undefined, limit: number): Promise<StoredEvent[]> {
    const start = id !== undefined && ID.test(id) ? `(${id}` : "-";
    return this.#range(start, limit);
  }

  follow(onEvent: (event: StoredEvent) => void, signal: AbortSignal): Promise<void> {
    return this.#followers.follow(onEvent, signal);
  }

  async oldest(): Promise<string | undefined> {
    return (await this.#range("-", 1))[0]?.id;
  }

  async newest(): Promise<string | undefined> {
    const [newest] = (await this.#link.send("XREVRANGE", [this.#stream, "+", "-", "COUNT", "1"])) as [string, string[]][];
    return newest?.[0];
  }

  close(): void {
    this.#followers.endAll();
  }

  async #range(start: string, limit: number): Promise<StoredEvent[]> {
    const entries = (await this.#link.send("XRANGE", [this.#stream, start, "+", "COUNT", String(limit)])) as [string, string[]][];
    return entries.map(([id, flat]) => readEvent({ id, fields: readFields(flat) }));
  }
}

/** Other programs may have appended what lacks something. */
function readEvent({ id, fields }: StreamEntry): StoredEvent {
  const { type = "", source = "", time = id.split("-")[0], data = "null" } = fields;
  return { id, type, source, time: Number(time), data: readJson(data) };
}
