/** Stop or restart services of the stack, native and container alike, and leave them part of it: the next `up` finds them. */
import { HarborError } from "../_script/error.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { withLock } from "../_script/lock.ts";
import type { Env } from "../config/read-values.ts";
import type { ContainerAction } from "../engine/control-containers.ts";
import type { Container } from "../engine/list-containers.ts";
import { listServices } from "../supervisor/list-services.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import { restartServices } from "../supervisor/restart-services.ts";
import { stopServices } from "../supervisor/stop-services.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { currentStack } from "./current-stack.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import { orderStops, type StopWave } from "./order-stops.ts";
import { createProgress, type Progress, StatusProgress } from "./progress.ts";
import { type StackRecord, stateOf } from "./read-stack.ts";
import { tellServices } from "./tell-services.ts";
import { removeEmptyState } from "./write-stack.ts";

export interface ControlStackOptions {
  action: ContainerAction;
  home: string;
  project: string;
  record: StackRecord | undefined;
  env: Env;
  /** Handles, or services of the model; all that run when empty. */
  handles: readonly string[];
  signal: AbortSignal;
  progress: Progress;
}

export interface ControlledService {
  handle: string;
  runtime: "container" | "native";
}

/** What it was done to, one command at a time; for the verbs `stop` and `restart`. */
export async function runControl(action: ContainerAction, handles: readonly string[], isQuiet: boolean): Promise<ControlledService[]> {
  const env = process.env;
  const { home } = currentStack(env);
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const progress = createProgress(isQuiet);
  // what is up is read once nobody else changes it
  const work = (): Promise<ControlledService[]> => controlStack({ action, ...currentStack(env), env, handles, signal, progress });
  const done = await withLock(stateOf(home).lock, work, { signal, purpose: `harbor ${action}` }).finally(async () => {
    removeEmptyState(home);
    // also where some of it failed: what could be done is done
    await tellServices({ cause: action, home, env, signal, progress });
  });
  if (done.length === 0) progress.say("harbor", `nothing runs that could be ${PAST[action]}`);
  return done;
}

const PAST = { stop: "stopped", restart: "restarted" } as const;

/** What it was done to. Throws `unknown` for a name that is no part of the stack; what the first failure says. */
export async function controlStack(options: ControlStackOptions): Promise<ControlledService[]> {
  const natives = await listServices(options);
  const containers = await listOwn(options, natives);
  checkNames(options, natives, containers);
  const isNamed = (...names: string[]): boolean => names.some((name) => options.handles.includes(name));
  const isAll = options.handles.length === 0;
  const meant = natives.filter((it) => (isAll ? isRunning(it) : isNamed(it.handle)));
  const ours = meant.map((it) => it.handle);
  const named = containers.filter((it) => (isAll ? it.state === "running" : isNamed(it.handle, it.service)));
  const theirs = options.action === "restart" ? named.filter((it) => !isDone(it, named)) : named;
  if (options.action === "stop") await stop(options, orderStops(meant, theirs));
  else await restart(options, ours, theirs);
  const handles = [...new Set(theirs.map((it) => it.handle))];
  return [
    ...ours.map((handle) => ({ handle, runtime: "native" as const })),
    ...handles.map((handle) => ({ handle, runtime: "container" as const })),
  ];
}

/** One that was stopped, or gave up, is started by its name alone. */
function isRunning({ state, isAsleep }: ServiceReport): boolean {
  return isAsleep || (state !== "stopped" && state !== "failed");
}

/** It has done what it was for, once, while others of its service run: to prepare something for them, most often. */
function isDone({ handle, state, exitCode }: Container, named: readonly Container[]): boolean {
  return state === "exited" && exitCode === 0 && named.some((it) => it.handle === handle && it.state === "running");
}

async function stop(options: ControlStackOptions, waves: readonly StopWave<Container>[]): Promise<void> {
  const { home, env, signal } = options;
  for (const { containers, natives } of waves) {
    await control(options, containers);
    if (natives.length > 0) await stopServices({ home, env, handles: natives, forget: false, signal });
  }
}

async function restart(options: ControlStackOptions, natives: readonly string[], containers: readonly Container[]): Promise<void> {
  const { home, env, project, signal, progress } = options;
  const seen = new Map<string, string>();
  const statuses = new StatusProgress(progress);
  const onReport = ({ handle, state, why, status }: ServiceReport): void => {
    if (seen.get(handle) !== state) progress.say(handle, state === "degraded" ? `${state}: ${why}` : state);
    if (state === "starting") statuses.say(handle, status);
    seen.set(handle, state);
  };
  await restartServices({ home, env, handles: natives, signal, onReport });
  await control(options, containers);
  if (containers.length === 0) return;
  const { waitContainers } = await import("../engine/wait-containers.ts");
  const services = containers.map((it) => it.service);
  await waitContainers({ home, env, project, services, signal, onProgress: ({ service, state }) => progress.say(service, state) });
}

async function control({ action, home, env, progress }: ControlStackOptions, containers: readonly Container[]): Promise<void> {
  if (containers.length === 0) return;
  const { controlContainers } = await import("../engine/control-containers.ts");
  for (const { service } of containers) progress.say(service, action === "stop" ? "stopping" : "restarting");
  await controlContainers({ action, home, env, containers });
}

/** Those of services in containers; what stands in for a native service goes on as it is. */
async function listOwn(
  { home, env, project, record, handles }: ControlStackOptions,
  natives: readonly ServiceReport[],
): Promise<Container[]> {
  const isAllNative = handles.length > 0 && handles.every((handle) => natives.some((it) => it.handle === handle));
  if (record?.hasContainers !== true || isAllNative) return [];
  const { listContainers } = await import("../engine/list-containers.ts");
  const containers = await listContainers({ home, env, project, details: false });
  return containers.filter((it) => it.runtime === "container");
}

function checkNames(
  { home, record, handles }: ControlStackOptions,
  natives: readonly ServiceReport[],
  containers: readonly Container[],
): void {
  const known = new Set([...natives.map((it) => it.handle), ...containers.flatMap((it) => [it.handle, it.service])]);
  for (const name of handles) {
    checkHandle(name);
    if (known.has(name)) continue;
    if (record?.connected?.includes(name)) {
      throw new HarborError(`Cannot stop or restart "${name}": it is connected, and its server is not Harbor's`, {
        hint: `Do it where that runs: ${record.planned.find((it) => it.handle === name)?.runs ?? "harbor connect ls"}`,
      });
    }
    const all = listHandles(findStackWorkspace({ home, record }).workspace);
    if (!all.includes(name)) throwUnknown(name, [...all, ...known]);
    throw new HarborError(`Cannot find "${name}" among what is up`, { exit: "unknown", hint: `Start it: harbor up ${name}` });
  }
}
