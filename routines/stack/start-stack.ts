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
import { stopProcess } from "../native/stop-process.ts";
import type { StackWorkspace } from "./find-stack-workspace.ts";
import { makeDataFolders } from "./make-data-folders.ts";
import type { Progress } from "./progress.ts";
import { type StackRecord, stateOf } from "./read-stack.ts";
import type { EngineSession } from "./start-containers.ts";
import { startNatives } from "./start-natives.ts";
import { removeEmpty, writeComposeFiles, writeStack } from "./write-stack.ts";

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
  const done: Made = { natives: [], folders: [], since: new Date() };
  try {
    checkProject(made, record, running);
    if (!isResumed) await containers?.removeReplaced({ made, session: containers.session });
    checkPorts(made, record);
    // on disk first: whatever ends this process, `harbor down` knows what it may have started
    writeStack(made.plan.workspace.home, recordOf(options, containers !== undefined));
    done.folders.push(...makeDataFolders(made));
    const natives = (): Promise<void> => runNatives(options, done);
    const rest = (): Promise<void> => runContainers(options, containers, isResumed);
    if (isResumed) await Promise.all([rest(), natives()]);
    else await natives().then(rest);
    return await containers?.session.connect();
  } catch (error) {
    if (!options.keep) await takeBack(options, done, containers);
    throw error;
  }
}

async function openContainers(options: StartStackOptions, isResumed: boolean): Promise<Containers | undefined> {
  if (Object.keys(options.made.plan.compose.services as object).length === 0) return undefined;
  const { openEngine, startContainers, removeReplaced, removeStarted } = await import("./start-containers.ts");
  return { session: await openEngine({ ...options, isResumed }), startContainers, removeReplaced, removeStarted };
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
  });
}

async function runContainers(options: StartStackOptions, containers: Containers | undefined, isResumed: boolean): Promise<void> {
  if (containers === undefined) return;
  const { session, startContainers } = containers;
  const projectDirectory = projectDirectoryOf(options.made.plan.workspace);
  await startContainers({ ...options, ...writeComposeFiles(options.made), session, isResumed, projectDirectory });
}

async function takeBack({ made, record, progress }: StartStackOptions, done: Made, containers: Containers | undefined): Promise<void> {
  const { home } = made.plan.workspace;
  const stateDirectory = stateOf(home).directory;
  if (done.natives.length > 0 || containers !== undefined) progress.say("harbor", "stopping what was started");
  await Promise.all(done.natives.map((handle) => stopProcess({ handle, stateDirectory, forget: true })));
  // the longest first: what is in a folder goes before it
  for (const folder of done.folders.sort().reverse()) removeEmpty(folder);
  try {
    await containers?.removeStarted({ session: containers.session, made, record, since: done.since });
  } catch {
    // what failed first is thrown; the record of this call stays, so that `harbor down` finds the rest
    progress.warn("The engine no longer answers: containers may be left; `harbor down` removes them once it is back");
    return;
  }
  writeStack(home, record);
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

/** Whether all of it is up, each service on what it runs on now. */
function ranAlready({ plan }: MadePlan, running: RunningServices | undefined): boolean {
  if (running === undefined) return false;
  return plan.services.every(
    ({ handle, runtime }) => running.services.includes(handle) && running.natives.includes(handle) === (runtime === "native"),
  );
}

function recordOf({ made, recorded, record }: StartStackOptions, hasContainers: boolean): StackRecord {
  const { plan, selection } = made;
  const isLost = (handle: string): boolean => selection.lost.includes(handle);
  return {
    project: plan.project,
    ...recorded,
    services: [...plan.services.map((service) => service.handle), ...selection.lost],
    natives: [...plan.natives.map((native) => native.handle), ...(record?.natives ?? []).filter(isLost)],
    capabilities: [...selection.capabilities],
    planned: [...plan.services, ...(record?.planned ?? []).filter((it) => isLost(it.handle))],
    hasContainers: hasContainers || (record?.hasContainers ?? false),
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
        hint: `Stop it, or set HARBOR_${service.handle.toUpperCase().replaceAll("-", "_")}_HOST_PORT to another port`,
      });
    }
  }
}
