/** A service's log as somebody wants to see it: from a line or a time on, with what matches alone. */
import { findEnds, findPlace } from "./_find-place.ts";
import { LogCursor } from "./_log-cursor.ts";
import type { LogEntry, LogStream } from "./_log-format.ts";

export interface LogViewOptions {
  /** The service's: `$HARBOR_HOME/state/native/<handle>`. */
  folder: string;
  /** The last so many lines; of those that match, where something has to. All when left out. */
  tail?: number | undefined;
  /** Nothing older, in milliseconds since 1970. */
  sinceMs?: number | undefined;
  /** What a line must match; colours in it do not count. */
  grep?: RegExp | undefined;
  /** Of this start alone. */
  run?: number | undefined;
  stream?: LogStream | undefined;
}

export class LogView {
  private readonly folder: string;
  private readonly since: string;
  private cursor: LogCursor | undefined;

  constructor(private readonly options: LogViewOptions) {
    this.folder = options.folder;
    this.since = new Date(options.sinceMs ?? 0).toISOString();
  }

  /** What is there. With `hasPartial` also a last line without an end: for those who do not wait for it. */
  async *history({ hasPartial = false } = {}): AsyncGenerator<LogEntry> {
    const until = findEnds(this.folder);
    const { tail, sinceMs } = this.options;
    const matches = (entry: LogEntry): boolean => this.matches(entry);
    const isOlder = (entry: LogEntry): boolean => this.isOlder(entry);
    const place = await findPlace(this.folder, { tail, sinceMs, matches, isOlder, hasPartial });
    this.cursor = new LogCursor(this.folder, place);
    let skip = place.skip;
    for await (const entry of this.cursor.entries({ until, hasPartial })) if (this.matches(entry) && skip-- <= 0) yield entry;
  }

  /** What came since the history was read, or since the last call. */
  async *news(): AsyncGenerator<LogEntry> {
    for await (const entry of this.cursor?.entries() ?? []) if (this.matches(entry)) yield entry;
  }

  private isOlder({ time, position }: LogEntry): boolean {
    return time < this.since || position.run < (this.options.run ?? 0);
  }

  private matches(entry: LogEntry): boolean {
    const { grep, run, stream } = this.options;
    if (this.isOlder(entry) || entry.position.run > (run ?? Number.POSITIVE_INFINITY)) return false;
    if (stream !== undefined && entry.stream !== stream) return false;
    return grep === undefined || grep.test(entry.text.includes("\x1b") ? Bun.stripANSI(entry.text) : entry.text);
  }
}
