/**
 * One at a time across processes, by a file that names its holder. The file appears whole (a hard link), so
 * that nobody reads half of it; the lock of a dead holder is replaced in place by whoever holds the
 * lock *on that replacement*, so that two who find it dead at once cannot both take it.
 */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { HarborError } from "./error.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process-identity.ts";
import { makePrivateFolder } from "./write-file.ts";

export interface WithLockOptions {
  /** How long to wait for another holder. */
  waitMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** What the holder is doing, shown to those who wait in vain. */
  purpose?: string;
}

interface Holder extends ProcessIdentity {
  /** Pids of another machine or container mean nothing here. */
  host: string;
  /** Tells one holding from the next. */
  token: string;
  since: string;
  purpose?: string;
}

const DEFAULT_WAIT_MS = 30_000;
const POLL_MS = { first: 2, longest: 50 };

/** Runs `work` while holding the lock; throws `timeout` naming the holder, or `interrupted`. */
export async function withLock<T>(path: string, work: () => T | Promise<T>, options: WithLockOptions = {}): Promise<T> {
  const holder = describeSelf(options.purpose);
  await acquire(path, holder, options);
  try {
    return await work();
  } finally {
    release(path, holder);
  }
}

function describeSelf(purpose: string | undefined): Holder {
  const identity = identifyProcess(process.pid);
  if (identity === undefined) throw new HarborError("Cannot lock: the system does not tell when this process started");
  const holder = { ...identity, host: hostname(), token: crypto.randomUUID().slice(0, 13), since: new Date().toISOString() };
  return purpose === undefined ? holder : { ...holder, purpose };
}

async function acquire(path: string, holder: Holder, options: WithLockOptions): Promise<void> {
  const deadline = performance.now() + (options.waitMs ?? DEFAULT_WAIT_MS);
  let pauseMs = POLL_MS.first;
  while (true) {
    if (options.signal?.aborted) throw new HarborError(`Cannot lock "${path}": interrupted`, { exit: "interrupted" });
    // each time: the holder before us may have removed its folder with the last file in it
    makePrivateFolder(dirname(path));
    if (tryAcquire(path, holder)) return;
    if (performance.now() >= deadline) throw heldError(path);
    await Bun.sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, POLL_MS.longest);
  }
}

function tryAcquire(path: string, holder: Holder): boolean {
  const seen = readHolder(path);
  if (seen === undefined) return createWhole(path, holder);
  return isGone(seen) && replaceDead(path, seen, holder);
}

/** Only the holder of the guard named after the dead holding may replace it, and only while it is still there. */
function replaceDead(path: string, dead: Holder, holder: Holder): boolean {
  const guard = `${path}.${dead.token}`;
  if (!tryAcquire(guard, holder)) return false;
  try {
    if (readHolder(path)?.token !== dead.token) return false;
    const temporary = writeTemporary(path, holder);
    if (temporary === undefined) return false;
    renameSync(temporary, path);
    return true;
  } finally {
    release(guard, holder);
  }
}

function createWhole(path: string, holder: Holder): boolean {
  const temporary = writeTemporary(path, holder);
  if (temporary === undefined) return false;
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(temporary);
  }
}

/** Undefined where the folder went away under us. */
function writeTemporary(path: string, holder: Holder): string | undefined {
  const temporary = `${path}.${process.pid}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(holder), { mode: 0o600, flag: "wx" });
    return temporary;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HarborError(`Cannot lock "${path}": ${(cause as Error).message}`, { cause });
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HarborError(`Cannot read lock "${path}": ${(error as Error).message}`, {
      cause: error,
      hint: `Remove ${path} if no Harbor command runs`,
    });
  }
}

/** A holder elsewhere is taken to live: its pid cannot be looked up from here. */
function isGone(holder: Holder): boolean {
  return holder.host === hostname() && !isAlive(holder);
}

function release(path: string, holder: Holder): void {
  if (readHolder(path)?.token === holder.token) unlinkSync(path);
}

export interface LockState {
  /** In words: who holds it and since when; or why that cannot be told. */
  holder: string;
  /** `dead`: its holder is gone, and whoever wants it next takes it. `unreadable`: nobody can take it. */
  state: "held" | "dead" | "unreadable";
}

/** A look at a lock that takes nothing; undefined where there is none. */
export function describeLock(path: string): LockState | undefined {
  try {
    const holder = readHolder(path);
    if (holder === undefined) return undefined;
    return { holder: nameHolder(holder), state: isGone(holder) ? "dead" : "held" };
  } catch (error) {
    return { holder: ((error as HarborError).cause as Error).message, state: "unreadable" };
  }
}

function nameHolder({ pid, purpose, since }: Holder): string {
  return `pid ${pid}${purpose === undefined ? "" : ` (${purpose})`} since ${since}`;
}

function heldError(path: string): HarborError {
  const holder = readHolder(path);
  const who = holder === undefined ? "another process holds it" : nameHolder(holder).replace(" since ", " holds it since ");
  return new HarborError(`Cannot lock "${path}": ${who}`, { exit: "timeout", hint: "Wait for it to end, or stop it" });
}
