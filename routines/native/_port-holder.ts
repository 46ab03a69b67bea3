/** Whether the one that listens on a service's port is the service. */

import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { findHolders, listListeners } from "../host/read-listeners.ts";
import type { ProcessRecord } from "./process-record.ts";
import { findMembers } from "./session-members.ts";

/** Words for another process that holds the port; undefined where it is ours, or the system does not tell. */
export function findIntruder(record: ProcessRecord): string | undefined {
  if (record.port === undefined) return undefined;
  const listeners = listListeners(new Set([record.port]));
  const inodes = new Set(listeners.flatMap((listener) => listener.inode ?? []));
  const holds = (pids: readonly number[]): boolean =>
    listeners.some(({ pid }) => pid !== undefined && pids.includes(pid)) || (inodes.size > 0 && findHolders(inodes, pids).size > 0);
  // mostly the process itself: the system's whole table is only looked through where it is a child
  if (holds([record.pid]) || holds(findMembers(record).map((entry) => entry.pid))) return undefined;
  const owner = findPortOwner({ port: record.port });
  return owner?.pid === undefined ? undefined : formatPortOwner(owner);
}
