/** Ends all that a start left behind: asks, waits, kills. One caller at a time for each service: its supervisor. */
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import { isDead, type ProcessEntry } from "../_script/process-identity.ts";
import { type Launched, lookForDaemon } from "./_gone-daemon.ts";
import type { StopSpec } from "./_types.ts";
import { findMembers, isUndecided, type ProcessTable, readTable, recentTable } from "./session-members.ts";

/** What is to end: the session of a process, or whatever carries a mark. */
export interface Session extends Launched {
  handle: string;
  stop: StopSpec;
}

export interface EndSessionOptions {
  record: Session;
  /** Instead of the contract's. */
  graceMs?: number | undefined;
  /** Until when, as `performance.now()` counts, it has asked not to be killed even if its grace is over. */
  askedUntil?: () => number;
  /** Its process ended by itself, with 0, before it was ready: it may have gone to the background. Nobody else's process is looked for by a port. */
  mayBeDaemon?: boolean;
  /** Ends the waiting, and nothing else: what is left is for another to end. */
  signal?: AbortSignal | undefined;
}

export interface EndedSession {
  /** How many processes there were. */
  count: number;
  /** Whether any had to be killed. */
  wasKilled: boolean;
}

/** What of the system's processes is to end. */
interface Wanted {
  handle: string;
  find: (table: ProcessTable) => ProcessEntry[];
  /** Whether somebody can just now not be told from a stranger. */
  mayHaveMore: () => boolean;
}

const POLL_MS = { first: 2, longest: 50, shared: 5, sure: 5 };
/** One that was born while we looked is in no list of ours. */
const EMPTY_LOOKS = 2;
/** The longest that one which is ending, or becoming another program, is waited for: then it is a stranger. */
const UNDECIDED_MS = 1_000;
const KILL_WAIT_MS = 5_000;
/** How long a daemon that has just gone to the background may take until it listens. */
const SETTLE_MS = 1_000;

/** Throws `failed` naming the pids that even SIGKILL did not end (another user's, or stuck in the kernel), `interrupted` once aborted. */
export async function endSession(options: EndSessionOptions): Promise<EndedSession> {
  const { record } = options;
  const ended = await endAll(options, (table) => findMembers(record, table));
  const daemon = options.mayBeDaemon ? await settleDaemon(record) : undefined;
  if (daemon === undefined) return ended;
  const other = await endAll(options, (table) => table.entries.filter((entry) => isSameOrBelow(entry, daemon) && !isDead(entry)));
  return { count: ended.count + other.count, wasKilled: ended.wasKilled || other.wasKilled };
}

/** It may only just have gone to the background, and listens nowhere yet. */
async function settleDaemon(record: Session): Promise<ProcessEntry | undefined> {
  const deadline = performance.now() + SETTLE_MS;
  while (true) {
    const { found, mayCome } = lookForDaemon(record, readTable());
    if (found !== undefined || !mayCome || performance.now() >= deadline) return found;
    await Bun.sleep(POLL_MS.longest);
  }
}

function isSameOrBelow(entry: ProcessEntry, daemon: ProcessEntry): boolean {
  const isSame = entry.pid === daemon.pid && entry.startTime === daemon.startTime;
  return isSame || (entry.session === daemon.session && Number(entry.startTime) >= Number(daemon.startTime));
}

async function endAll(options: EndSessionOptions, find: Wanted["find"]): Promise<EndedSession> {
  const { record, signal } = options;
  const wanted = { handle: record.handle, find, mayHaveMore: () => isUndecided(record) };
  const graceMs = options.graceMs ?? parseDuration(record.stop.grace) ?? 10_000;
  const { askedUntil = () => 0 } = options;
  const deadline = performance.now() + graceMs;
  const mayGoOn = (): boolean => performance.now() < Math.max(deadline, askedUntil());
  const asked = await signalUntilGone(wanted, record.stop.signal as NodeJS.Signals, mayGoOn, signal);
  if (asked.left.length === 0) return { count: asked.count, wasKilled: false };
  const killDeadline = performance.now() + KILL_WAIT_MS;
  const killed = await signalUntilGone(wanted, "SIGKILL", () => performance.now() < killDeadline, signal);
  if (killed.left.length === 0) return { count: asked.count, wasKilled: true };
  const pids = killed.left.map((entry) => entry.pid).join(", ");
  throw new HarborError(`Cannot stop "${record.handle}": pid ${pids} does not end, not even by SIGKILL`, {
    hint: "Look at it with `ps`, it may belong to another user",
  });
}

/** Each member once, those that appear while we wait too. */
async function signalUntilGone(
  { handle, find, mayHaveMore }: Wanted,
  name: NodeJS.Signals,
  mayGoOn: () => boolean,
  signal: AbortSignal | undefined,
): Promise<{ count: number; left: ProcessEntry[] }> {
  const startMs = performance.now();
  const elapsedMs = (): number => performance.now() - startMs;
  const signalled = new Set<string>();
  let emptyLooks = 0;
  for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.longest)) {
    if (signal?.aborted) throw new HarborError(`Cannot wait for the end of "${handle}": interrupted`, { exit: "interrupted" });
    const left = look(find);
    signalOnce(left, name, signalled);
    if (left.length > 0) {
      emptyLooks = 0;
      if (!mayGoOn()) return { count: signalled.size, left };
    } else if (++emptyLooks >= EMPTY_LOOKS && (elapsedMs() > UNDECIDED_MS || !mayHaveMore())) {
      return { count: signalled.size, left };
    }
    await Bun.sleep(emptyLooks > 0 ? POLL_MS.sure : pauseMs);
  }
}

function look(find: Wanted["find"]): ProcessEntry[] {
  const seen = find(recentTable(POLL_MS.shared));
  // that none is left is worth a look of our own
  return seen.length > 0 ? seen : find(readTable());
}

function signalOnce(them: readonly ProcessEntry[], name: NodeJS.Signals, signalled: Set<string>): void {
  for (const { pid, startTime } of them) {
    const key = `${pid}:${startTime}`;
    if (!signalled.has(key)) sendSignal(pid, name);
    signalled.add(key);
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
