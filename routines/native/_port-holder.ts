/** Whether the one that listens on a service's port is the service. */

import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { findHolders, listListeners } from "../host/read-listeners.ts";
import type { ProcessRecord } from "./process-record.ts";
import { findMembers } from "./session-members.ts";

/** Words for another process that holds the port; undefined where it is ours, or the system does not tell. */
export function findIntruder(record: ProcessRecord): string | undefined {
  if (record.port === undefined) return undefined;
  const members = findMembers(record).map((entry) => entry.pid);
  const listeners = listListeners(new Set([record.port]), record.address);
  if (listeners.some((listener) => listener.pid !== undefined && members.includes(listener.pid))) return undefined;
  const inodes = new Set(listeners.flatMap((listener) => listener.inode ?? []));
  if (inodes.size > 0 && findHolders(inodes, members).size > 0) return undefined;
  const owner = findPortOwner({ port: record.port, address: record.address });
  return owner?.pid === undefined ? undefined : formatPortOwner(owner);
}
