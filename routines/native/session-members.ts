/**
 * Which processes belong to a started one: its session (on macOS its group), their descendants, and whoever left
 * that but still carries its mark in the environment. Never one that merely has the same pid.
 */
import { readdirSync, readFileSync } from "node:fs";
import {
  isDead,
  type ProcessEntry,
  type ProcessIdentity,
  parsePsLine,
  readBootId,
  readProcEntry,
  runPs,
} from "../_script/process-identity.ts";

/** Name of the variable that marks a native process and all that it starts. */
export const MARK = "HARBOR_NATIVE";

/** Without an identity, where nobody could note it, its mark alone tells. */
export interface Started extends Partial<ProcessIdentity> {
  mark: string;
}

/** What is looked at; tests put a table of their own here. */
export interface ProcessTable {
  entries: ProcessEntry[];
  hasMark: (pid: number, mark: string) => boolean;
  /** Whether it shows no environment: it is ending, or becoming another program. */
  isBare: (pid: number) => boolean;
}

/** Reads the whole table: about a millisecond on Linux. */
export function readTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  return platform === "linux" ? { entries: listProc(), hasMark: hasProcMark, isBare: isProcBare } : readPsTable();
}

let recent: { table: ProcessTable; takenMs: number } | undefined;

/** One that another look has taken a moment ago will do: for those who look again and again, many at a time. */
export function recentTable(maxAgeMs: number): ProcessTable {
  const nowMs = performance.now();
  if (recent === undefined || nowMs - recent.takenMs > maxAgeMs) recent = { table: readTable(), takenMs: nowMs };
  return recent.table;
}

/** The live members, ourselves excepted. */
export function findMembers(started: Started, table: ProcessTable = readTable()): ProcessEntry[] {
  if (started.bootId !== undefined && started.bootId !== readBootId()) return [];
  const living = table.entries.filter((entry) => !isDead(entry) && entry.pid !== process.pid);
  const sameName = living.find((entry) => entry.pid === started.pid);
  const leader = sameName?.startTime === started.startTime ? sameName : undefined;
  const session = started.pid !== undefined && sameName === leader ? living.filter((entry) => entry.session === started.pid) : [];
  // With the leader gone, the session's number could be another's by now; one marked member proves it is not.
  const isOurs = leader !== undefined || session.some((entry) => table.hasMark(entry.pid, started.mark));
  const members = new Set(isOurs ? session : []);
  for (const entry of living) {
    if (!members.has(entry) && isNotOlder(entry, started) && table.hasMark(entry.pid, started.mark)) members.add(entry);
  }
  return addDescendants(members, living);
}

/** Whether somebody in its session can just now not be told from a stranger. That is over in a moment. */
export function isUndecided(started: Started, table: ProcessTable = readTable()): boolean {
  if (started.pid === undefined || started.bootId !== readBootId()) return false;
  const session = table.entries.filter((entry) => entry.session === started.pid && !isDead(entry));
  const isReused = session.some((entry) => entry.pid === started.pid && entry.startTime !== started.startTime);
  return !isReused && session.some((entry) => isNotOlder(entry, started) && table.isBare(entry.pid));
}

/** Children that a member started in a group or session of their own, as a shell's jobs are. */
function addDescendants(members: ReadonlySet<ProcessEntry>, living: readonly ProcessEntry[]): ProcessEntry[] {
  const found = [...members];
  const known = new Set(found.map((entry) => entry.pid));
  for (const above of found) {
    for (const entry of living) {
      if (entry.parent !== above.pid || known.has(entry.pid)) continue;
      known.add(entry.pid);
      found.push(entry);
    }
  }
  return found;
}

/** Saves the look into the environment of everything that ran before. */
function isNotOlder(entry: ProcessEntry, started: Started): boolean {
  const [one, other] = [Number(entry.startTime), Number(started.startTime)];
  return Number.isNaN(one) || Number.isNaN(other) || one >= other;
}

function listProc(): ProcessEntry[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (readProcEntry(Number(name)) ?? []) : []));
}

function hasProcMark(pid: number, mark: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(`\0${MARK}=${mark}\0`);
  } catch {
    return false; // it ended, or belongs to another user
  }
}

function isProcBare(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).length === 0;
  } catch {
    return false; // it ended, or belongs to another user
  }
}

/** macOS shows the environment of one's own processes after the command (`-E`). */
function readPsTable(): ProcessTable {
  const entries = runPs(["-ax"])
    .split("\n")
    .flatMap((line) => parsePsLine(line) ?? []);
  let environments: Map<number, string> | undefined;
  const hasMark = (pid: number, mark: string): boolean => {
    environments ??= readPsEnvironments();
    return environments.get(pid)?.split(" ").includes(`${MARK}=${mark}`) ?? false;
  };
  return { entries, hasMark, isBare: () => false };
}

function readPsEnvironments(): Map<number, string> {
  const { stdout } = Bun.spawnSync(["ps", "-axwwE", "-o", "pid=,command="], {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    stderr: "ignore",
  });
  const lines = stdout.toString().split("\n");
  return new Map(lines.map((line) => [Number.parseInt(line, 10), line]));
}
