#!/usr/bin/env bun
/**
 * Read what the containers of a project have written, in the order they wrote it; with --follow also
 * what they write from now on.
 *
 *   bun routines/engine/read-logs.ts --project harbor --tail 20 webui
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { parseDuration } from "../_script/duration.ts";
import { emitText } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { mergeAsTheyCome } from "../_script/merge-as-they-come.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { mergeByTime } from "./_merge-lines.ts";
import { explainQuestionError } from "./_reach-engine.ts";
import { splitFrames, splitLines } from "./_split-log.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import type { Engine } from "./connect-engine.ts";
import { type Container, listContainers } from "./list-containers.ts";

export interface LogLine {
  /** The service that wrote it. */
  source: string;
  /** RFC 3339, with nanoseconds where the engine tells them. */
  time: string;
  stream: "stdout" | "stderr";
  line: string;
}

export interface ReadLogsOptions extends UseEngineOptions {
  /** The compose project, unless `containers` are given. */
  project?: string;
  /** Names in the compose file; all of the project when left out. */
  services?: readonly string[];
  containers?: readonly Container[];
  /** The last lines of each container; all when left out. */
  tail?: number | undefined;
  /** A time, or how long ago: `10m`. */
  since?: string | undefined;
  follow?: boolean;
}

/** Ends when all is read, or with `follow` when the containers have ended or the signal aborts. */
export async function* readLogs(options: ReadLogsOptions): AsyncGenerator<LogLine> {
  const since = options.since === undefined ? undefined : readSince(options.since);
  const { engine, open } = await useEngine(options, async (engine) => {
    const containers = options.containers ?? (await listWanted(engine, options));
    const open = (signal = options.signal) => containers.map((container) => readOne(engine, container, { ...options, since, signal }));
    return { engine, open };
  });
  const lines = options.follow ? mergeAsTheyCome(open, options.signal) : mergeByTime(open());
  try {
    yield* lines;
  } catch (error) {
    if (!options.signal?.aborted) throw explainQuestionError(engine.endpoint, error);
  }
}

async function listWanted(engine: Engine, { project = "", services, signal }: ReadLogsOptions): Promise<Container[]> {
  const containers = await listContainers({ engine, project, details: false, signal });
  return services === undefined ? containers : containers.filter((container) => services.includes(container.service));
}

type ReadOneOptions = Omit<ReadLogsOptions, "since"> & { since: number | undefined };

async function* readOne(engine: Engine, container: Container, options: ReadOneOptions): AsyncGenerator<LogLine> {
  const chunks = await openLog(engine, container, options).catch(ignoreGone);
  if (chunks === undefined) return;
  for await (const line of chunks) yield { source: container.service, ...line };
}

async function openLog(engine: Engine, container: Container, options: ReadOneOptions): Promise<AsyncIterable<Omit<LogLine, "source">>> {
  const { tail, since, follow = false, signal } = options;
  const path = `/containers/${container.id}`;
  const isTty = (await engine.get<{ Config: { Tty: boolean } }>(`${path}/json`, {}, signal)).Config.Tty;
  const query = { stdout: true, stderr: true, timestamps: true, follow, tail: tail ?? "all", ...(since === undefined ? {} : { since }) };
  const chunks = await engine.stream(`${path}/logs`, query, signal);
  return isTty ? splitLines(chunks) : splitFrames(chunks);
}

/** It may have been removed since the list was made (404), or be on its way (409). */
function ignoreGone(error: { statusCode?: number }): undefined {
  if (error.statusCode === 404 || error.statusCode === 409) return undefined;
  throw error;
}

/** Seconds since 1970, as the engine wants it. */
export function readSince(text: string, now = Date.now()): number {
  const ago = parseDuration(text);
  const time = ago === undefined ? Date.parse(text) : now - ago;
  if (!Number.isNaN(time)) return time / 1000;
  throw new HarborError(`Cannot read --since "${text}": it is neither a duration nor a time`, {
    exit: "usage",
    hint: "Write it like 10m or 2026-01-31T12:00:00Z",
  });
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
    const { project, tail, since, follow } = args;
    const services = args.service.length === 0 ? {} : { services: args.service };
    const render = (it: LogLine): string => (args.json ? JSON.stringify(it) : `${it.source}\t${it.line}`);
    const options = { project, ...services, since, follow, tail: readTail(tail), env: process.env, home: findHome(process.env) };
    for await (const line of readLogs(options)) emitText(render(line));
  },
});

function readTail(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new HarborError(`Cannot read --tail "${text}": it is no number`, { exit: "usage", hint: "Write it like 20" });
}

if (import.meta.main) await runScript(command);
