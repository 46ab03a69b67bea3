/**
 * The log lines of services, native and container alike, as one stream: first what is there, then, if
 * asked, what comes.
 */
import { HarborError } from "../_script/error.ts";
import { mergeAsTheyCome } from "../_script/merge-as-they-come.ts";
import type { Env } from "../config/read-values.ts";
import { followLog } from "../native/follow-log.ts";
import { listProcesses, type NativeProcess } from "../native/list-processes.ts";
import { tailLog } from "../native/tail-log.ts";
import { readStack, stateOf } from "./read-stack.ts";

export interface LogLine {
  /** The handle; for a companion, its name in the compose model. */
  service: string;
  line: string;
}

export interface ReadStackLogsOptions {
  home: string;
  env: Env;
  project: string;
  /** All when empty. */
  handles: readonly string[];
  /** How many lines of each. */
  tail: number;
  follow: boolean;
  signal: AbortSignal;
}

/** Ends by itself unless it follows; then when aborted, when a source fails, or when nothing is left to follow. */
export async function* readStackLogs(options: ReadStackLogsOptions): AsyncGenerator<LogLine> {
  const { home, handles } = options;
  const isWanted = (handle: string): boolean => handles.length === 0 || handles.includes(handle);
  const processes = listProcesses({ stateDirectory: stateOf(home).directory }).filter((it) => isWanted(it.handle));
  const isAllNative = handles.length > 0 && handles.every((handle) => processes.some((it) => it.handle === handle));
  const hasContainers = readStack(home)?.hasContainers !== false && !isAllNative;
  const open = (signal: AbortSignal): AsyncGenerator<LogLine>[] => [
    ...processes.map((process) => readNative(process, { ...options, signal })),
    ...(hasContainers ? [readContainers({ ...options, signal })] : []),
  ];
  try {
    if (options.follow) yield* mergeAsTheyCome(open, options.signal);
    else for (const source of open(options.signal)) yield* source;
  } catch (error) {
    // whoever ended it knows why
    if (!options.signal.aborted) throw error;
  }
}

async function* readNative(process: NativeProcess, { tail, follow, signal }: ReadStackLogsOptions): AsyncGenerator<LogLine> {
  const service = process.handle;
  const file = process.logFile;
  const lines = follow ? followLog({ file, lines: tail, signal }) : tailLog({ file, lines: tail });
  for await (const line of lines) yield { service, line };
}

async function* readContainers(options: ReadStackLogsOptions): AsyncGenerator<LogLine> {
  const { home, env, project, handles, tail, follow, signal } = options;
  const { connectEngine } = await import("../engine/connect-engine.ts");
  const { listContainers } = await import("../engine/list-containers.ts");
  const { readLogs } = await import("../engine/read-logs.ts");
  const engine = await connectEngine({ env, home, signal }).catch((error: unknown) => {
    // nothing recorded and nothing that answers: there is nothing to read there
    if (readStack(home) === undefined && error instanceof HarborError && error.exit === "missing") return undefined;
    throw error;
  });
  if (engine === undefined) return;
  const containers = await listContainers({ engine, project });
  // a proxy's own lines are about sockets; the service's are the process's
  const own = containers.filter(
    (it) => it.runtime === "container" && (handles.length === 0 || handles.includes(it.handle) || handles.includes(it.service)),
  );
  if (own.length === 0) return;
  const services = own.map((it) => it.service);
  for await (const entry of readLogs({ engine, project, services, tail, follow, signal }))
    yield { service: entry.source, line: entry.line };
}
