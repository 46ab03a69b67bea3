/** Installers that outlived the call that started them (it was killed): found by the mark in their environment, and ended before anybody else works on the same folder. */
import { readFileSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { isDead } from "../_script/process-identity.ts";
import { readTable } from "../native/session-members.ts";

/** Names the environment that a process works on. */
export const MARK = "HARBOR_PYTHON_ENV";

const WAIT_MS = 5_000;
const POLL_MS = 5;

/** How many there were. Throws where one does not end. */
export async function endLeftovers(folder: string): Promise<number> {
  const deadline = performance.now() + WAIT_MS;
  let count = 0;
  for (let left = findLeftovers(folder); left.length > 0; left = findLeftovers(folder)) {
    count = Math.max(count, left.length);
    for (const pid of left) kill(pid);
    if (performance.now() > deadline) {
      throw new HarborError(`Cannot work on "${folder}": pid ${left.join(", ")} of an earlier call does not end`, {
        hint: "Look at it with `ps`",
      });
    }
    await Bun.sleep(POLL_MS);
  }
  return count;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has just ended
  }
}

function findLeftovers(folder: string): number[] {
  const mark = `${MARK}=${folder}`;
  if (process.platform !== "linux") return readPs(mark);
  const living = readTable().entries.filter((entry) => !isDead(entry) && entry.pid !== process.pid);
  return living.filter(({ pid }) => environmentOf(pid).split("\0").includes(mark)).map(({ pid }) => pid);
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return ""; // it ended, or belongs to another user
  }
}

/** macOS shows the environment of one's own processes after the command (`-E`). */
function readPs(mark: string): number[] {
  const { stdout } = Bun.spawnSync(["ps", "-axwwE", "-o", "pid=,command="], {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    stderr: "ignore",
  });
  const lines = stdout.toString().split("\n");
  return lines
    .filter((line) => `${line} `.includes(` ${mark} `))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}
