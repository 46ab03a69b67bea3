#!/usr/bin/env bun
/**
 * What supervising costs, and how soon it notices: 50 redis servers under one supervisor, of the built program.
 *
 *   bun bench/supervisor.ts [--for 10m] [--json]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defineCommand, jsonArg } from "../routines/_script/command.ts";
import { parseDuration } from "../routines/_script/duration.ts";
import { emit } from "../routines/_script/emit.ts";
import { HarborError } from "../routines/_script/error.ts";
import { runScript } from "../routines/_script/script.ts";
import { table } from "../routines/_script/table.ts";
import { parseStat } from "../routines/native/measure-usage.ts";
import { median } from "./_measure.ts";

interface Result {
  figure: string;
  limit: string;
  measured: string;
  holds: boolean;
}

const root = resolve(import.meta.dir, "..");
const COUNT = 50;
const FIRST_PORT = 28_700;
const CRASHES = 10;
const SAMPLE_MS = 1_000;
const BACKOFF_MS = 200;

interface Row {
  handle: string;
  pid: number | null;
  supervised?: { state: string; since: string };
}

/** One `HARBOR_HOME`, with services that cost next to nothing themselves. */
class Bench {
  readonly home = mkdtempSync(join(tmpdir(), "harbor-bench-"));
  readonly handles = Array.from({ length: COUNT }, (_, index) => `redis-${index}`);

  constructor() {
    for (const [index, handle] of this.handles.entries()) {
      const folder = join(this.home, "services", handle);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${handle}_native.yml`), contract(FIRST_PORT + index));
    }
  }

  run(words: readonly string[]): { stdout: string; ms: number } {
    const env = { ...process.env, HARBOR_HOME: this.home, HARBOR_CAPABILITIES_AUTODETECT: "false" };
    const startMs = performance.now();
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "--no-env-file", join(root, "dist/harbor.js"), ...words], {
      env,
      stdout: "pipe",
      stderr: "pipe",
    });
    if (exitCode !== 0) throw new Error(`harbor ${words[0]} ended with ${exitCode}: ${stderr.toString().trim()}`);
    return { stdout: stdout.toString(), ms: performance.now() - startMs };
  }

  rows(): Row[] {
    return JSON.parse(this.run(["ps", "--json"]).stdout) as Row[];
  }

  get supervisor(): number {
    return (JSON.parse(readFileSync(join(this.home, "state/supervisor.json"), "utf8")) as { pid: number }).pid;
  }

  end(): void {
    this.run(["down"]);
    rmSync(this.home, { recursive: true, force: true });
  }
}

function contract(port: number): string {
  return `x-harbor-native:
  executable: redis-server
  daemon_args: ["--bind", "127.0.0.1", "--port", "${port}", "--save", "", "--hz", "1"]
  port: ${port}
  restart: { policy: always, max: 100, backoff: ${BACKOFF_MS}ms }
`;
}

/** Resident memory of an idle bun, in bytes: the floor that the supervisor's is compared with. */
async function idleBun(): Promise<number> {
  const child = Bun.spawn([process.execPath, "-e", "setInterval(() => undefined, 1e8)"], { stdout: "ignore" });
  await Bun.sleep(1_000);
  const { memoryBytes } = figuresOf(child.pid);
  child.kill();
  return memoryBytes;
}

/** Memory from smaps_rollup: the counters in stat are behind by megabytes. */
function figuresOf(pid: number): ReturnType<typeof parseStat> {
  const resident = /^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1];
  return { ...parseStat(readFileSync(`/proc/${pid}/stat`, "latin1")), memoryBytes: Number(resident) * 1024 };
}

function startTogether(bench: Bench): Result {
  const [first, ...rest] = bench.handles as [string, ...string[]];
  const alone = bench.run(["up", "-x", first]).ms;
  bench.run(["down"]);
  const together = bench.run(["up", ...[first, ...rest].flatMap((handle) => ["-x", handle])]).ms;
  const limitMs = 1.5 * alone + 1_000;
  const measured = `${Math.round(together)} ms; one alone ${Math.round(alone)} ms`;
  return {
    figure: `${COUNT} natives started together, all ready`,
    limit: `1.5 x one alone + 1 s = ${Math.round(limitMs)} ms`,
    measured,
    holds: together <= limitMs,
  };
}

async function idle(bench: Bench, forMs: number): Promise<Result[]> {
  const floor = await idleBun();
  await Bun.sleep(5_000);
  const before = figuresOf(bench.supervisor);
  const startMs = performance.now();
  const memory: number[] = [];
  while (performance.now() - startMs < forMs) {
    await Bun.sleep(SAMPLE_MS);
    memory.push(figuresOf(bench.supervisor).memoryBytes);
  }
  const tookMs = performance.now() - startMs;
  const share = (figuresOf(bench.supervisor).cpuMs - before.cpuMs) / tookMs;
  const most = Math.max(...memory);
  const middle = median(memory);
  const third = Math.ceil(memory.length / 3);
  const growth = median(memory.slice(-third)) / median(memory.slice(0, third));
  const over = `over ${Math.round(tookMs / 1000)} s`;
  return [
    figure(`CPU of the supervisor, ${COUNT} idle natives, ${over}`, "1 % of a core", `${(share * 100).toFixed(2)} %`, share <= 0.01),
    figure(
      "its resident memory / an idle bun's",
      "1.3",
      `${(middle / floor).toFixed(2)} (median ${mb(middle)}, at most ${mb(most)}; ${mb(floor)})`,
      middle / floor <= 1.3,
    ),
    figure(`its memory in the last third / in the first, ${over}`, "1.1", growth.toFixed(3), growth <= 1.1),
  ];
}

function figure(name: string, limit: string, measured: string, holds: boolean): Result {
  return { figure: name, limit, measured, holds };
}

/** By the system's own clock of each process: what a person would see. */
async function crash(bench: Bench): Promise<Result[]> {
  const latenessMs: number[] = [];
  const readinessMs: number[] = [];
  for (let round = 0; round < CRASHES; round++) {
    const handle = bench.handles[round * 3] as string;
    const pid = bench.rows().find((row) => row.handle === handle)?.pid ?? 0;
    process.kill(pid, "SIGKILL");
    const killedMs = Date.now();
    const log = await waitForReady(bench, handle, pid);
    latenessMs.push(log.startedMs - killedMs - BACKOFF_MS);
    readinessMs.push(log.readyMs - log.listeningMs);
  }
  return [
    {
      figure: `running again after its backoff, at most, of ${CRASHES} crashes`,
      limit: "100 ms",
      measured: `${Math.max(...latenessMs).toFixed(0)} ms (median ${median(latenessMs).toFixed(0)}; less than 0: jitter)`,
      holds: Math.max(...latenessMs) <= 100,
    },
    {
      figure: "seen ready after its port answers, at most",
      limit: "50 ms",
      measured: `${Math.max(...readinessMs).toFixed(0)} ms (median ${median(readinessMs).toFixed(0)})`,
      holds: Math.max(...readinessMs) <= 50,
    },
  ];
}

interface Course {
  startedMs: number;
  listeningMs: number;
  readyMs: number;
}

/** redis says itself, to the millisecond, when it listens. */
async function waitForReady(bench: Bench, handle: string, oldPid: number): Promise<Course> {
  while (true) {
    const row = bench.rows().find((it) => it.handle === handle);
    const since = row?.supervised?.since ?? "";
    if (row?.pid !== null && row?.pid !== oldPid && row?.supervised?.state === "ready") {
      const lines = bench
        .run(["logs", handle, "--tail", "20", "--json"])
        .stdout.trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { line: string }).line);
      const said = (text: string): number =>
        Date.parse(
          `${lines
            .findLast((line) => line.includes(text))
            ?.split(/\* |# /)[0]
            ?.replace(/^\d+:[A-Z] /, "")
            .trim()}Z`,
        );
      return { startedMs: said("Redis is starting"), listeningMs: said("Ready to accept connections"), readyMs: Date.parse(since) };
    }
    await Bun.sleep(20);
  }
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

const command = defineCommand({
  meta: { name: "supervisor", description: "Measure what supervising costs", examples: ["bun bench/supervisor.ts --for 10m"] },
  args: { ...jsonArg, for: { type: "string", description: "How long it idles", valueHint: "T", default: "20s" } },
  async run({ args }) {
    const forMs = parseDuration(args.for);
    if (forMs === undefined) throw new HarborError(`Cannot measure for "${args.for}": it is no duration`, { exit: "usage" });
    if (Bun.which("redis-server") === null)
      throw new HarborError("Cannot measure: redis-server is not installed", { exit: "missing", hint: "apt-get install redis-server" });
    Bun.spawnSync([process.execPath, join(root, "bin/build.ts")], { stdout: "ignore", stderr: "inherit" });
    const bench = new Bench();
    try {
      const results = [startTogether(bench), ...(await idle(bench, forMs)), ...(await crash(bench))];
      emit(results, {
        json: args.json,
        render: (them) =>
          table([
            ["", "figure", "limit", "measured"],
            ...them.map((it) => [it.holds ? "ok" : "OVER THE LIMIT", it.figure, it.limit, it.measured]),
          ]).join("\n"),
      });
    } finally {
      bench.end();
    }
  },
});

if (import.meta.main) await runScript(command);
