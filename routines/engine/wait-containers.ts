#!/usr/bin/env bun
/**
 * Wait until containers that compose has started are of use: healthy, running where nothing tells
 * their health, or ended well where they were made to end.
 *
 *   bun routines/engine/wait-containers.ts --project harbor --wait-timeout 60s webui
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { parseDuration } from "../_script/duration.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { describeFailure, describeTimeout } from "./_explain-container.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import type { Engine } from "./connect-engine.ts";
import { type Container, listContainers } from "./list-containers.ts";

export interface WaitContainersOptions extends UseEngineOptions {
  project: string;
  /** Names in the compose file, all of the project when left out; one that has no container is not waited for. */
  services?: readonly string[];
  timeoutMs?: number | undefined;
  /** When that time is over, as `performance.now()` counts, where part of it is spent already. */
  deadline?: number;
  /** Called at each change of what a service does. */
  onProgress?: (change: ContainerProgress) => void;
}

/** `ready`: of use. `done`: it has ended, as it should. */
export type ContainerStage = "created" | "starting" | "restarting" | "ready" | "done" | "failed";

export interface ContainerProgress {
  service: string;
  /** Name of the container. */
  name: string;
  state: ContainerStage;
}

const TIMEOUT_MS = 300_000;
/** A healthcheck with a short interval is noticed soon, a model that loads for minutes costs little. */
const POLL_MS = { first: 25, longest: 250 };
/** How long what stands in for a process may be seen unhealthy after that has come back: until its next check is over. */
const LAG_MS = 8_000;
/** A container that was started again this often will not come up. */
const HOPELESS_RESTARTS = 3;

/** Returns the containers; throws `failed` for the first that will not come up, `timeout`, or `interrupted`. */
export async function waitContainers(options: WaitContainersOptions): Promise<Container[]> {
  return useEngine(options, async (engine) => {
    const { timeoutMs = TIMEOUT_MS, deadline = performance.now() + timeoutMs } = options;
    const report = createReporter(options.onProgress);
    const judgeNow = createJudge();
    let pauseMs = POLL_MS.first;
    while (true) {
      options.signal?.throwIfAborted();
      const containers = await listWanted(engine, options);
      for (const container of containers) report(container, judgeNow(container));
      const failed = await findFailed(engine, containers, judgeNow);
      if (failed !== undefined) throw await describeFailure(engine, failed);
      const waiting = containers.filter((container) => !isSettled(container));
      if (waiting.length === 0) return containers;
      if (performance.now() >= deadline) throw await describeTimeout(engine, waiting, timeoutMs);
      await Bun.sleep(Math.min(pauseMs, deadline - performance.now()));
      pauseMs = Math.min(pauseMs * 1.5, POLL_MS.longest);
    }
  });
}

/**
 * Waits, but not for long, until no container that stands in for a native or a connected service is unhealthy: once that is
 * known to be ready that is only what was, and compose would refuse to start what depends on it.
 */
export async function waitStandIns(
  options: Pick<WaitContainersOptions, "engine" | "project" | "signal"> & { engine: Engine },
): Promise<void> {
  const deadline = performance.now() + LAG_MS;
  while (performance.now() < deadline) {
    options.signal?.throwIfAborted();
    const containers = await listContainers({ ...options, details: false });
    if (!containers.some(isStandInUnhealthy)) return;
    await Bun.sleep(POLL_MS.longest);
  }
}

function isStandInUnhealthy({ runtime, state, health }: Container): boolean {
  return runtime !== "container" && state === "running" && health === "unhealthy";
}

/** Why the first of them will not come up; undefined where all of them still may. */
export function explainFailed(options: WaitContainersOptions): Promise<HarborError | undefined> {
  return useEngine(options, async (engine) => {
    const failed = await findFailed(engine, await listWanted(engine, options));
    return failed === undefined ? undefined : describeFailure(engine, failed);
  });
}

async function listWanted(engine: Engine, { project, services, signal }: WaitContainersOptions): Promise<Container[]> {
  const containers = await listContainers({ engine, project, details: false, signal });
  const wanted = services === undefined ? containers : containers.filter((container) => services.includes(container.service));
  if (wanted.length > 0 || services?.length === 0) return wanted;
  throw new HarborError(`Cannot wait for project "${project}": it has no containers`, { hint: "Run `harbor ps` to see what runs" });
}

/** What a container is on its way to, by the engine's list alone. */
export function judge(container: Pick<Container, "state" | "health" | "exitCode" | "status">): ContainerStage {
  const { state, health, exitCode } = container;
  if (state === "exited") return exitCode === 0 ? "done" : "failed";
  if (state === "dead" || health === "unhealthy") return "failed";
  if (state === "created" || state === "restarting") return state;
  if (state !== "running" || health === "starting") return "starting";
  // Without a healthcheck, one that falls over at its first step would be taken for running.
  return health === "" && /^Up Less than a second/i.test(container.status) ? "starting" : "ready";
}

function isSettled(container: Container): boolean {
  const stage = judge(container);
  return stage === "ready" || stage === "done";
}

type Judge = (container: Container) => ContainerStage;

/** As `judge`, but for a while from now on lenient with what only lags behind. */
function createJudge(): Judge {
  const startMs = performance.now();
  return (container) => (isStandInUnhealthy(container) && performance.now() - startMs < LAG_MS ? "starting" : judge(container));
}

async function findFailed(engine: Engine, containers: readonly Container[], judgeOne: Judge = judge): Promise<Container | undefined> {
  const failed = containers.find((container) => judgeOne(container) === "failed");
  if (failed !== undefined) return failed;
  for (const container of containers.filter((it) => judge(it) === "restarting")) {
    const { RestartCount: restarts } = await engine.get<{ RestartCount: number }>(`/containers/${container.id}/json`);
    if (restarts >= HOPELESS_RESTARTS) return container;
  }
  return undefined;
}

function createReporter(onProgress: WaitContainersOptions["onProgress"]): (container: Container, state: ContainerStage) => void {
  const known = new Map<string, ContainerStage>();
  return ({ service, name }, state) => {
    if (known.get(name) === state) return;
    known.set(name, state);
    onProgress?.({ service, name, state });
  };
}

export const command = defineCommand({
  meta: { name: "wait-containers", description: "Wait until the containers of a project are of use" },
  args: {
    service: { type: "positional", description: "Services to wait for; all when left out", multiple: true },
    ...projectArg,
    "wait-timeout": { type: "string", description: "How long to wait", valueHint: "DURATION", default: "5m" },
    ...jsonArg,
  },
  async run({ args }) {
    const timeoutMs = parseDuration(args["wait-timeout"]);
    if (timeoutMs === undefined)
      throw new HarborError(`Cannot read --wait-timeout "${args["wait-timeout"]}": it is no duration`, {
        exit: "usage",
        hint: "Write it like 90s or 5m",
      });
    const named = args.service.length === 0 ? {} : { services: args.service };
    const containers = await waitContainers({ project: args.project, ...named, timeoutMs, env: process.env, home: findHome(process.env) });
    emit(containers, { json: args.json, render: (them) => them.map((it) => `${it.service}\t${it.status}`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
