#!/usr/bin/env bun
/**
 * What the way from a container to a native service costs, each figure against this host's loopback in the same run:
 * through the relay, and directly; of several rounds the best of each side. Needs Linux, a container engine, and an image with bun for the client.
 *
 *   bun bench/bridge.ts [--rounds 5] [--json]
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defineCommand, jsonArg } from "../routines/_script/command.ts";
import { emit } from "../routines/_script/emit.ts";
import { HarborError } from "../routines/_script/error.ts";
import { runScript } from "../routines/_script/script.ts";
import { table } from "../routines/_script/table.ts";
import { connectEngine, type Engine } from "../routines/engine/connect-engine.ts";
import { listContainers } from "../routines/engine/list-containers.ts";
import { findGateway } from "../routines/host/find-gateway.ts";

const root = resolve(import.meta.dir, "..");
const IMAGE = process.env.HARBOR_BENCH_BUN_IMAGE ?? "local/bun:1";
const PORTS = { relay: 28_660, direct: 28_661 };
const CONTAINER_PORT = 8080;
const MEGABYTE = 1e6;

interface Result {
  figure: string;
  limit: string;
  measured: string;
  /** Of the single rounds. */
  spread: string;
  /** Null where nothing is promised. */
  holds: boolean | null;
}

type Path = "loopback" | "relay" | "direct";

/** What one round of one load comes to, by path. */
type Round = Partial<Record<Path, Record<string, number>>>;

interface Load {
  kind: string;
  title: string;
  paths: readonly Path[];
  /** What a path comes to in one round. */
  read: (seen: Record<string, number>) => number;
  /** That against loopback. */
  compare: (value: number, floor: number) => number;
  /** Of several rounds: what disturbs one only ever takes away. */
  best: (...values: number[]) => number;
  limits: Partial<Record<Path, number>>;
}

type Measure = Pick<Load, "read" | "compare" | "best">;
const share: Measure = { read: ({ perSecond = 0 }) => perSecond, compare: (value, floor) => value / floor, best: Math.max };
const added: Measure = { read: ({ p50Ms = Number.NaN }) => p50Ms, compare: (value, floor) => value - floor, best: Math.min };
/** Each burst counts, the worst of them above all. */
const slowest: Measure = {
  read: ({ failed, slowestMs = Number.NaN }) => (failed === 0 ? slowestMs : Number.POSITIVE_INFINITY),
  compare: (value) => value,
  best: Math.max,
};
const ALL: readonly Path[] = ["loopback", "relay", "direct"];

const LOADS: readonly Load[] = [
  { kind: "keep-alive", title: "requests/s, keep-alive", paths: ALL, ...share, limits: { relay: 0.3, direct: 0.9 } },
  { kind: "connections", title: "new connections/s", paths: ALL, ...share, limits: { relay: 0.33 } },
  { kind: "bodies", title: "bytes/s of large bodies", paths: ALL, ...share, limits: { relay: 0.4 } },
  { kind: "tokens", title: "added ms per token, 16 streams, p50", paths: ALL, ...added, limits: { relay: 0.1 } },
  { kind: "tokens-in-step", title: "the same, all 16 sending at one moment", paths: ALL, ...added, limits: { relay: 0.1 } },
  { kind: "burst", title: "slowest of 128 new connections at once, ms", paths: ["relay"], ...slowest, limits: { relay: 200 } },
];

/** A `HARBOR_HOME` with a native service of each kind, and a container for the client. */
class Bench {
  readonly home = mkdtempSync(join(tmpdir(), "harbor-bench-"));
  readonly project = `harbor-bench-${crypto.randomUUID().slice(0, 8)}`;
  readonly gateway = findGateway();
  #engine: Engine | undefined;

  constructor() {
    this.#write("bench-relay/bench-relay_native.yml", contract(PORTS.relay, `  container_port: ${CONTAINER_PORT}\n`));
    this.#write("bench-direct/bench-direct_native.yml", contract(PORTS.direct, "  bridge: direct\n"));
    this.#write(
      "bench-client/compose.bench-client.yml",
      `services:
  bench-client:
    image: ${IMAGE}
    entrypoint: [bun, -e]
    command: ["setInterval(() => {}, 1e6)"]
    init: true
    stop_grace_period: 0s
    networks: [harbor-network]
    volumes: ["${root}/bench:/bench:ro"]
`,
    );
  }

  #write(name: string, text: string): void {
    const path = join(this.home, "services", name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }

  get #env(): Record<string, string | undefined> {
    return { ...process.env, HARBOR_HOME: this.home, HARBOR_PROJECT: this.project, HARBOR_CAPABILITIES_AUTODETECT: "false" };
  }

  async up(): Promise<void> {
    const engine = await connectEngine({ env: process.env, home: this.home });
    this.#engine = engine;
    await engine.api
      .getImage(IMAGE)
      .inspect()
      .catch((cause: unknown) => {
        throw new HarborError(`Cannot measure the bridge: there is no image ${IMAGE}`, {
          exit: "missing",
          hint: "HARBOR_BENCH_BUN_IMAGE names another with bun in it, such as oven/bun:1",
          cause,
        });
      });
    const direct = this.gateway === undefined ? [] : ["-x", "bench-direct"];
    this.#harbor(["up", "--no-defaults", "-x", "bench-relay", ...direct, "bench-client"]);
  }

  #harbor(words: readonly string[]): void {
    const { exitCode, stderr } = Bun.spawnSync([join(root, "bin/harbor"), ...words], { env: this.#env, stdout: "pipe", stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`harbor ${words[0]} ended with ${exitCode}: ${stderr.toString().trim()}`);
  }

  /** Of a client on the path's own side. */
  command(kind: string, path: Path): string[] {
    if (path === "loopback") return [process.execPath, join(root, "bench/_bridge-client.ts"), kind, "127.0.0.1", String(PORTS.relay)];
    const port = path === "relay" ? CONTAINER_PORT : PORTS.direct;
    const inside = ["docker", "exec", "-i", `${this.project}-bench-client-1`, "bun", "/bench/_bridge-client.ts"];
    return [...inside, kind, `bench-${path}`, String(port)];
  }

  load(kind: string, path: Path): Record<string, number> {
    const { exitCode, stdout, stderr } = Bun.spawnSync(this.command(kind, path), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`"${kind}" through ${path} ended with ${exitCode}: ${stderr.toString().trim().split("\n")[0]}`);
    return JSON.parse(stdout.toString()) as Record<string, number>;
  }

  /** Of all containers of the relay together, the kernel's part included; and what their processes have open. */
  async cost(): Promise<{ bytes: number; openFiles: number }> {
    const engine = this.#engine as Engine;
    const containers = (await listContainers({ engine, project: this.project })).filter((it) => it.handle === "bench-relay");
    const costs = await Promise.all(
      containers.map(async ({ id }) => {
        const container = engine.api.getContainer(id);
        const { memory_stats: memory } = await container.stats({ stream: false, "one-shot": true });
        const { Processes: rows } = await container.top({ ps_args: "-o pid" });
        const stats = memory.stats as Record<string, number>;
        const files = rows.map(([pid]: string[]) => countEntries(`/proc/${pid}/fd`));
        return {
          bytes: memory.usage - (stats.inactive_file ?? stats.total_inactive_file ?? 0),
          openFiles: files.reduce((sum: number, count: number) => sum + count, 0),
        };
      }),
    );
    return { bytes: sum(costs.map((it) => it.bytes)), openFiles: sum(costs.map((it) => it.openFiles)) };
  }

  end(): void {
    try {
      this.#harbor(["down"]);
    } finally {
      rmSync(this.home, { recursive: true, force: true });
    }
  }
}

function contract(port: number, rest: string): string {
  return `x-harbor-native:
  executable: bun
  daemon_args: ["${root}/bench/_bridge-server.ts"]
  port: ${port}
  env: { ADDRESS: "\${HARBOR_NATIVE_ADDRESS}", PORT: "${port}" }
  ready: { http: /small, start_interval: 20ms }
${rest}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A process may be gone by now, or another user's. */
function countEntries(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}

/** The paths in turn, so that a busy moment meets all of them; and none begins in one, if it need not. */
async function measureLoads(bench: Bench, rounds: number): Promise<Result[]> {
  const measured = new Map(LOADS.map((load) => [load, [] as Round[]]));
  for (let turn = 0; turn < rounds; turn++) {
    for (const [load, list] of measured) {
      await waitForQuiet();
      const paths = load.paths.filter((path) => path !== "direct" || bench.gateway !== undefined);
      list.push(Object.fromEntries(paths.map((path) => [path, bench.load(load.kind, path)])));
    }
  }
  return (["relay", "direct"] as const).flatMap((path) =>
    [...measured].filter(([, list]) => list[0]?.[path] !== undefined).map(([load, list]) => summarise(load, path, list)),
  );
}

const QUIET = { share: 0.9, lookMs: 300, patienceMs: 30_000 };

/** Until nearly all of the processors' time goes by unused, or until that has taken too long. */
async function waitForQuiet(): Promise<void> {
  const deadline = performance.now() + QUIET.patienceMs;
  while (performance.now() < deadline) {
    const before = readIdle();
    await Bun.sleep(QUIET.lookMs);
    const after = readIdle();
    if ((after.idle - before.idle) / (after.all - before.all) > QUIET.share) return;
  }
}

/** What the processors have done since the start of the system, in ticks. */
function readIdle(): { idle: number; all: number } {
  const [line = ""] = readFileSync("/proc/stat", "latin1").split("\n");
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  return { idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), all: sum(ticks) };
}

function summarise(load: Load, path: Path, list: readonly Round[]): Result {
  const read = (of: Path): number[] => list.map((round) => load.read(round[of] ?? {}));
  const [own, floor] = [read(path), read("loopback")];
  const values = own.map((value, turn) => load.compare(value, floor[turn] ?? Number.NaN));
  const value = load.compare(load.best(...own), load.best(...floor));
  const limit = load.limits[path];
  const isFloor = load.read === share.read;
  return {
    figure: `${path}: ${load.title}`,
    limit: limit === undefined ? "" : `${isFloor ? ">=" : "<="} ${limit}`,
    measured: round(value),
    spread: `${round(Math.min(...values))}..${round(Math.max(...values))}`,
    holds: limit === undefined ? null : isFloor ? value >= limit : value <= limit,
  };
}

function round(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(2))) : "failed";
}

/** A thousand open streams, twice: what is kept for the next time is not kept again. */
async function measureStreams(bench: Bench): Promise<Result[]> {
  const before = await bench.cost();
  const [first, second] = [await holdStreams(bench), await holdStreams(bench)];
  const grown = Math.max(first.during.bytes, second.during.bytes) - before.bytes;
  const kept = first.after.bytes - before.bytes;
  const files = Math.max(first.after.openFiles, second.after.openFiles) - before.openFiles;
  const more = second.after.bytes - first.after.bytes;
  return [
    {
      figure: "relay: memory of 1000 open streams, MB",
      limit: "<= 25",
      measured: round(grown / MEGABYTE),
      spread: `${round((first.during.bytes - before.bytes) / MEGABYTE)}, then ${round((second.during.bytes - before.bytes) / MEGABYTE)}`,
      holds: grown <= 25 * MEGABYTE,
    },
    { figure: "relay: open files once they have ended", limit: "<= 2", measured: String(files), spread: "", holds: files <= 2 },
    {
      figure: "relay: memory kept for the next, MB",
      limit: "",
      measured: round(kept / MEGABYTE),
      spread: `${round(more / MEGABYTE)} more after another 1000`,
      holds: null,
    },
  ];
}

async function holdStreams(bench: Bench) {
  const child = Bun.spawn(bench.command("hold", "relay"), { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const lines = child.stdout.getReader();
  await lines.read();
  const during = await bench.cost();
  child.stdin.end();
  await child.exited;
  return { during, after: await settle(bench, during.openFiles) };
}

const SETTLE_MS = 5_000;

/** Once the last connection is gone. */
async function settle(bench: Bench, openFiles: number) {
  const deadline = performance.now() + SETTLE_MS;
  let cost = await bench.cost();
  while (cost.openFiles > openFiles / 10 && performance.now() < deadline) {
    await Bun.sleep(100);
    cost = await bench.cost();
  }
  return cost;
}

function render(results: readonly Result[]): string {
  const rows = results.map((it) => [
    it.holds === null ? "" : it.holds ? "ok" : "OVER THE LIMIT",
    it.figure,
    it.limit,
    it.measured,
    it.spread,
  ]);
  return table([["", "figure", "limit", "measured", "rounds"], ...rows]).join("\n");
}

const command = defineCommand({
  meta: { name: "bench-bridge", description: "Measure the way from containers to native services", examples: ["bun bench/bridge.ts"] },
  args: { ...jsonArg, rounds: { type: "string", description: "How often each load is run", valueHint: "N", default: "5" } },
  async run({ args }) {
    const rounds = Number(args.rounds);
    if (!(Number.isInteger(rounds) && rounds > 0))
      throw new HarborError(`Cannot measure "${args.rounds}" times: --rounds takes a whole number`, { exit: "usage" });
    if (process.platform !== "linux") throw new HarborError("Cannot measure the bridge: it is Linux's", { exit: "missing" });
    const bench = new Bench();
    try {
      await bench.up();
      emit([...(await measureLoads(bench, rounds)), ...(await measureStreams(bench))], { json: args.json, render });
    } finally {
      bench.end();
    }
  },
});

if (import.meta.main) await runScript(command);
