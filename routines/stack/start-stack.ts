/**
 * Carries a plan out: natives first, then containers through compose, then waits until all are as
 * healthy as they can tell. If anything fails or is interrupted, what this call started is stopped again.
 */
import { HarborError } from "../_script/error.ts";
import { readBootId } from "../_script/process-identity.ts";
import { type MadePlan, type PlannedService, projectDirectoryOf } from "../compose/make-plan.ts";
import type { RunningServices } from "../compose/read-selection.ts";
import type { Env } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import type { NativeSpec } from "../native/start-process.ts";
import { checkStartable, readStartState } from "../native/start-process.ts";
import type { ExternalStatus } from "../supervisor/report.ts";
import { stopServices } from "../supervisor/stop-services.ts";
import type { StackWorkspace } from "./find-stack-workspace.ts";
import { makeDataFolders } from "./make-data-folders.ts";
import { orderStarts, type Wave } from "./order-starts.ts";
import type { Progress } from "./progress.ts";
import { type StackRecord, stateOf } from "./read-stack.ts";
import type { EngineSession } from "./start-containers.ts";
import { startNatives } from "./start-natives.ts";
import { removeEmpty, withoutServices, writeComposeFiles, writeStack } from "./write-stack.ts";

export interface StartStackOptions {
  made: MadePlan;
  /** What an earlier call recorded. */
  record: StackRecord | undefined;
  /** What of it still runs. */
  running: RunningServices | undefined;
  /** Where its services were found, as the record keeps it. */
  recorded: StackWorkspace["recorded"];
  env: Env;
  build: boolean;
  pull: boolean;
  /** Leave what was started as it is when something fails. */
  keep: boolean;
  timeoutMs: number | undefined;
  signal: AbortSignal;
  progress: Progress;
}

/** What this call has made so far, for taking it back. */
interface Made {
  natives: string[];
  folders: string[];
  since: Date;
  /** What to go back to: what was up before, without what has made way. */
  before: StackRecord | undefined;
  /** Services that made way for themselves on another runtime. */
  replaced: Replacement[];
  /** Natives whose processes made way for themselves, configured otherwise. */
  restarted: string[];
  /** Whether any of these natives has come to run. */
  hasProcess: boolean;
  /** Whether anything was started, as far as this process can tell. */
  hasBegun: boolean;
}

/** A service that was up, and on what it is to run now. */
interface Replacement {
  handle: string;
  from: PlannedService["runtime"];
  to: PlannedService["runtime"];
}

/** The containers' part, where there are any: the module that starts them, and the engine to start them on. */
interface Containers extends Pick<typeof import("./start-containers.ts"), "startContainers" | "removeReplaced" | "removeStarted"> {
  session: EngineSession;
}

/**
 * Returns the engine it spoke to, where there are containers. Throws what failed, after everything this
 * call started is stopped again (but for `keep`).
 */
export async function startStack(options: StartStackOptions): Promise<Engine | undefined> {
  const { made, record, running } = options;
  const isResumed = ranAlready(made, running);
  await awaitServers(options);
  const containers = await openContainers(options, isResumed);
  const done: Made = {
    natives: [],
    folders: [],
    since: new Date(),
    before: record,
    replaced: [],
    restarted: [],
    hasProcess: false,
    hasBegun: false,
  };
  try {
    checkProject(made, record, running);
    done.folders.push(...makeDataFolders(made));
    checkNatives(options);
    if (!isResumed) await makeWay(options, containers, done);
    checkPorts(made, done.before);
    // on disk first: whatever ends this process, `harbor down` knows what it may have started
    writeStack(made.plan.workspace.home, recordOf(options, done.before));
    done.hasBegun = true;
    await (isResumed ? resume(options, done, containers) : runWaves(options, done, containers));
    return await containers?.session.connect();
  } catch (error) {
    if (!options.keep) await takeBack(options, done, containers);
    warnOfReplaced(options, done);
    throw error;
  }
}

async function openContainers(options: StartStackOptions, isResumed: boolean): Promise<Containers | undefined> {
  if (!hasContainers(options.made) && !leavesContainers(options)) return undefined;
  const { openEngine, startContainers, removeReplaced, removeStarted } = await import("./start-containers.ts");
  return { session: await openEngine({ ...options, isResumed }), startContainers, removeReplaced, removeStarted };
}

/** Before anything is started or makes way: nothing of ours could bring them up. */
async function awaitServers({ made, timeoutMs, signal, progress, ...options }: StartStackOptions): Promise<void> {
  if (made.plan.connected.length === 0) return;
  const { awaitConnected } = await import("./await-connected.ts");
  const isKnown = (handle: string): boolean => isBystander(handle, { made, ...options });
  await awaitConnected({ specs: made.plan.connected, values: made.values, isBystander: isKnown, timeoutMs, signal, progress });
}

function hasContainers({ plan }: MadePlan): boolean {
  return Object.keys(plan.compose.services as object).length > 0;
}

/** Whether a service that was started in a container is to run elsewhere: its container has the port, and has to go. */
function leavesContainers({ made, record }: StartStackOptions): boolean {
  if (record === undefined || !record.hasContainers) return false;
  return made.plan.services.some(
    ({ handle, runtime }) => runtime !== "container" && record.services.includes(handle) && runtimeBefore(handle, record) !== runtime,
  );
}

/** Before anything makes way for them: a program that is not there must cost nobody what runs. */
function checkNatives({ made, env }: StartStackOptions): void {
  const { directory: stateDirectory } = stateOf(made.plan.workspace.home);
  for (const spec of made.plan.natives) {
    if (readStartState(spec, stateDirectory) !== "running") checkStartable({ spec, environment: env, stateDirectory });
  }
}

/** Whatever becomes of this call, what has made way is up no more: the record says so from then on. */
async function makeWay(options: StartStackOptions, containers: Containers | undefined, done: Made): Promise<void> {
  const { made, record, progress } = options;
  const { home } = made.plan.workspace;
  const leaving = made.plan.services.filter(({ handle, runtime }) => runtime !== "native" && record?.natives.includes(handle));
  const stopped = leaving.map(({ handle }) => handle);
  if (stopped.length > 0) {
    progress.say("harbor", `stopping ${stopped.join(", ")}, to run elsewhere`);
    await stopServices({ home, env: options.env, handles: stopped, forget: true });
  }
  const { handles, gone, isLast } = (await containers?.removeReplaced({ made, session: containers.session })) ?? NOTHING_REPLACED;
  if (record === undefined) return;
  const others = handles.filter((handle) => !stopped.includes(handle));
  const runtimeOf = new Map(made.plan.services.map(({ handle, runtime }) => [handle, runtime]));
  done.replaced = [...stopped, ...others].map((handle) => ({
    handle,
    from: runtimeBefore(handle, record),
    to: runtimeOf.get(handle) ?? "container",
  }));
  const isGone = (handle: string): boolean => gone.includes(handle) || stopped.includes(handle);
  done.before = { ...withoutServices(record, isGone), hasContainers: record.hasContainers && !isLast };
  if (done.replaced.length > 0) writeStack(home, done.before);
}

function runtimeBefore(handle: string, record: StackRecord): PlannedService["runtime"] {
  return record.natives.includes(handle) ? "native" : record.connected?.includes(handle) ? "connected" : "container";
}

const NOTHING_REPLACED = { handles: [] as string[], gone: [] as string[], isLast: false };

/** What made way is not started again by itself: what it made way for may have the same in its way. */
function warnOfReplaced({ progress, keep }: StartStackOptions, { replaced, restarted }: Made): void {
  if (restarted.length > 0 && !keep) progress.warn(`No longer up: ${restarted.join(", ")}; the next \`harbor up\` starts it again`);
  for (const [to, words] of WAYS) {
    const those = replaced.filter((it) => it.to === to);
    if (those.length === 0) continue;
    const again = `harbor up ${those.map(({ handle, from }) => `${OPTIONS[from](to)}${handle}`).join(" ")}`;
    progress.warn(
      `No longer up, having made way for its ${words}: ${those.map(({ handle }) => handle).join(", ")}; \`${again}\` starts it again`,
    );
  }
}

const WAYS = [
  ["native", "native start"],
  ["container", "container"],
  ["connected", "server"],
] as const;

/** What asks for the runtime that it had; a preference for a server has to be overruled. */
const OPTIONS = {
  native: () => "-x ",
  container: (to: PlannedService["runtime"]) => (to === "connected" ? "-c " : ""),
  connected: () => "",
} as const;

/**
 * All of it ran before. Natives go first all the same, which takes no time where they are well: one that is being started
 * again may take its time, and compose would not wait for what stands in for it.
 */
async function resume(options: StartStackOptions, done: Made, containers: Containers | undefined): Promise<void> {
  const wereOfUse = await runNatives(options, done, options.made.plan.natives, {});
  await runContainers(options, containers, { isResumed: wereOfUse });
}

async function runWaves(options: StartStackOptions, done: Made, containers: Containers | undefined): Promise<void> {
  const waves = orderStarts(options.made.plan);
  const externals: Record<string, ExternalStatus> = {};
  for (const [index, wave] of waves.entries()) {
    await runNatives(options, done, wave.natives, externals);
    Object.assign(externals, await runContainers(options, containers, { isResumed: false, ...partOf(wave, waves.slice(index + 1)) }));
  }
}

/** In the last wave with containers all are named by naming none: compose then sees to what is left over as well. */
function partOf({ containers }: Wave, later: readonly Wave[]): { services?: string[] } {
  return later.some((wave) => wave.containers.length > 0) ? { services: containers } : {};
}

function runNatives(
  options: StartStackOptions,
  done: Made,
  specs: readonly NativeSpec[],
  externals: Readonly<Record<string, ExternalStatus>>,
): Promise<boolean> {
  const { made, env, keep, timeoutMs, signal, progress } = options;
  for (const spec of specs) refuseUnknownHealth(spec, externals);
  return startNatives({
    specs,
    home: made.plan.workspace.home,
    environment: env,
    externals,
    timeoutMs,
    signal,
    keep,
    isBystander: (handle) => isBystander(handle, options),
    isCompleting: (handle) => isCompleting(handle, made),
    progress,
    onStarted: (handle) => done.natives.push(handle),
    onRunning: () => {
      done.hasProcess = true;
    },
    onMadeWay: (handle) => done.restarted.push(handle),
  });
}

/** A container that waits for it to have completed: compose knows nothing of it, so that we wait. */
function isCompleting(handle: string, { plan }: MadePlan): boolean {
  return Object.values(plan.dependencies).some((others) => others[handle] === "service_completed_successfully");
}

/** As compose says of containers: what has no healthcheck is never healthy. */
function refuseUnknownHealth({ handle, contract, dependsOn }: NativeSpec, externals: Readonly<Record<string, ExternalStatus>>): void {
  for (const [name, condition] of Object.entries(dependsOn)) {
    if (condition !== "service_healthy" || externals[name] !== "started") continue;
    throw new HarborError(`Cannot start "${handle}": it waits for "${name}" to be healthy, and that container has no healthcheck`, {
      at: { file: contract },
      hint: `Give "${name}" a healthcheck, or wait for service_started`,
    });
  }
}

interface Part {
  isResumed: boolean;
  services?: string[];
}

/** What became of them, for what depends on them. */
async function runContainers(
  options: StartStackOptions,
  containers: Containers | undefined,
  { isResumed, services }: Part,
): Promise<Record<string, ExternalStatus>> {
  if (containers === undefined || !hasContainers(options.made) || services?.length === 0) return {};
  const { session, startContainers } = containers;
  const projectDirectory = projectDirectoryOf(options.made.plan.workspace);
  const started = await startContainers({ ...options, ...writeComposeFiles(options.made), session, isResumed, projectDirectory, services });
  const statusOf = ({ state, health }: (typeof started)[number]): ExternalStatus =>
    state === "exited" ? "completed" : health === "healthy" ? "healthy" : "started";
  return Object.fromEntries(started.map((container) => [container.service, statusOf(container)]));
}

async function takeBack({ made, env, progress }: StartStackOptions, done: Made, containers: Containers | undefined): Promise<void> {
  const { home } = made.plan.workspace;
  const hasMade = done.hasBegun && containers !== undefined && hasContainers(made);
  if (done.hasProcess || hasMade) progress.say("harbor", "stopping what was started");
  if (done.natives.length > 0) await stopServices({ home, env, handles: done.natives, forget: true });
  // the longest first: what is in a folder goes before it
  for (const folder of done.folders.sort().reverse()) removeEmpty(folder);
  try {
    if (hasMade) await containers.removeStarted({ session: containers.session, made, record: done.before, since: done.since });
  } catch {
    // what failed first is thrown; the record of this call stays, so that `harbor down` finds the rest
    progress.warn("The engine no longer answers: containers may be left; `harbor down` removes them once it is back");
    return;
  }
  writeStack(home, done.before);
}

/** It ran before and this call does not name it: whether it answers is not for this call to fail on. */
function isBystander(handle: string, { made, running }: Pick<StartStackOptions, "made" | "running">): boolean {
  const { asked } = made.selection;
  const ran = running?.natives.includes(handle) || running?.connected?.includes(handle);
  return asked !== "*" && asked.size > 0 && !asked.has(handle) && (ran ?? false);
}

/** One home, one project: else `harbor down` would no longer find the containers of the other. */
function checkProject({ plan }: MadePlan, record: StackRecord | undefined, running: RunningServices | undefined): void {
  if (record === undefined || running === undefined || !record.hasContainers || record.project === plan.project) return;
  throw new HarborError(`Cannot start services in project "${plan.project}": those of project "${record.project}" are up`, {
    hint: "Take them down first (harbor down), or set another HARBOR_HOME for a stack beside this one",
  });
}

/** Whether all of it is up, each service on what it runs on now and each process as it is to be. */
function ranAlready({ plan }: MadePlan, running: RunningServices | undefined): boolean {
  if (running === undefined) return false;
  const { directory } = stateOf(plan.workspace.home);
  if (plan.natives.some((spec) => readStartState(spec, directory) !== "running")) return false;
  return plan.services.every(
    ({ handle, runtime }) =>
      running.services.includes(handle) &&
      running.natives.includes(handle) === (runtime === "native") &&
      (running.connected?.includes(handle) ?? false) === (runtime === "connected"),
  );
}

function recordOf({ made, recorded, record }: StartStackOptions, before: StackRecord | undefined): StackRecord {
  const { plan, selection } = made;
  const isLost = (handle: string): boolean => selection.lost.includes(handle);
  return {
    project: plan.project,
    ...recorded,
    services: [...plan.services.map((service) => service.handle), ...selection.lost],
    natives: [...plan.natives.map((native) => native.handle), ...(record?.natives ?? []).filter(isLost)],
    connected: [...plan.connected.map(({ handle }) => handle), ...(record?.connected ?? []).filter(isLost)],
    capabilities: [...selection.capabilities],
    planned: [...plan.services, ...(record?.planned ?? []).filter((it) => isLost(it.handle))],
    hasContainers: hasContainers(made) || (before?.hasContainers ?? false),
    bootId: readBootId(),
  };
}

/** Ports of services that were not up before; a native's own port is its start's to check. */
function checkPorts(made: MadePlan, record: StackRecord | undefined): void {
  for (const service of made.plan.services) {
    if (service.runtime === "native" || record?.services.includes(service.handle)) continue;
    for (const port of service.ports) {
      if (port.protocol !== "tcp") continue;
      const owner = findPortOwner({ port: port.published });
      if (owner === undefined) continue;
      throw new HarborError(`Cannot start "${service.handle}": port ${port.published} is taken by ${formatPortOwner(owner)}`, {
        hint: `Stop it, or set HARBOR_${service.handle.toUpperCase().replaceAll("-", "_")}_HOST_PORT to another port (in the file itself where the port is written out)`,
      });
    }
  }
}
