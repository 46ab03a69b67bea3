/**
 * A daemon that a start has left behind: one that went to the background in a session of its own and has written its
 * title over the mark in its environment, as nginx and redis do. What is left to know it by is the service's port. Linux
 * alone tells the rest that makes it certain.
 */
import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { isDead, type ProcessEntry, readBootId } from "../_script/process-identity.ts";
import { findHolders, type Listener, listAllListeners, listListeners } from "../host/read-listeners.ts";
import type { ProcessTable, Started } from "./session-members.ts";

/** What a start is known by; without a port nothing is looked for. */
export interface Launched extends Started {
  port?: number | undefined;
  address?: string | undefined;
  argv?: readonly string[];
  cwd?: string;
}

export interface DaemonLook {
  found?: ProcessEntry;
  /** One that may be it has only just gone to the background: it listens nowhere yet. */
  mayCome: boolean;
}

/**
 * The one that holds the service's port, which was free when the service was started: it and its session began after that,
 * nobody of Harbor's is its parent, and it is the same program or in the same folder.
 */
export function lookForDaemon(started: Launched, table: ProcessTable): DaemonLook {
  const candidates = findCandidates(started, table);
  if (started.port === undefined || candidates.length === 0) return { mayCome: false };
  const own = holdersOf(listListeners(new Set([started.port]), started.address), candidates);
  // a worker holds what its master does, and the master is the one to ask
  const found = candidates.find(({ pid, session }) => own.has(pid) && pid === session) ?? candidates.find(({ pid }) => own.has(pid));
  if (found !== undefined) return { found, mayCome: false };
  const all = holdersOf(listAllListeners(), candidates);
  return { mayCome: candidates.some(({ pid }) => !all.has(pid)) };
}

/** What a daemon of its own looks like; a service of the same program may look so as well. */
function findCandidates(started: Launched, table: ProcessTable): ProcessEntry[] {
  if (process.platform !== "linux" || started.startTime === undefined || started.bootId !== readBootId()) return [];
  const since = Number(started.startTime);
  const began = new Map(table.entries.map((entry) => [entry.pid, Number(entry.startTime)]));
  return table.entries.filter((entry) => {
    const isLater = Number(entry.startTime) >= since && (began.get(entry.session) ?? since) >= since;
    return isLater && !isDead(entry) && ![entry.pid, entry.parent].includes(process.pid) && looksAlike(entry.pid, started);
  });
}

function holdersOf(listeners: readonly Listener[], candidates: readonly ProcessEntry[]): Set<number> {
  const inodes = new Set(listeners.flatMap(({ inode }) => inode ?? []));
  // each by itself: of those that share a socket all are wanted
  return new Set(candidates.flatMap(({ pid }) => (inodes.size > 0 && findHolders(inodes, [pid]).size > 0 ? pid : [])));
}

function looksAlike(pid: number, { argv, cwd }: Launched): boolean {
  const program = argv?.[0] === undefined ? undefined : basename(argv[0]);
  return basename(readLink(`/proc/${pid}/exe`)) === program || (cwd !== undefined && readLink(`/proc/${pid}/cwd`) === cwd);
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // it ended, or belongs to another user
  }
}
