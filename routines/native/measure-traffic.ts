/**
 * What the processes of native services send and receive over TCP. Linux counts by connection, not by process: what is told
 * is of connections that are open when it is asked (ss(8), of tcp_info), so that one that has ended meanwhile is missing.
 */
import { findHolders } from "../host/read-listeners.ts";
import { findMembers, readTable, type Started } from "./session-members.ts";

export interface Traffic {
  receivedBytes: number;
  sentBytes: number;
}

/** What each open connection has carried so far, by its inode. */
export type Connections = ReadonlyMap<string, Traffic>;

const SS_PLACES = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Undefined where the system does not tell. */
export async function readConnections(platform: NodeJS.Platform = process.platform): Promise<Connections | undefined> {
  const ss = platform === "linux" ? Bun.which("ss", { PATH: `${process.env.PATH ?? ""}:${SS_PLACES}` }) : null;
  if (ss === null) return undefined;
  // -O, one line each, is of iproute2 4.20
  const child = Bun.spawn([ss, "-tinHeO", "state", "connected"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const text = await child.stdout.text();
  return (await child.exited) === 0 ? parseConnections(text) : undefined;
}

/** One that has carried nothing has no such field. */
export function parseConnections(text: string): Map<string, Traffic> {
  const found = new Map<string, Traffic>();
  for (const line of text.split("\n")) {
    const inode = /\bino:(\d+)/.exec(line)?.[1];
    if (inode === undefined) continue;
    const read = (name: string): number => Number(new RegExp(`\\b${name}:(\\d+)`).exec(line)?.[1] ?? 0);
    found.set(inode, { receivedBytes: read("bytes_received"), sentBytes: read("bytes_sent") - read("bytes_retrans") });
  }
  return found;
}

export interface MeasuredProcesses {
  /** All that the start brought about. */
  pids: number[];
  /** Between the two looks. */
  traffic: Traffic | null;
}

/** Of each, in order. A connection that is new since has carried all of it since. */
export function measureTraffic(
  started: readonly Started[],
  before: Connections | undefined,
  now: Connections | undefined,
): MeasuredProcesses[] {
  const processes = readTable();
  const members = started.map((it) => findMembers(it, processes).map(({ pid }) => pid));
  if (before === undefined || now === undefined) return members.map((pids) => ({ pids, traffic: null }));
  const holders = findHolders(new Set(now.keys()), members.flat());
  return members.map((pids) => {
    const own = new Set(pids);
    const traffic: Traffic = { receivedBytes: 0, sentBytes: 0 };
    for (const [inode, pid] of holders) {
      const carried = now.get(inode);
      if (!own.has(pid) || carried === undefined) continue;
      traffic.receivedBytes += carried.receivedBytes - (before.get(inode)?.receivedBytes ?? 0);
      traffic.sentBytes += carried.sentBytes - (before.get(inode)?.sentBytes ?? 0);
    }
    return { pids, traffic };
  });
}
