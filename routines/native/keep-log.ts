#!/usr/bin/env bun
/**
 * Keep a native service's log: take what its process writes out of the spools, stamp each line, rotate
 * by size and age. The log itself says how far the spools are taken over, so that whoever goes on after a
 * keeper was killed loses no line and repeats none. One keeper at a time; readers as many as there are.
 *
 *   bun routines/native/keep-log.ts ~/.harbor/state/native/ollama
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../_script/command.ts";
import { HarborError } from "../_script/error.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { withLock } from "../_script/lock.ts";
import { log } from "../_script/log.ts";
import { runScript } from "../_script/script.ts";
import { LogBatch } from "./_log-batch.ts";
import { formatEntry, isAfter, type LogEntry } from "./_log-format.ts";
import { LogWriter } from "./_log-writer.ts";
import { findExcess } from "./_overflow.ts";
import { Reclaimer } from "./_reclaim.ts";
import { splitBytes } from "./_split-bytes.ts";
import { listRests, listSpools, readSpool, type SpoolState, spoolFolder } from "./_spools.ts";
import { inTurn } from "./_turns.ts";
import type { LogLimits } from "./_types.ts";
import { Waker } from "./_wake.ts";

export type { LogEntry, LogStream } from "./_log-format.ts";

export interface LogKeeperOptions {
  /** The service's: `$HARBOR_HOME/state/native/<handle>`. */
  folder: string;
  limits: LogLimits;
  /** Each line once it is in the log; none that was there before. */
  onLine?: (entry: LogEntry) => void;
  /** Said once when the log cannot be written; it is tried again until it can. */
  onTrouble?: (text: string) => void;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** Taken over at once: a millisecond or two of work. */
const CHUNK_LINES = 3_000;
/** What waits may be this much more than what is kept at all, before some of it is skipped. */
const LEAST_SLACK_BYTES = 4 * 1024 * 1024;
const PRUNE_MS = 3_600_000;
const RETRY_MS = { first: 250, longest: 10_000 };
/** A stamp goes back only where the clock was set back, by more than the clocks of files and programs differ. */
const CLOCK_SLACK_MS = 1_000;

interface Look {
  rests: SpoolState[];
  /** Of all spools. */
  latestRun: number;
}

export class LogKeeper {
  private readonly folder: string;
  private readonly writer: LogWriter;
  private readonly reclaimer: Reclaimer;
  private readonly now: () => number;
  private trouble: { untilMs: number; pauseMs: number } | undefined;
  private waker: Waker | undefined;
  private watching: Promise<void> | undefined;
  private tidiedMs: number | undefined;
  private isClosed = false;

  constructor(private readonly options: LogKeeperOptions) {
    this.folder = options.folder;
    this.now = options.now ?? Date.now;
    this.writer = new LogWriter(options.folder, options.limits, this.now);
    this.reclaimer = new Reclaimer(options.folder, this.writer.maxSize);
  }

  /** All that the spools hold now is in the log afterwards, unless it cannot be written; a line that has no end yet stays. */
  async drain(): Promise<void> {
    await this.drainOnce(false);
  }

  /** Also a line without an end: whoever wrote it is gone. */
  async flushPartial(): Promise<void> {
    await this.drainOnce(true);
  }

  /** Drains whenever something is written, from now on. */
  startWatching(): void {
    this.watching ??= this.watch();
  }

  /** Ends the watching, and closes the log; what the spools still hold waits for the next keeper. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.waker?.close();
    await this.watching;
    await inTurn(() => this.writer.close());
    await this.writer.settle();
  }

  private async watch(): Promise<void> {
    this.waker = new Waker(spoolFolder(this.folder));
    while (!this.isClosed) await this.waker.next(await this.drainOnce(false));
  }

  /** Up to what there is at the call: a flood goes on for ever. Says whether it took anything over. */
  private async drainOnce(isLast: boolean): Promise<boolean> {
    let hasTaken = false;
    let goal: readonly SpoolState[] | undefined;
    const step = (): boolean => {
      const seen = this.look();
      if (seen === undefined) return false;
      goal ??= seen.rests;
      return this.isBehind(goal) && this.takeSome(seen, isLast);
    };
    while (await inTurn(() => this.guarded(step))) hasTaken = true;
    return hasTaken;
  }

  private isBehind(goal: readonly SpoolState[]): boolean {
    return goal.some(({ stream, run, end }) => isAfter({ run, offset: end }, this.writer.positions[stream]));
  }

  /** What there is to take over; removes what was. Nothing for a folder in which nothing was ever started. */
  private look(): Look | undefined {
    const spools = listSpools(this.folder);
    const latestRun = spools.at(-1)?.run;
    if (latestRun === undefined) return undefined;
    this.writer.open();
    this.tidy();
    const rests = listRests(spools, this.writer.positions).map((rest) => this.reclaimer.mend(rest));
    this.reclaimer.removeRead(spools, rests);
    return { rests, latestRun };
  }

  /** Also for a service that says nothing more: what it said grows old. */
  private tidy(): void {
    if (this.tidiedMs === undefined) this.writer.tidy();
    const now = this.now();
    if (now - (this.tidiedMs ?? 0) < PRUNE_MS) return;
    this.writer.prune(0);
    this.tidiedMs = now;
  }

  /** False where the log cannot be written: the spools keep what is in them. */
  private guarded(step: () => boolean): boolean {
    if (this.isClosed || (this.trouble !== undefined && this.now() < this.trouble.untilMs)) return false;
    try {
      const hasTaken = step();
      if (hasTaken) this.trouble = undefined;
      return hasTaken;
    } catch (error) {
      this.postpone(error as NodeJS.ErrnoException);
      return false;
    }
  }

  private postpone(error: NodeJS.ErrnoException): void {
    this.writer.close();
    const isGone = statSync(this.folder, { throwIfNoEntry: false }) === undefined;
    if (isGone) return;
    if (this.trouble === undefined) this.options.onTrouble?.(`Cannot write the log in "${this.folder}": ${error.message}`);
    const pauseMs = Math.min((this.trouble?.pauseMs ?? RETRY_MS.first / 2) * 2, RETRY_MS.longest);
    this.trouble = { pauseMs, untilMs: this.now() + pauseMs };
    setTimeout(() => this.waker?.poke(), pauseMs).unref();
  }

  /** A chunk of the first that has any whole line; of an earlier start also what has no end. */
  private takeSome({ rests, latestRun }: Look, isLast: boolean): boolean {
    const waiting = rests.reduce((sum, { from, end }) => sum + end - from, 0);
    if (waiting > this.writer.maxSize) this.writer.prune(waiting);
    return this.skipSome(rests) || rests.some((rest) => this.take(rest, isLast || rest.run < latestRun, waiting));
  }

  private take(spool: SpoolState, isLast: boolean, waiting: number): boolean {
    const bytes = readSpool(spool);
    const isWhole = spool.from + bytes.length >= spool.end;
    const batch = new LogBatch(this.writer, spool, this.stamp(spool.timeMs), this.options.onLine);
    const rotate = (): void => this.rotate(batch.time, waiting);
    for (const piece of splitBytes(bytes, isLast && isWhole)) {
      if (batch.count === 0 && this.writer.isDue) rotate();
      batch.add(bytes, piece, rotate);
      if (batch.count === CHUNK_LINES) break;
    }
    if (batch.count === 0) return false;
    batch.flush();
    this.reclaimer.giveBack(spool, spool.from + batch.spoolBytes);
    return true;
  }

  private rotate(time: string, waiting: number): void {
    this.writer.rotate(time);
    this.writer.prune(waiting);
    this.writer.pack();
  }

  /** When it was last written is when its lines were, give or take a drain; also for what waited while nobody kept the log. */
  private stamp(writtenMs: number): string {
    const seen = Math.min(writtenMs, this.now());
    const last = this.writer.lastMs;
    this.writer.lastMs = seen < last && last - seen < CLOCK_SLACK_MS ? last : seen;
    return new Date(this.writer.lastMs).toISOString();
  }

  /** Written faster than the log can be; or more than may lie in a spool that cannot shrink while it is written. */
  private skipSome(rests: readonly SpoolState[]): boolean {
    const kept = this.writer.maxSize * (this.writer.maxFiles + 1);
    const slack = Math.max(this.writer.maxSize, LEAST_SLACK_BYTES);
    const stiff = this.reclaimer.isGradual ? undefined : rests.find(({ base, end }) => end - base > 2 * kept + slack);
    const excess = stiff === undefined ? findExcess(rests, { kept, slack }) : { spool: stiff, to: stiff.end };
    if (excess === undefined) return false;
    const { spool, to } = excess;
    const { stream, run, from } = spool;
    const position = { run, offset: to };
    const time = this.stamp(spool.timeMs);
    const text = `harbor: ${((to - from) / 1e6).toFixed(1)} MB skipped: they came faster than they could be logged, and are more than is kept`;
    this.writer.append(formatEntry({ kind: "note", time, stream, text, position }), time, { ...this.writer.positions, [stream]: position });
    this.reclaimer.giveBack(spool, to, stiff !== undefined);
    return true;
  }
}

export const command = defineCommand({
  meta: {
    name: "keep-log",
    description: "Keep the log of a native service, until Ctrl-C",
    examples: ["harbor routine keep-log ~/.harbor/state/native/ollama"],
  },
  args: {
    folder: { type: "positional", description: "Folder of the service in the state", required: true },
    "max-size": { type: "string", description: "Of one file", valueHint: "SIZE", default: "10MB" },
    "max-files": { type: "string", description: "Rotated files", valueHint: "N", default: "5" },
    "max-age": { type: "string", description: "Of a line", valueHint: "7d", default: "7d" },
  },
  async run({ args }) {
    const maxFiles = Number(args["max-files"]);
    if (!Number.isInteger(maxFiles) || maxFiles < 0)
      throw new HarborError(`Cannot keep "${args["max-files"]}" files: it is no number`, { exit: "usage" });
    if (existsSync(join(args.folder, "service.json")))
      throw new HarborError(`Cannot keep the log in "${args.folder}": its supervisor does`, { hint: "Read it: harbor logs" });
    const limits = { max_size: args["max-size"], max_files: maxFiles, max_age: args["max-age"] };
    const keeper = new LogKeeper({ folder: args.folder, limits, onTrouble: (text) => log().warn(text) });
    using interrupt = listenForInterrupt();
    const keep = async (): Promise<void> => {
      keeper.startWatching();
      await untilAborted(interrupt.signal);
      await keeper.drain();
      await keeper.close();
    };
    await withLock(join(args.folder, "keeper.lock"), keep, { purpose: "keeping the log", signal: interrupt.signal });
  },
});

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true })));
}

if (import.meta.main) await runScript(command);
