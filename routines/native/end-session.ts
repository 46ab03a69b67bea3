/** Ends all that a start left behind: asks, waits, kills. The caller holds the handle's lock. */
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import type { ProcessEntry } from "../_script/process-identity.ts";
import type { StopSpec } from "./_types.ts";
import { findMembers, isUndecided, recentTable, type Started } from "./session-members.ts";

/** What is to end: the session of a process, or whatever carries a mark. */
export interface Session extends Started {
  handle: string;
  stop: StopSpec;
}

export interface EndSessionOptions {
  record: Session;
  /** Instead of the contract's. */
  graceMs?: number | undefined;
  /** Cuts the grace short: what is left is killed at once. */
  signal?: AbortSignal | undefined;
}

export interface EndedSession {
  /** How many processes there were. */
  count: number;
  /** Whether any had to be killed. */
  wasKilled: boolean;
}

const POLL_MS = { first: 2, longest: 50, shared: 5, sure: 5 };
/** One that was born while we looked is in no list of ours. */
const EMPTY_LOOKS = 2;
/** The longest that one which is ending, or becoming another program, is waited for: then it is a stranger. */
const UNDECIDED_MS = 1_000;
const KILL_WAIT_MS = 5_000;

/** Throws `failed` naming the pids that even SIGKILL did not end (another user's, or stuck in the kernel). */
export async function endSession(options: EndSessionOptions): Promise<EndedSession> {
  const { record } = options;
  const graceMs = options.graceMs ?? parseDuration(record.stop.grace) ?? 10_000;
  const asked = await signalUntilGone(record, record.stop.signal as NodeJS.Signals, graceMs, options.signal);
  if (asked.left.length === 0) return { count: asked.count, wasKilled: false };
  const killed = await signalUntilGone(record, "SIGKILL", KILL_WAIT_MS);
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
  cut?: AbortSignal,
): Promise<{ count: number; left: ProcessEntry[] }> {
  const startMs = performance.now();
  const elapsedMs = (): number => performance.now() - startMs;
  const signalled = new Set<string>();
  let emptyLooks = 0;
  for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.longest)) {
    const left = look(record);
    signalOnce(left, name, signalled);
    if (left.length > 0) {
      emptyLooks = 0;
      if (elapsedMs() >= waitMs || cut?.aborted) return { count: signalled.size, left };
    } else if (++emptyLooks >= EMPTY_LOOKS && (elapsedMs() > UNDECIDED_MS || !isUndecided(record))) {
      return { count: signalled.size, left };
    }
    await Bun.sleep(emptyLooks > 0 ? POLL_MS.sure : pauseMs);
  }
}

function signalOnce(them: readonly ProcessEntry[], name: NodeJS.Signals, signalled: Set<string>): void {
  for (const { pid, startTime } of them) {
    const key = `${pid}:${startTime}`;
    if (!signalled.has(key)) sendSignal(pid, name);
    signalled.add(key);
  }
}

function look(record: Session): ProcessEntry[] {
  const seen = findMembers(record, recentTable(POLL_MS.shared));
  // that none is left is worth a look of our own
  return seen.length > 0 ? seen : findMembers(record);
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
