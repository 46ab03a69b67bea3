/** Closes what `harbor expose` and `tunnel` have opened: its containers, its program, its files. The service itself goes on. */
import { HarborError } from "../_script/error.ts";
import { isAlive, type ProcessIdentity } from "../_script/process-identity.ts";
import type { Env } from "../config/read-values.ts";
import { listReach, type ReachRecord, removeReach, type Way } from "./read-reach.ts";

export interface EndReachOptions {
  home: string;
  env: Env;
  /** Of which services. */
  isMeant: (handle: string) => boolean;
  /** Both when left out. */
  way?: Way;
}

/**
 * What was closed. Throws `missing` where containers run and no engine answers: their records stay, so that the next try
 * finds them; programs are ended before that.
 */
export async function endReach({ home, env, isMeant, way }: EndReachOptions): Promise<ReachRecord[]> {
  const records = listReach(home).filter((it) => isMeant(it.handle) && (way === undefined || it.way === way));
  for (const { process: program, handle } of records) if (program !== null) await endProgram(program, handle);
  const closed: ReachRecord[] = [];
  for (const record of records) {
    if (record.project !== null) await removeProject(record.project, home, env);
    removeReach(home, record);
    closed.push(record);
  }
  return closed;
}

export async function removeProject(project: string, home: string, env: Env): Promise<void> {
  const { removeContainers } = await import("../engine/remove-containers.ts");
  await removeContainers({ home, env, project, networks: true, graceSeconds: 2 });
}

const GRACE_MS = 5_000;
const KILL_MS = 2_000;
const POLL_MS = 20;

/** It leads a group of its own. */
export async function endProgram(program: ProcessIdentity, handle: string): Promise<void> {
  for (const [signal, ms] of [
    ["SIGTERM", GRACE_MS],
    ["SIGKILL", KILL_MS],
  ] as const) {
    if (!isAlive(program)) return;
    send(program.pid, signal);
    const deadline = performance.now() + ms;
    while (isAlive(program) && performance.now() < deadline) await Bun.sleep(POLL_MS);
  }
  if (isAlive(program)) throw new HarborError(`Cannot end the tunnel of "${handle}": pid ${program.pid} does not end, not even by SIGKILL`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has just ended
  }
}
