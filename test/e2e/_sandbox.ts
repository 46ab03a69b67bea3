/**
 * A Harbor of one test's own: a home and a compose project that nobody else has, `bin/harbor` run as
 * a process in them, and an account of all that is left of them.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { removeContainers } from "../../routines/engine/remove-containers.ts";
import { resultOf } from "../_process.ts";
import { makeTemporaryFolder } from "./_temporary.ts";

const HARBOR = join(import.meta.dir, "../../bin/harbor");

export interface HarborRun {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Leftovers {
  containers: string[];
  networks: string[];
  volumes: string[];
  /** Command lines of processes that were started from this sandbox. */
  processes: string[];
  /** What those processes listen on. */
  sockets: string[];
  /** Under HARBOR_HOME, but for the user's own and what is remembered of this machine. */
  files: string[];
}

export const NOTHING: Leftovers = { containers: [], networks: [], volumes: [], processes: [], sockets: [], files: [] };

export interface Sandbox extends AsyncDisposable {
  home: string;
  project: string;
  env: Record<string, string | undefined>;
  /** Runs `bin/harbor` with these words to its end. */
  harbor(args: readonly string[], options?: { cwd?: string; env?: Record<string, string>; signal?: AbortSignal }): Promise<HarborRun>;
  /** The same, still running. */
  startHarbor(args: readonly string[]): Bun.Subprocess<"ignore", "pipe", "pipe">;
  leftovers(): Promise<Leftovers>;
}

/** Whatever a test leaves is removed when its scope ends. */
export function createSandbox(engine: Engine): Sandbox {
  const folder = makeTemporaryFolder("harbor-e2e-");
  const project = `harbor-e2e-${crypto.randomUUID().slice(0, 8)}`;
  const home = join(folder.path, "home");
  // A native service is given a few variables only; PATH, the sandbox's mark in it, is one of them.
  const PATH = `${process.env.PATH}:${join(home, "bin")}`;
  const env = { ...withoutHarbor(process.env), PATH, HARBOR_HOME: home, HARBOR_PROJECT: project };
  return {
    home,
    project,
    env,
    async harbor(args, options = {}) {
      const { signal, ...rest } = options;
      const child = Bun.spawn([HARBOR, ...args], {
        ...rest,
        env: { ...env, ...options.env },
        stdio: ["ignore", "pipe", "pipe"],
        ...(signal ? { signal } : {}),
      });
      const { exit: code, ...said } = await resultOf(child);
      return { code, ...said };
    },
    startHarbor: (args) => Bun.spawn([HARBOR, ...args], { env, stdio: ["ignore", "pipe", "pipe"] }),
    leftovers: () => findLeftovers(engine, project, home),
    async [Symbol.asyncDispose]() {
      for (const { pid } of findProcesses(home)) kill(pid);
      await removeProject(engine, project);
      folder[Symbol.dispose]();
    },
  };
}

function withoutHarbor(env: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("HARBOR_")));
}

async function findLeftovers(engine: Engine, project: string, home: string): Promise<Leftovers> {
  const label = [`com.docker.compose.project=${project}`];
  const [containers, networks, volumes] = await Promise.all([
    listContainers({ engine, project, details: false }),
    engine.api.listNetworks({ filters: { label } }),
    engine.api.listVolumes({ filters: JSON.stringify({ label }) }),
  ]);
  const processes = findProcesses(home);
  return {
    containers: containers.map(({ name }) => name),
    networks: networks.map(({ Name: name }) => name),
    volumes: (volumes.Volumes ?? []).map(({ Name: name }) => name),
    processes: processes.map(({ command }) => command),
    sockets: processes.flatMap(({ pid }) => listeningSockets(pid)),
    files: listFiles(home).filter(
      (path) => !/^(?:data|env|services)(?:\/|$)|^(?:config|secrets)\.env$|^history\.jsonl$|^state$|^state\/host\.json$/.test(path),
    ),
  };
}

async function removeProject(engine: Engine, project: string): Promise<void> {
  await removeContainers({ engine, project, graceSeconds: 0, networks: true, volumes: true });
  const { Volumes: volumes } = await engine.api.listVolumes({
    filters: JSON.stringify({ label: [`com.docker.compose.project=${project}`] }),
  });
  await Promise.all((volumes ?? []).map(({ Name: name }) => engine.api.getVolume(name).remove()));
}

interface FoundProcess {
  pid: number;
  command: string;
}

/** By their environment, which they keep also where they left the session they were started in. */
function findProcesses(home: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if (!read(`/proc/${pid}/environ`).includes(home)) continue;
    found.push({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() });
  }
  return found.filter(({ command }) => command !== ""); // one that has ended has no command line any more
}

/** Inodes of its sockets, looked up among those in state LISTEN (0A). */
function listeningSockets(pid: number): string[] {
  const inodes = new Set(list(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1]));
  return ["tcp", "tcp6"].flatMap((table) =>
    read(`/proc/${pid}/net/${table}`)
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A" && inodes.has(fields[9]))
      .map((fields) => fields[1] ?? ""),
  );
}

function listFiles(folder: string): string[] {
  return list(folder, true).sort();
}

/** A process, and all below /proc of it, may go at any moment. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function list(path: string, recursive = false): string[] {
  try {
    return readdirSync(path, { recursive, encoding: "utf8" });
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
