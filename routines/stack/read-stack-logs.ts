/**
 * The log lines of services, native and container alike, as one stream: first what is there, in order of
 * time, then, if asked, what comes.
 */
import { HarborError } from "../_script/error.ts";
import { mergeAsTheyCome } from "../_script/merge-as-they-come.ts";
import { mergeByTime } from "../_script/merge-by-time.ts";
import type { Env } from "../config/read-values.ts";
import type { LogLine as EngineLine } from "../engine/read-logs.ts";
import { followLog } from "../native/follow-log.ts";
import { type LogEntry, type LogViewOptions, readLog } from "../native/read-log.ts";
import { type LogFolder, listLogFolders } from "../supervisor/list-services.ts";
import { readStack } from "./read-stack.ts";

export interface LogLine {
  /** The handle; for a companion, its name in the compose model. */
  service: string;
  runtime: "container" | "native";
  stream: "stdout" | "stderr";
  /** ISO 8601 in UTC; of a container with nanoseconds. */
  time: string;
  line: string;
}

export interface ReadStackLogsOptions {
  home: string;
  env: Env;
  project: string;
  /** All when empty. */
  handles: readonly string[];
  /** How many lines of each; all when left out. */
  tail?: number | undefined;
  /** Nothing older, in milliseconds since 1970. */
  sinceMs?: number | undefined;
  /** What a line must match; colours in it do not count. */
  grep?: RegExp | undefined;
  follow: boolean;
  signal: AbortSignal;
}

/** The log of one runtime: what is there, and what comes after it. */
interface Source {
  history: AsyncGenerator<LogLine>;
  live: (signal: AbortSignal) => AsyncGenerator<LogLine>;
}

/** Ends by itself unless it follows; then when aborted, when a source fails, or when nothing is left to follow. */
export async function* readStackLogs(options: ReadStackLogsOptions): AsyncGenerator<LogLine> {
  const { home, handles, follow, signal } = options;
  const isWanted = (handle: string): boolean => handles.length === 0 || handles.includes(handle);
  const folders = listLogFolders(home).filter((it) => isWanted(it.handle));
  const isAllNative = handles.length > 0 && handles.every((handle) => folders.some((it) => it.handle === handle));
  const hasContainers = readStack(home)?.hasContainers !== false && !isAllNative;
  const natives = folders.map((it) => openNative(it, options));
  try {
    const containers = hasContainers ? await openContainers(options).catch(asFailure) : undefined;
    const sources = [...natives, ...(containers === undefined || "failure" in containers ? [] : [containers])];
    yield* mergeByTime(sources.map((source) => source.history));
    if (containers !== undefined && "failure" in containers) throw containers.failure;
    if (follow) yield* mergeAsTheyCome((end) => sources.map((source) => source.live(end)), signal);
  } catch (error) {
    // whoever ended it knows why
    if (!signal.aborted) throw error;
  }
}

/** For after what the processes have said. */
function asFailure(failure: unknown): { failure: unknown } {
  return { failure };
}

function openNative({ handle, folder }: LogFolder, { tail, sinceMs, grep, follow }: ReadStackLogsOptions): Source {
  const view: LogViewOptions = { folder, tail, sinceMs, grep };
  if (!follow) return { history: nativeLines(handle, readLog(view)), live: () => nativeLines(handle, []) };
  const { history, live } = followLog(view);
  return { history: nativeLines(handle, history), live: (signal) => nativeLines(handle, live(signal)) };
}

async function* nativeLines(service: string, entries: AsyncIterable<LogEntry> | Iterable<LogEntry>): AsyncGenerator<LogLine> {
  for await (const { time, stream, text } of entries) yield { service, runtime: "native", stream: `std${stream}`, time, line: text };
}

async function openContainers(options: ReadStackLogsOptions): Promise<Source | undefined> {
  const { home, env, project, handles, tail, sinceMs, grep, signal } = options;
  const { connectEngine } = await import("../engine/connect-engine.ts");
  const { listContainers } = await import("../engine/list-containers.ts");
  const { openLogs } = await import("../engine/read-logs.ts");
  const engine = await connectEngine({ env, home, signal }).catch((error: unknown) => {
    // nothing recorded and nothing that answers: there is nothing to read there
    if (readStack(home) === undefined && error instanceof HarborError && error.exit === "missing") return undefined;
    throw error;
  });
  if (engine === undefined) return undefined;
  const all = await listContainers({ engine, project, details: false, signal });
  // a proxy's own lines are about sockets; the service's are the process's
  const containers = all.filter(
    (it) => it.runtime === "container" && (handles.length === 0 || handles.includes(it.handle) || handles.includes(it.service)),
  );
  const matches = grep === undefined ? undefined : ({ line }: { line: string }): boolean => grep.test(Bun.stripANSI(line));
  const { history, live } = await openLogs({ engine, containers, tail, sinceMs, matches, signal });
  return { history: containerLines(history), live: (end) => containerLines(live(end)) };
}

async function* containerLines(lines: AsyncIterable<EngineLine>): AsyncGenerator<LogLine> {
  for await (const { source, stream, time, line } of lines) yield { service: source, runtime: "container", stream, time, line };
}
