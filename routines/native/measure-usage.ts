/** What the processes of a native service use: processor time and memory, of all that its start brought about. */
import { readFileSync } from "node:fs";
import { findMembers, readTable, type Started } from "./session-members.ts";

export interface Usage {
  /** Processor time used so far, by those that still live. */
  cpuMs: number;
  /** Resident; what several share counts for each. */
  memoryBytes: number;
  processes: number;
}

/** Of each, by one look at the system's table. */
export function measureUsage(started: readonly Started[]): Usage[] {
  const table = readTable();
  return started.map((it) => {
    const usage: Usage = { cpuMs: 0, memoryBytes: 0, processes: 0 };
    for (const { pid } of findMembers(it, table)) {
      const { cpuMs, memoryBytes } = readFigures(pid);
      usage.cpuMs += cpuMs;
      usage.memoryBytes += memoryBytes;
      usage.processes++;
    }
    return usage;
  });
}

type Figures = Omit<Usage, "processes">;

const NOTHING: Figures = { cpuMs: 0, memoryBytes: 0 };

function readFigures(pid: number): Figures {
  if (process.platform !== "linux") return readPsFigures(pid);
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return NOTHING; // it ended meanwhile
  }
}

/** USER_HZ, which Linux has fixed for whoever reads /proc. */
const TICK_MS = 10;
const AT_PAGESZ = 6n;
let pageBytes: number | undefined;

/** As the kernel tells each program (getauxval(3)): 4096, but 16 or 64 times 1024 on some ARM kernels. */
function readPageBytes(): number {
  const entries = new BigUint64Array(new Uint8Array(readFileSync("/proc/self/auxv")).buffer);
  const index = entries.findIndex((key, at) => at % 2 === 0 && key === AT_PAGESZ);
  return Number(entries[index + 1] ?? 4096n);
}

/** proc(5): utime, stime and rss are fields 14, 15 and 24; the program's name before them may hold spaces. */
export function parseStat(text: string): Figures {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const number = (index: number): number => Number(fields[index - 3] ?? 0);
  pageBytes ??= readPageBytes();
  return { cpuMs: (number(14) + number(15)) * TICK_MS, memoryBytes: number(24) * pageBytes };
}

function readPsFigures(pid: number): Figures {
  const { stdout } = Bun.spawnSync(["ps", "-o", "time=,rss=", "-p", String(pid)], {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    stderr: "ignore",
  });
  return parsePsFigures(stdout.toString());
}

/** `[[dd-]hh:]mm:ss.cc kilobytes` */
export function parsePsFigures(line: string): Figures {
  const [time, kilobytes] = line.trim().split(/\s+/);
  if (time === undefined || kilobytes === undefined) return NOTHING;
  const [days, clock] = time.includes("-") ? time.split("-") : ["0", time];
  const seconds = (clock ?? "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuMs: Math.round((Number(days) * 86_400 + seconds) * 1000), memoryBytes: Number(kilobytes) * 1024 };
}
