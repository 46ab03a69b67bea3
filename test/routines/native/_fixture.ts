/** Real processes for these tests, and the proof that none outlives its test. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadySpec } from "../../../routines/native/read-contract.ts";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { freePort } from "../../_ports.ts";

/** What a contract that says nothing of it has, in less of a hurry and with less patience. */
export const READY: ReadySpec = {
  timeout: "10s",
  start_interval: "50ms",
  interval: "50ms",
  start_period: "0s",
  successes: 1,
  failures: 3,
  probe_timeout: "2s",
};

const VARIABLE = "HARBOR_TEST_OWNER";

export interface Fixture {
  /** A folder of this test alone; also its state directory. */
  directory: string;
  owner: string;
  spec: (argv: string[], more?: Partial<NativeSpec>) => NativeSpec;
}

export function makeFixture(): Fixture {
  const directory = mkdtempSync(join(tmpdir(), "harbor-native-"));
  const owner = crypto.randomUUID();
  const spec = (argv: string[], more: Partial<NativeSpec> = {}): NativeSpec => {
    const port = more.port ?? freePort();
    return {
      handle: "sample",
      contract: join(directory, "sample_native.yml"),
      argv,
      cwd: directory,
      containerPort: port,
      ready: READY,
      stop: { signal: "SIGTERM", grace: "5s" },
      install: {},
      ...more,
      port,
      env: { PORT: String(port), [VARIABLE]: owner, ...more.env },
    };
  };
  return { directory, owner, spec };
}

/** The pids left behind, killed at once; a test expects none. */
export async function cleanFixture(fixture: Fixture): Promise<number[]> {
  const left = listOwned(fixture.owner);
  for (const pid of left) process.kill(pid, "SIGKILL");
  rmSync(fixture.directory, { recursive: true, force: true });
  return left;
}

/** Live processes that a fixture's spec started, however they were detached since. */
export function listOwned(owner: string): number[] {
  if (process.platform !== "linux") return listOwnedByPs(owner);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isOwned(pid, owner));
}

function isOwned(pid: number, owner: string): boolean {
  try {
    const isZombie = readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
    return !isZombie && readFileSync(`/proc/${pid}/environ`, "latin1").includes(`${VARIABLE}=${owner}`);
  } catch {
    return false;
  }
}

function listOwnedByPs(owner: string): number[] {
  const lines = Bun.spawnSync(["ps", "-axwwE", "-o", "pid=,command="]).stdout.toString().split("\n");
  return lines.filter((line) => line.includes(`${VARIABLE}=${owner}`)).map((line) => Number.parseInt(line, 10));
}

/** A server that answers 200 on its port; `before` runs first. */
export function server(before = ""): string[] {
  return ["bun", "-e", `${before}; Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => new Response("ok") });`];
}

/** A shell script as a service. */
export function shell(script: string): string[] {
  return ["sh", "-c", script];
}
