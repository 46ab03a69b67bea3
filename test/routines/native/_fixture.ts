/** Real processes for these tests, and the proof that none outlives its test. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOGS, READY, RESTART } from "../../../routines/native/_defaults.ts";
import { endSession } from "../../../routines/native/end-session.ts";
import { type NativeSpec, type SpawnedProcess, spawnProcess } from "../../../routines/native/start-process.ts";
import { freePort } from "../../_ports.ts";

/** What a spec says of a process's life where a test does not care. */
export const LIFE = {
  ready: { ...READY, timeout: "10s", start_interval: "50ms" },
  stop: { signal: "SIGTERM", grace: "5s" },
  restart: RESTART,
  dependsOn: {},
  logs: LOGS,
  bridge: "relay",
  install: {},
} as const satisfies Partial<NativeSpec>;

const VARIABLE = "HARBOR_TEST_OWNER";

export interface Fixture {
  /** A folder of this test alone; also its state directory. */
  directory: string;
  owner: string;
  spec: (argv: string[], more?: Partial<NativeSpec>) => NativeSpec;
  /** As a supervisor does it, in an environment of `PATH` alone. */
  start: (spec: NativeSpec, environment?: Record<string, string>) => Promise<SpawnedProcess>;
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
      ...LIFE,
      ...more,
      port,
      env: { PORT: String(port), [VARIABLE]: owner, ...more.env },
    };
  };
  const start = (it: NativeSpec, environment: Record<string, string> = { PATH: process.env.PATH ?? "" }): Promise<SpawnedProcess> =>
    spawnProcess({ spec: it, stateDirectory: directory, environment, mark: crypto.randomUUID() });
  return { directory, owner, spec, start };
}

/** Ends what was started, as a supervisor does it. */
export async function end({ record }: SpawnedProcess): Promise<void> {
  await endSession({ record });
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
