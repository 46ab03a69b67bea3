/** `up --tail` and `--attach`, which go on with the log lines of the stack. */
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import type { Env } from "../config/read-values.ts";
import { printLogs, showsColours } from "./print-logs.ts";
import type { Progress } from "./progress.ts";
import { readStack, stateOf } from "./read-stack.ts";
import { readStackLogs } from "./read-stack-logs.ts";
import { stopStack } from "./stop-stack.ts";
import { removeEmptyState } from "./write-stack.ts";

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

/**
 * Follows until interrupted, or until nothing is left to follow. Throws `interrupted` where that stops what
 * was started; and what made following fail, after the same stop.
 */
export async function followStack(options: FollowStackOptions): Promise<void> {
  const { home, env, project, stopsAtEnd, signal, progress } = options;
  try {
    const lines = readStackLogs({ home, env, project, handles: [], tail: 20, follow: true, signal });
    await printLogs(lines, { hasPrefix: true, hasColours: showsColours(env) });
  } catch (error) {
    // what made the logs fail may keep the stop from its containers as well: that is said once, by the first
    if (stopsAtEnd) await stopStarted(options).catch(() => progress.warn("Containers may be left; `harbor down` removes them"));
    throw error;
  }
  if (!stopsAtEnd) return;
  await stopStarted(options);
  if (signal.aborted) throw new HarborError("Cannot follow the logs further: interrupted", { exit: "interrupted" });
}

async function stopStarted({ home, env, project, handles, progress }: FollowStackOptions): Promise<void> {
  if (handles.length === 0) return;
  progress.say("harbor", `stopping ${handles.join(", ")}`);
  const stop = async (): Promise<void> => {
    const record = readStack(home);
    const left = handles.filter((handle) => record?.services.includes(handle));
    if (left.length === 0) return;
    await stopStack({ home, project, record, env, handles: left, progress });
  };
  await withLock(stateOf(home).lock, stop, { purpose: "harbor up --attach" });
  removeEmptyState(home);
}
