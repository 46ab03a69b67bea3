/**
 * Who a process is: a pid alone names whoever has it now, so that a pid is only ever trusted together
 * with its start time and the boot it was seen in.
 */
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  pid: number;
  /** Compared, never read: clock ticks on Linux, a date on macOS. */
  startTime: string;
  bootId: string;
}

/** One process in the system's table. */
export interface ProcessEntry {
  pid: number;
  parent: number;
  group: number;
  /** Its session; where the system does not tell (macOS), its group. */
  session: number;
  state: string;
  /** How many of its threads have not ended; where the system does not tell, undefined. */
  threads?: number;
  startTime: string;
}

/** Identifies the process with this pid, one that ended and is not yet reaped included: a child may be gone before its parent asks. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const entry = readEntry(pid);
  return entry === undefined ? undefined : { pid, startTime: entry.startTime, bootId: readBootId() };
}

/** Whether exactly this process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === readBootId() && readProcess(identity.pid)?.startTime === identity.startTime;
}

/** A live process's entry; undefined where there is none. */
export function readProcess(pid: number): ProcessEntry | undefined {
  const entry = readEntry(pid);
  return entry === undefined || isDead(entry) ? undefined : entry;
}

function readEntry(pid: number): ProcessEntry | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return process.platform === "linux" ? readProcEntry(pid) : parsePsLine(runPs(["-p", String(pid)]));
}

/** Reads `/proc/<pid>/stat`. */
export function readProcEntry(pid: number): ProcessEntry | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined; // it ended, before or while we read
  }
}

/** The fields after the program's name, which may itself hold spaces and brackets. */
export function parseProcStat(text: string): ProcessEntry | undefined {
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
  const [state, parent, group, session] = fields;
  const [threads, startTime] = [fields[17], fields[19]];
  if (state === undefined || startTime === undefined) return undefined;
  const pid = Number.parseInt(text, 10);
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), state, threads: Number(threads), startTime };
}

/** The columns that `parsePsLine` reads. */
const PS_COLUMNS = "pid=,ppid=,pgid=,stat=,lstart=";

/** One line of `ps -o pid=,ppid=,pgid=,stat=,lstart=`. */
export function parsePsLine(line: string): ProcessEntry | undefined {
  const [pid, parent, group, state, ...start] = line.trim().split(/\s+/);
  if (state === undefined || start.length === 0) return undefined;
  return { pid: Number(pid), parent: Number(parent), group: Number(group), session: Number(group), state, startTime: start.join(" ") };
}

/**
 * Zombies answer to signals but do nothing more; a lazy init reaps them late. One of which only the first thread has
 * ended looks like one, and still has its ports and files.
 */
export function isDead({ state, threads = 1 }: ProcessEntry): boolean {
  return (state.startsWith("Z") && threads <= 1) || state.startsWith("X");
}

/** What `ps` prints; "" where it finds nothing. */
export function runPs(args: readonly string[]): string {
  const { stdout } = Bun.spawnSync(["ps", "-ww", ...args, "-o", PS_COLUMNS], {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" }, // lstart is a date in the user's language and zone otherwise
    stderr: "ignore",
  });
  return stdout.toString();
}

let bootId: string | undefined;

/** Names this boot of the machine: pids start anew with each. */
export function readBootId(): string {
  bootId ??= process.platform === "linux" ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() : readDarwinBoot();
  return bootId;
}

function readDarwinBoot(): string {
  const { stdout } = Bun.spawnSync(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], { stderr: "ignore" });
  return stdout.toString().trim();
}
