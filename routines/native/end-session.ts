/** Ends all that a start left behind: asks, waits, kills. The caller holds the handle's lock. */
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import type { ProcessEntry } from "../_script/process-identity.ts";
import type { StopSpec } from "./_types.ts";
import { findMembers, recentTable, type Started } from "./session-members.ts";

/** What is to end: the session of a process, or whatever carries a mark. */
export interface Session extends Started {
  handle: string;
  stop: StopSpec;
}

export interface EndSessionOptions {
  record: Session;
  /** Instead of the contract's. */
  graceMs?: number | undefined;
  /** Ends the waiting, and nothing else: what is left is for another to end. */
  signal?: AbortSignal | undefined;
}

export interface EndedSession {
  /** How many processes there were. */
  count: number;
  /** Whether any had to be killed. */
  wasKilled: boolean;
}

const POLL_MS = { first: 2, longest: 50, shared: 5 };
const KILL_WAIT_MS = 5_000;

/** Throws `failed` naming the pids that even SIGKILL did not end (another user's, or stuck in the kernel), `interrupted` once aborted. */
export async function endSession(options: EndSessionOptions): Promise<EndedSession> {
  const { record, signal } = options;
  const graceMs = options.graceMs ?? parseDuration(record.stop.grace) ?? 10_000;
  const asked = await signalUntilGone(record, record.stop.signal as NodeJS.Signals, graceMs, signal);
  if (asked.left.length === 0) return { count: asked.count, wasKilled: false };
  const killed = await signalUntilGone(record, "SIGKILL", KILL_WAIT_MS, signal);
  if (killed.left.length === 0) return { count: asked.count, wasKilled: true };
  const pids = killed.left.map((entry) => entry.pid).join(", ");
  throw new HarborError(`Cannot stop "${record.handle}": pid ${pids} does not end, not even by SIGKILL`, {
    hint: "Look at it with `ps`, it may belong to another user",
  });
}

/** Each member once, those that appear while we wait too. */
async function signalUntilGone(
  record: Session,
  name: NodeJS.Signals,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<{ count: number; left: ProcessEntry[] }> {
  const deadline = performance.now() + waitMs;
  const signalled = new Set<string>();
  let pauseMs = POLL_MS.first;
  while (true) {
    if (signal?.aborted) throw new HarborError(`Cannot wait for the end of "${record.handle}": interrupted`, { exit: "interrupted" });
    const seen = findMembers(record, recentTable(POLL_MS.shared));
    // that none is left is worth a look of our own
    const left = seen.length > 0 ? seen : findMembers(record);
    for (const entry of left) {
      const key = `${entry.pid}:${entry.startTime}`;
      if (!signalled.has(key)) sendSignal(entry.pid, name);
      signalled.add(key);
    }
    if (left.length === 0 || performance.now() >= deadline) return { count: signalled.size, left };
    await Bun.sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, POLL_MS.longest);
  }
}

/** A stopped process (SIGSTOP, Ctrl-Z) takes a signal only once it goes on. */
function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
    if (name !== "SIGKILL") process.kill(pid, "SIGCONT");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ESRCH" && code !== "EPERM") throw error; // it has ended; or the members left will tell
  }
}
