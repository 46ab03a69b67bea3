/** A conductor of its own for a figure, as Harbor starts it natively: a process, its folder, its port. */
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FigureContext } from "./_figure.ts";

export const TOKEN = "bench";
const START_MS = 20_000;

export interface Started {
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
}

/** Without a limit of requests, since one program speaks for all components. `env`: more for its environment. `program`: what runs it, if not itself. */
export async function startConductor(
  { root, scratch }: FigureContext,
  setting: AsyncDisposableStack,
  env: Record<string, string> = {},
  program = "main.ts",
): Promise<Started> {
  const folder = mkdtempSync(join(scratch, "conductor-"));
  const port = freePort();
  const child = Bun.spawn([process.execPath, "--no-env-file", program], {
    cwd: join(root, "services/conductor"),
    env: {
      ...process.env,
      HARBOR_CONDUCTOR_TOKEN: TOKEN,
      HARBOR_CONDUCTOR_HOST_PORT: String(port),
      HARBOR_CONDUCTOR_DATA: folder,
      HARBOR_CONDUCTOR_RATE: "0",
      ...env,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  endWith(setting, child);
  await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok, "the conductor", child);
  return { port, pid: child.pid, folder };
}

/** Ends it, and waits for that. */
export function endWith(setting: AsyncDisposableStack, child: Bun.Subprocess): void {
  setting.defer(async () => {
    child.kill();
    await child.exited;
  });
}

/** Until `isReady`; what it throws is a no. */
export async function waitFor(isReady: () => Promise<boolean>, name: string, child: Bun.Subprocess): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!(await isReady().catch(() => false))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error(`${name} has not answered for ${START_MS / 1_000} s`);
    await Bun.sleep(20);
  }
}

export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

/** Resident memory of a process in bytes, by smaps_rollup: the counters in stat are behind by megabytes. */
export function residentBytes(pid: number): number {
  return Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1]) * 1024;
}

/** Runs a load in a process of its own, to its end: the figures that it prints as one line of JSON. */
export async function runLoad(program: string, ...words: readonly (string | number)[]): Promise<Record<string, number>> {
  const child = Bun.spawn([process.execPath, "--no-env-file", program, ...words.map(String)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [text, problem, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (status !== 0) throw new Error(`the load "${words[0]}" ended with ${status}: ${problem.trim().split("\n").slice(0, 6).join(" / ")}`);
  return JSON.parse(text) as Record<string, number>;
}
