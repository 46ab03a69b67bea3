#!/usr/bin/env bun
/**
 * Read what the containers of a project have written, in the order they wrote it; with --follow also
 * what they write from now on.
 *
 *   bun routines/engine/read-logs.ts --project harbor --tail 20 webui
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { readCount } from "../_script/count.ts";
import { emitText } from "../_script/emit.ts";
import { mergeAsTheyCome } from "../_script/merge-as-they-come.ts";
import { mergeByTime } from "../_script/merge-by-time.ts";
import { runScript } from "../_script/script.ts";
import { readSince } from "../_script/since.ts";
import { findHome } from "../config/find-home.ts";
import { explainQuestionError } from "./_reach-engine.ts";
import { splitFrames, splitLines } from "./_split-log.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import type { Engine } from "./connect-engine.ts";
import { type Container, listContainers } from "./list-containers.ts";

export interface LogLine {
  /** The service that wrote it. */
  source: string;
  /** ISO 8601 in UTC, with nanoseconds. */
  time: string;
  stream: "stdout" | "stderr";
  line: string;
}

export interface OpenLogsOptions extends UseEngineOptions {
  /** The compose project, unless `containers` are given. */
  project?: string;
  /** Names in the compose file; all of the project when left out. */
  services?: readonly string[];
  containers?: readonly Container[];
  /** The last lines of each container; of those that match, where something has to. All when left out. */
  tail?: number | undefined;
  /** Nothing older, in milliseconds since 1970. */
  sinceMs?: number | undefined;
  /** Which lines are wanted. */
  matches?: ((line: LogLine) => boolean) | undefined;
}

export interface ReadLogsOptions extends OpenLogsOptions {
  /** Goes on with what comes. */
  follow?: boolean;
}

export interface OpenedLogs {
  /** What is there, in order of time; ends. */
  history: AsyncGenerator<LogLine>;
  /** What comes after it, to be read once the history is; ends when the containers have, or when aborted. */
  live: (signal?: AbortSignal) => AsyncGenerator<LogLine>;
}

/** Ends when all is read, or with `follow` when the containers have ended or the signal aborts. */
export async function* readLogs(options: ReadLogsOptions): AsyncGenerator<LogLine> {
  const { history, live } = await openLogs(options);
  yield* history;
  if (options.follow) yield* live(options.signal);
}

/** In two parts, so that these logs can be put in order with others before they go on as lines come. */
export function openLogs(options: OpenLogsOptions): Promise<OpenedLogs> {
  return useEngine(options, async (engine) => {
    const containers = options.containers ?? (await listWanted(engine, options));
    const logs = containers.map((container) => new ContainerLog(engine, container, options));
    const explained = (lines: AsyncGenerator<LogLine>, signal = options.signal) => explain(engine, lines, signal);
    return {
      history: explained(mergeByTime(logs.map((log) => log.history()))),
      live: (signal) =>
        explained(
          mergeAsTheyCome((end) => logs.map((log) => log.live(end)), signal),
          signal,
        ),
    };
  });
}

async function* explain(engine: Engine, lines: AsyncGenerator<LogLine>, signal: AbortSignal | undefined): AsyncGenerator<LogLine> {
  try {
    yield* lines;
  } catch (error) {
    if (!signal?.aborted) throw explainQuestionError(engine.endpoint, error);
  }
}

async function listWanted(engine: Engine, { project = "", services, signal }: OpenLogsOptions): Promise<Container[]> {
  const containers = await listContainers({ engine, project, details: false, signal });
  return services === undefined ? containers : containers.filter((container) => services.includes(container.service));
}

class ContainerLog {
  /** Of the last line that was there. */
  private lastTime: string | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly container: Container,
    private readonly options: OpenLogsOptions,
  ) {}

  history(): AsyncGenerator<LogLine> {
    const { tail, matches } = this.options;
    if (tail === undefined || matches === undefined) return this.past(tail);
    // the engine knows nothing of what matches
    return lastOf(this.past(undefined), tail);
  }

  private async *past(tail: number | undefined): AsyncGenerator<LogLine> {
    if (tail === 0) return;
    const { signal } = this.options;
    for await (const line of this.read({ follow: false, tail: tail ?? "all", ...this.since }, signal)) {
      this.lastTime = line.time;
      if (this.isWanted(line)) yield line;
    }
  }

  /** The engine's own time of the last line tells where to go on, to the nanosecond. */
  async *live(signal: AbortSignal): AsyncGenerator<LogLine> {
    const { lastTime } = this;
    const hadNone = this.options.tail === 0;
    const from = lastTime === undefined ? this.since : { since: toUnixTime(lastTime) };
    for await (const line of this.read({ follow: true, tail: hadNone ? 0 : "all", ...from }, signal))
      if ((lastTime === undefined || line.time > lastTime) && this.isWanted(line)) yield line;
  }

  private get since(): { since?: string } {
    const { sinceMs } = this.options;
    return sinceMs === undefined ? {} : { since: toUnixTime(new Date(sinceMs).toISOString()) };
  }

  private isWanted(line: LogLine): boolean {
    return this.options.matches?.(line) ?? true;
  }

  private async *read(query: LogQuery, signal: AbortSignal | undefined): AsyncGenerator<LogLine> {
    const lines = await this.open(query, signal).catch(ignoreGone);
    if (lines === undefined) return;
    for await (const line of lines) yield { source: this.container.service, ...line };
  }

  private async open(query: LogQuery, signal: AbortSignal | undefined): Promise<AsyncIterable<Omit<LogLine, "source">>> {
    const path = `/containers/${this.container.id}`;
    const isTty = (await this.engine.get<{ Config: { Tty: boolean } }>(`${path}/json`, {}, signal)).Config.Tty;
    const chunks = await this.engine.stream(`${path}/logs`, { stdout: true, stderr: true, timestamps: true, ...query }, signal);
    return isTty ? splitLines(chunks) : splitFrames(chunks);
  }
}

interface LogQuery {
  follow: boolean;
  tail: number | "all";
  since?: string;
}

/** Seconds since 1970 with all the digits there are, as the engine wants it: more than a number holds. */
function toUnixTime(time: string): string {
  return `${Date.parse(`${time.slice(0, 19)}Z`) / 1000}.${time.slice(20, -1).padEnd(9, "0")}`;
}

async function* lastOf(lines: AsyncIterable<LogLine>, count: number): AsyncGenerator<LogLine> {
  let kept: LogLine[] = [];
  for await (const line of lines) {
    kept.push(line);
    if (kept.length >= 2 * count + KEPT_LINES) kept = kept.slice(kept.length - count);
  }
  yield* kept.slice(Math.max(0, kept.length - count));
}

/** Lines that are let go at once. */
const KEPT_LINES = 1_000;

/** It may have been removed since the list was made (404), or be on its way (409). */
function ignoreGone(error: { statusCode?: number }): undefined {
  if (error.statusCode === 404 || error.statusCode === 409) return undefined;
  throw error;
}

export const command = defineCommand({
  meta: { name: "read-logs", description: "Read what the containers of a project have written" },
  args: {
    service: { type: "positional", description: "Services to read; all when left out", multiple: true },
    ...projectArg,
    tail: { type: "string", description: "The last N lines of each", valueHint: "N" },
    since: { type: "string", description: "From this time on, or this long ago", valueHint: "TIME" },
    follow: { type: "boolean", description: "Go on with what is written from now on", alias: "f" },
    ...jsonArg,
  },
  async run({ args }) {
    const { project, follow } = args;
    const tail = args.tail === undefined ? undefined : readCount("--tail", args.tail);
    const sinceMs = args.since === undefined ? undefined : readSince(args.since);
    const services = args.service.length === 0 ? {} : { services: args.service };
    const render = (it: LogLine): string => (args.json ? JSON.stringify(it) : `${it.source}\t${it.line}`);
    const options = { project, ...services, sinceMs, follow, tail, env: process.env, home: findHome(process.env) };
    for await (const line of readLogs(options)) emitText(render(line));
  },
});

if (import.meta.main) await runScript(command);
