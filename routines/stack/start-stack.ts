/**
 * Carries a plan out: natives first, then containers through compose, then waits until all are as
 * healthy as they can tell. If anything fails or is interrupted, what this call started is stopped again.
 */
import { HarborError } from "../_script/error.ts";
import { readBootId } from "../_script/process-identity.ts";
import { type MadePlan, projectDirectoryOf } from "../compose/make-plan.ts";
import type { RunningServices } from "../compose/read-selection.ts";
import type { Env } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { checkStartable, readStartState } from "../native/start-process.ts";
import { stopProcess } from "../native/stop-process.ts";
import type { StackWorkspace } from "./find-stack-workspace.ts";
import { makeDataFolders } from "./make-data-folders.ts";
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
  /** Services whose containers made way for another runtime. */
  replaced: string[];
  /** Natives whose processes made way for themselves, configured otherwise. */
  restarted: string[];
  /** Whether anything was started, as far as this process can tell. */
  hasBegun: boolean;
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
  const containers = await openContainers(options, isResumed);
  const done: Made = { natives: [], folders: [], since: new Date(), before: record, replaced: [], restarted: [], hasBegun: false };
  try {
    checkProject(made, record, running);
    done.folders.push(...makeDataFolders(made));
    checkNatives(options);
    if (!isResumed && containers !== undefined) await makeWay(options, containers, done);
    checkPorts(made, done.before);
    // on disk first: whatever ends this process, `harbor down` knows what it may have started
    writeStack(made.plan.workspace.home, recordOf(options, done.before));
    done.hasBegun = true;
    const natives = (): Promise<void> => runNatives(options, done);
    const rest = (): Promise<void> => runContainers(options, containers, isResumed);
    if (isResumed) await Promise.all([rest(), natives()]);
    else await natives().then(rest);
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

function hasContainers({ plan }: MadePlan): boolean {
  return Object.keys(plan.compose.services as object).length > 0;
}

/** Whether a service that was started in a container is to run natively: its container has the port, and has to go. */
function leavesContainers({ made, record }: StartStackOptions): boolean {
  if (record === undefined || !record.hasContainers) return false;
  return made.plan.natives.some(({ handle }) => record.services.includes(handle) && !record.natives.includes(handle));
}

/** Before anything makes way for them: a program that is not there must cost nobody what runs. */
function checkNatives({ made, env }: StartStackOptions): void {
  const { directory: stateDirectory } = stateOf(made.plan.workspace.home);
  for (const spec of made.plan.natives) {
    if (readStartState(spec, stateDirectory) !== "running") checkStartable({ spec, environment: env, stateDirectory });
  }
}

/** Whatever becomes of this call, what has made way is up no more: the record says so from then on. */
async function makeWay({ made, record }: StartStackOptions, { removeReplaced, session }: Containers, done: Made): Promise<void> {
  const { handles, gone, isLast } = await removeReplaced({ made, session });
  if (record === undefined) return;
  done.replaced = handles;
  done.before = { ...withoutServices(record, (handle) => gone.includes(handle)), hasContainers: record.hasContainers && !isLast };
  if (gone.length > 0) writeStack(made.plan.workspace.home, done.before);
}

/** What made way is not started again by itself: what it made way for may have the same in its way. */
function warnOfReplaced({ progress, keep }: StartStackOptions, { replaced, restarted }: Made): void {
  if (restarted.length > 0 && !keep) progress.warn(`No longer up: ${restarted.join(", ")}; the next \`harbor up\` starts it again`);
  if (replaced.length === 0) return;
  progress.warn(
    `No longer up, having made way for its native start: ${replaced.join(", ")}; \`harbor up ${replaced.join(" ")}\` starts it again`,
  );
}

function runNatives(options: StartStackOptions, done: Made): Promise<void> {
  const { made, env, keep, timeoutMs, signal, progress } = options;
  return startNatives({
    specs: made.plan.natives,
    stateDirectory: stateOf(made.plan.workspace.home).directory,
    environment: env,
    timeoutMs,
    signal,
    keepsLogs: keep,
    isBystander: (handle) => isBystander(handle, options),
    progress,
    onStarted: (handle) => done.natives.push(handle),
    onMadeWay: (handle) => done.restarted.push(handle),
  });
}

async function runContainers(options: StartStackOptions, containers: Containers | undefined, isResumed: boolean): Promise<void> {
  if (containers === undefined || !hasContainers(options.made)) return;
  const { session, startContainers } = containers;
  const projectDirectory = projectDirectoryOf(options.made.plan.workspace);
  await startContainers({ ...options, ...writeComposeFiles(options.made), session, isResumed, projectDirectory });
}

async function takeBack({ made, progress }: StartStackOptions, done: Made, containers: Containers | undefined): Promise<void> {
  const { home } = made.plan.workspace;
  const stateDirectory = stateOf(home).directory;
  const hasMade = done.hasBegun && containers !== undefined && hasContainers(made);
  if (done.natives.length > 0 || hasMade) progress.say("harbor", "stopping what was started");
  await Promise.all(done.natives.map((handle) => stopProcess({ handle, stateDirectory, forget: true })));
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
function isBystander(handle: string, { made, running }: StartStackOptions): boolean {
  const { asked } = made.selection;
  return asked !== "*" && asked.size > 0 && !asked.has(handle) && (running?.natives.includes(handle) ?? false);
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
    ({ handle, runtime }) => running.services.includes(handle) && running.natives.includes(handle) === (runtime === "native"),
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
