/**
 * Follows streams: one connection that waits for what is appended to any of them, and goes on from the last id it saw when Redis was away.
 * Each entry is handed over once and in order; while one is being handled, the next waits.
 */
import type { RedisLink } from "./redis-link.ts";

export interface StreamEntry {
  id: string;
  fields: Record<string, string>;
}

type OnEntry = (entry: StreamEntry) => void | Promise<void>;

/** Less than the link takes for silence. */
const BLOCK_MS = 1_000;
const READ_AT_ONCE = 500;
const PAUSE_MS = 100;

export class StreamTail {
  readonly #link: RedisLink;
  readonly #streams = new Map<string, { last: string; onEntry: OnEntry }>();
  #isClosed = false;

  /** `link`: its own, because it blocks. */
  constructor(link: RedisLink) {
    this.#link = link;
  }

  /** What comes after the id `last`. Before `run`. */
  follow(stream: string, last: string, onEntry: OnEntry): void {
    this.#streams.set(stream, { last, onEntry });
  }

  /** Until `close`. */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#read();
      } catch {
        if (!this.#isClosed) await Bun.sleep(PAUSE_MS);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#link.close();
  }

  async #read(): Promise<void> {
    const names = [...this.#streams.keys()];
    const lasts = [...this.#streams.values()].map(({ last }) => last);
    const args = ["COUNT", String(READ_AT_ONCE), "BLOCK", String(BLOCK_MS), "STREAMS", ...names, ...lasts];
    const answer = (await this.#link.send("XREAD", args)) as Record<string, [string, string[]][]> | null;
    for (const [name, entries] of Object.entries(answer ?? {})) {
      const stream = this.#streams.get(name);
      if (stream === undefined) continue;
      for (const [id, flat] of entries) {
        await stream.onEntry({ id, fields: readFields(flat) });
        stream.last = id;
      }
    }
  }
}

/** ["a", "1", "b", "2"] → {a: "1", b: "2"} */
export function readFields(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) fields[flat[i] as string] = flat[i + 1] as string;
  return fields;
}
