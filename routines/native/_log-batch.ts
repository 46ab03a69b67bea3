/** Lines of one stream on their way into the log. */
import { formatEntry, type LogEntry, type LogStream, type Position } from "./_log-format.ts";
import type { LogWriter } from "./_log-writer.ts";
import type { Piece } from "./_split-bytes.ts";
import type { SpoolState } from "./_spools.ts";

export class LogBatch {
  /** What was taken of the spool. */
  spoolBytes = 0;
  count = 0;
  private lines = "";
  private size = 0;
  /** Only where somebody wants to be told. */
  private entries: LogEntry[] = [];
  private last: Position | undefined;
  private readonly stream: LogStream;

  constructor(
    private readonly writer: LogWriter,
    private readonly spool: SpoolState,
    readonly time: string,
    private readonly onLine: ((entry: LogEntry) => void) | undefined,
  ) {
    this.stream = spool.stream;
  }

  /** `bytes` are those of the spool from its `from` on. Where the log is full with it, `makeRoom` is called first. */
  add(bytes: Buffer, piece: Piece, makeRoom: () => void): void {
    const { run, from } = this.spool;
    const kind = piece.isPart ? "part" : "line";
    const text = bytes.toString("utf8", piece.start, piece.end);
    const entry: LogEntry = { kind, time: this.time, stream: this.stream, text, position: { run, offset: from + piece.next } };
    const line = formatEntry(entry);
    const length = line.length - text.length + piece.end - piece.start;
    if (!this.writer.hasRoom(this.size, length)) {
      this.flush();
      makeRoom();
    }
    this.lines += line;
    this.size += length;
    this.spoolBytes = piece.next;
    this.last = entry.position;
    if (this.onLine !== undefined) this.entries.push(entry);
    this.count++;
  }

  /** Into the log; told only once they are there. */
  flush(): void {
    if (this.last === undefined) return;
    this.writer.append(this.lines, this.time, { ...this.writer.positions, [this.stream]: this.last });
    const { entries } = this;
    this.lines = "";
    this.size = 0;
    this.last = undefined;
    this.entries = [];
    for (const entry of entries) this.onLine?.(entry);
  }
}
