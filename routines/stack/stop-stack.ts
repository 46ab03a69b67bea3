/**
 * Stops services of the stack and removes what stood for them: processes, containers, and with the last
 * of them the network, the sockets and the state. What a service stored stays.
 */
import { HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import type { Container } from "../engine/list-containers.ts";
import { listReach } from "../reach/read-reach.ts";
import { listServices } from "../supervisor/list-services.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import { type StoppedService as StoppedNative, stopServices } from "../supervisor/stop-services.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import { orderStops, type StopWave } from "./order-stops.ts";
import type { Progress } from "./progress.ts";
import type { StackRecord } from "./read-stack.ts";
import { releaseLeases } from "./release-leases.ts";
import { clearState, withoutServices, writeStack } from "./write-stack.ts";

export interface StopStackOptions {
  home: string;
  project: string;
  record: StackRecord | undefined;
  env: Env;
  /** Handles, or services of the model; all when empty. */
  handles: readonly string[];
  progress: Progress;
}

export interface StoppedService {
  handle: string;
  /** One that is `connected` goes on: what led to it is gone. */
  runtime: "container" | "native" | "connected";
  /** Whether it had to be killed after its grace. */
  wasKilled: boolean;
}

/**
 * Throws `unknown` for a name that is neither running nor a service; `missing` where containers run and no
 * engine answers, once the processes that were meant are stopped.
 */
export async function stopStack(options: StopStackOptions): Promise<StoppedService[]> {
  const { home, handles, record } = options;
  const natives = await listServices({ home, env: options.env });
  const isAll = handles.length === 0;
  const engine = await orMissing(openContainers(options));
  const containers = engine instanceof HarborError ? [] : (engine?.containers ?? []);
  checkNames(options, natives, containers, engine);
  const isNamed = (name: string): boolean => isAll || handles.includes(name);
  // what stood for a native that was stopped while the engine was gone goes with whatever goes next
  const isStray = (it: Container): boolean => record !== undefined && it.runtime !== "container" && !record.services.includes(it.handle);
  const leaving = containers.filter((it) => isNamed(it.handle) || isNamed(it.service) || isStray(it));
  const ending = natives.filter((it) => isNamed(it.handle));
  await releaseLeases({ ...options, isMeant: isNamed });
  await closeReach(options, isNamed);
  const isWhole = isAll || leaving.length === containers.length;
  const { removed, ended } = await endInOrder(options, { engine, isWhole, waves: orderStops(ending, leaving) });
  if (removed instanceof HarborError) throw stoppedInPart(options, isNamed, ended, removed);
  forget(options, isAll, new Set(containers.filter((it) => !leaving.includes(it)).map((it) => it.handle)));
  const stopped: StoppedService[] = ended.map(({ handle, wasKilled }) => ({ handle, runtime: "native", wasKilled }));
  const removedHandles = new Set(leaving.filter((it) => it.runtime === "container").map((it) => it.handle));
  for (const handle of removedHandles) stopped.push({ handle, runtime: "container", wasKilled: false });
  for (const handle of (record?.connected ?? []).filter(isNamed)) stopped.push({ handle, runtime: "connected", wasKilled: false });
  return stopped;
}

/** What was opened to others closes with it, and before it; without an engine, what is left for it is said there. */
async function closeReach({ home, env, progress }: StopStackOptions, isNamed: (name: string) => boolean): Promise<void> {
  if (listReach(home).length === 0) return;
  const { endReach } = await import("../reach/end-reach.ts");
  try {
    for (const { handle, url } of await endReach({ home, env, isMeant: isNamed })) progress.say(handle, `closed ${url}`);
  } catch (error) {
    if (!(error instanceof HarborError) || error.exit !== "missing") throw error;
    progress.warn(
      "No engine answers: what stands in front of services for others may still do so; `harbor unexpose` and `harbor tunnel down` close it",
    );
  }
}

interface Ending {
  engine: OpenContainers | HarborError | undefined;
  /** Whether no container of the project is left: its networks go as well. */
  isWhole: boolean;
  waves: readonly StopWave<Container>[];
}

interface Ended {
  /** Why not all containers are removed. */
  removed: HarborError | undefined;
  ended: StoppedNative[];
}

async function endInOrder({ home, env }: StopStackOptions, { engine, isWhole, waves }: Ending): Promise<Ended> {
  let removed = engine instanceof HarborError ? engine : undefined;
  const ended: StoppedNative[] = [];
  const remove = async (containers: Container[], isLast: boolean): Promise<void> => {
    if (removed !== undefined || engine instanceof HarborError) return;
    const problem = await orMissing(engine?.remove(containers, isLast));
    if (problem instanceof HarborError) removed = problem;
  };
  for (const { containers, natives } of waves) {
    if (containers.length > 0) await remove(containers, false);
    if (natives.length > 0) ended.push(...(await stopServices({ home, env, handles: natives, forget: true })));
  }
  if (isWhole) await remove([], true);
  return { removed, ended };
}

/** That no engine answers is for the natives to be stopped first. */
async function orMissing<T>(work: Promise<T> | undefined): Promise<T | undefined | HarborError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof HarborError && error.exit === "missing") return error;
    throw error;
  }
}

/** Records that the processes are stopped and all else is as it was; gives the error that says so. */
function stoppedInPart(
  { home, record }: StopStackOptions,
  isNamed: (name: string) => boolean,
  ended: readonly StoppedNative[],
  cause: HarborError,
): HarborError {
  const isStopped = (handle: string): boolean => isNamed(handle) && (record?.natives.includes(handle) ?? false);
  // with no service left in it there would be no record, and the next `harbor down` would not know the project
  if (record?.services.some((handle) => !isStopped(handle))) writeStack(home, withoutServices(record, isStopped));
  const left = (record?.services ?? []).filter((handle) => isNamed(handle) && !isStopped(handle));
  const details = [...cause.details];
  if (ended.length > 0) details.push(`Stopped: ${ended.map((it) => it.handle).join(", ")}`);
  details.push(`Left for \`harbor down\` once the engine answers: ${left.length > 0 ? left.join(", ") : "what stands for it there"}`);
  const hint = cause.hint === undefined ? {} : { hint: cause.hint };
  return new HarborError(cause.message, { exit: cause.exit, cause, details, ...hint });
}

interface OpenContainers {
  containers: Container[];
  remove: (containers: Container[], isWhole: boolean) => Promise<void>;
}

/** With a record that says there are no containers, the engine is not asked: it may not even exist. */
async function openContainers({ home, env, project, record }: StopStackOptions): Promise<OpenContainers | undefined> {
  if (record !== undefined && !record.hasContainers) return undefined;
  const { connectEngine } = await import("../engine/connect-engine.ts");
  const { listContainers } = await import("../engine/list-containers.ts");
  const { removeContainers } = await import("../engine/remove-containers.ts");
  try {
    const engine = await connectEngine({ env, home });
    const containers = await listContainers({ engine, project });
    const remove = async (leaving: Container[], isWhole: boolean): Promise<void> => {
      await removeContainers({ engine, project, containers: leaving, networks: isWhole, volumes: isWhole });
    };
    return { containers, remove };
  } catch (error) {
    // nothing recorded and nothing that answers: there is nothing to stop there
    if (record === undefined && error instanceof HarborError && error.exit === "missing") return undefined;
    throw error;
  }
}

function checkNames(
  { home, handles, record }: StopStackOptions,
  natives: readonly ServiceReport[],
  containers: readonly Container[],
  engine: unknown,
): void {
  const running = new Set([
    ...(record?.services ?? []),
    ...natives.map((it) => it.handle),
    ...containers.flatMap((it) => [it.handle, it.service]),
  ]);
  for (const name of handles) {
    checkHandle(name);
    if (running.has(name)) continue;
    if (engine instanceof HarborError) throw engine; // it may be the name of a container
    const known = listHandles(findStackWorkspace({ home, record }).workspace);
    if (!known.includes(name)) throwUnknown(name, [...known, ...running]);
  }
}

/** The record without what was stopped; with nothing left, every file of the state. */
function forget({ home, record, handles }: StopStackOptions, isAll: boolean, remaining: ReadonlySet<string>): void {
  if (isAll) clearState(home);
  if (isAll || record === undefined) return;
  const left = withoutServices(record, (handle) => handles.includes(handle) && !remaining.has(handle));
  writeStack(home, { ...left, hasContainers: remaining.size > 0 });
}
