/** Whether the one that listens on a service's port is the service. */

import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { findHolders, type Listener, listAllListeners, listListeners } from "../host/read-listeners.ts";
import type { ProcessRecord } from "./process-record.ts";
import { findMembers } from "./session-members.ts";

/** Words for another process that holds the port; undefined where it is ours, or the system does not tell. */
export function findIntruder(record: ProcessRecord): string | undefined {
  const { port, pid, address } = record;
  if (port === undefined) return undefined;
  // a socket seen a moment ago that is the process's own now is still its own, and mostly that is so
  if (address === undefined && holds(recentListeners(port), [pid])) return undefined;
  const listeners = listListeners(new Set([port]), address);
  if (
    holds(listeners, [pid]) ||
    holds(
      listeners,
      findMembers(record).map((entry) => entry.pid),
    )
  )
    return undefined;
  const owner = findPortOwner({ port, address });
  return owner?.pid === undefined ? undefined : formatPortOwner(owner);
}

function holds(listeners: readonly Listener[], pids: readonly number[]): boolean {
  if (listeners.some(({ pid }) => pid !== undefined && pids.includes(pid))) return true;
  const inodes = new Set(listeners.flatMap((listener) => listener.inode ?? []));
  return inodes.size > 0 && findHolders(inodes, pids).size > 0;
}

/** The system takes milliseconds for each look: of many services that start together, each looks into what another has seen. */
const RECENT_MS = 500;
let recent: { listeners: readonly Listener[]; takenMs: number } | undefined;

function recentListeners(port: number): Listener[] {
  if (process.platform !== "linux") return [];
  const nowMs = performance.now();
  if (recent === undefined || nowMs - recent.takenMs > RECENT_MS) recent = { listeners: listAllListeners(), takenMs: nowMs };
  return recent.listeners.filter((listener) => listener.port === port);
}
