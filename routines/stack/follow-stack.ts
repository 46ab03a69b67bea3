/** Log lines on the terminal, each with its service's name; and `up --tail` and `--attach`, which go on with them. */
import { emitText } from "../_script/emit.ts";
import type { Env } from "../config/read-values.ts";
import type { Progress } from "./progress.ts";
import { readStack } from "./read-stack.ts";
import { type LogLine, readStackLogs } from "./read-stack-logs.ts";
import { stopStack } from "./stop-stack.ts";

/** Prints each line on stdout as it comes. */
export async function printLogs(lines: AsyncIterable<LogLine>, options: { hasPrefix: boolean }): Promise<void> {
  let width = 0;
  for await (const { service, line } of lines) {
    width = Math.max(width, service.length);
    emitText(options.hasPrefix ? `${service.padEnd(width)} | ${line}` : line);
  }
}

export interface FollowStackOptions {
  home: string;
  env: Env;
  project: string;
  /** What this call started. */
  handles: readonly string[];
  /** Whether those are stopped when the user ends it. */
  stopsAtEnd: boolean;
  signal: AbortSignal;
  progress: Progress;
}

/** Follows until interrupted. */
export async function followStack({ home, env, project, handles, stopsAtEnd, signal, progress }: FollowStackOptions): Promise<void> {
  await printLogs(readStackLogs({ home, env, project, handles: [], tail: 20, follow: true, signal }), { hasPrefix: true });
  if (!stopsAtEnd || handles.length === 0) return;
  progress.say("harbor", `stopping ${handles.join(", ")}`);
  await stopStack({ home, project, record: readStack(home), env, handles, progress });
}
