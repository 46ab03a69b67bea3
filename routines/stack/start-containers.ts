/**
 * The containers' part of a start: an engine that answers, `docker compose up`, waiting, and taking
 * away what a failed start created. Loaded only for a stack that has containers.
 */
import { HarborError } from "../_script/error.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import { isLoopback } from "../config/connection.ts";
import type { Env } from "../config/read-values.ts";
import { connectEngine, type Engine } from "../engine/connect-engine.ts";
import { DependencyFailure } from "../engine/dependency-failure.ts";
import { type Compose, findCompose } from "../engine/find-compose.ts";
import { type Container, listContainers } from "../engine/list-containers.ts";
import { removeContainers } from "../engine/remove-containers.ts";
import { runComposeOrThrow } from "../engine/run-compose.ts";
import { explainFailed, type WaitContainersOptions, waitContainers, waitStandIns } from "../engine/wait-containers.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import { explainRefusal } from "./explain-refusal.ts";
import type { Progress } from "./progress.ts";
import type { StackRecord } from "./read-stack.ts";

export interface EngineSession {
  compose: Compose;
  /** Connects at the first call; loading the client takes 60 ms, which compose's own run hides. */
  connect: () => Promise<Engine>;
}

export interface OpenEngineOptions {
  made: MadePlan;
  env: Env;
  signal: AbortSignal;
  /** Everything ran before: compose itself will tell whether the engine still answers. */
  isResumed: boolean;
}

/** Throws `missing`, and says which of the services would run without an engine. */
export async function openEngine(options: OpenEngineOptions): Promise<EngineSession> {
  const { made, env, signal } = options;
  const { home } = made.plan.workspace;
  let connection: Promise<Engine> | undefined;
  const connect = (): Promise<Engine> => {
    connection ??= connectEngine({ env, home, wanted: made.values.get("HARBOR_ENGINE_KIND"), signal });
    return connection;
  };
  try {
    const compose = findCompose({ env, home });
    if (!options.isResumed) refuseApart(await connect(), made);
    return { compose, connect };
  } catch (error) {
    if (!(error instanceof HarborError) || error.exit !== "missing") throw error;
    const without = made.selection.files.filter((file) => file.kind === "contract").map((file) => file.handle ?? "");
    const details = [...error.details, ...whatRunsWithout(made, without)];
    throw new HarborError(error.message, {
      exit: "missing",
      cause: error,
      details,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** Of an engine whose containers do not reach this host's loopback. */
function refuseApart({ kind }: Engine, made: MadePlan): void {
  const hasContainers = made.plan.services.some((service) => service.runtime === "container");
  const isLocal = made.plan.natives.length > 0 || made.plan.connected.some(({ address }) => isLoopback(address));
  if ((kind !== "rootless" && kind !== "remote") || !isLocal || !hasContainers) return;
  throw new HarborError(`Cannot join native services to containers: a ${kind} engine's containers do not reach this host's loopback`, {
    exit: "missing",
    hint: "Use an engine that runs as root on this machine or Docker Desktop, or run all of them in containers",
  });
}

function whatRunsWithout(made: MadePlan, withContract: readonly string[]): string[] {
  const needing = made.plan.services.filter((service) => service.runtime === "container").map((service) => service.handle);
  if (needing.length === 0) return ["It is needed to take down the containers that ran before"];
  const able = [...new Set([...made.plan.natives.map((native) => native.handle), ...withContract])];
  const defaults = made.values.list("HARBOR_SERVICES_DEFAULT");
  const hasDefault = needing.some((handle) => defaults.includes(handle) && !able.includes(handle));
  const command = ["harbor up", ...(hasDefault ? ["--no-defaults"] : []), ...able.map((handle) => `-x ${handle}`)].join(" ");
  const needed = `It is needed for ${needing.join(", ")}`;
  if (able.length > 0) return [needed, `Without one, ${able.join(", ")} can run natively: ${command}`];
  const others = nativeHandles(made.plan.workspace);
  return [
    needed,
    others.length === 0 ? "Nothing of it can run without one" : `Nothing of it can run without one; these can: ${others.join(", ")}`,
  ];
}

/** Every service of the workspace that has a contract. */
function nativeHandles(workspace: Workspace): string[] {
  const files = listFiles({ workspace, handles: "*", capabilities: new Set() });
  return [...new Set(files.filter((file) => file.kind === "contract").map((file) => file.parts[0] ?? ""))].sort();
}

export interface StartContainersOptions {
  made: MadePlan;
  session: EngineSession;
  file: string;
  envFile: string;
  projectDirectory: string;
  env: Env;
  build: boolean;
  pull: boolean;
  timeoutMs: number | undefined;
  signal: AbortSignal;
  progress: Progress;
  isResumed: boolean;
  /** Of the model; these alone, with what they depend on. All when left out. */
  services?: readonly string[] | undefined;
}

/** A first start may download models; until then a container's own healthcheck says when to give up. */
const PATIENCE_MS = 30 * 60_000;

/** Gives them as they are then. Throws what compose or an unhealthy container says, with the last lines of its log; `timeout` where it takes too long. */
export async function startContainers(options: StartContainersOptions): Promise<Container[]> {
  const { made, session, signal, progress } = options;
  const timeoutMs = options.timeoutMs ?? PATIENCE_MS;
  const deadline = performance.now() + timeoutMs;
  const timeout = AbortSignal.timeout(timeoutMs);
  if (!options.isResumed) await waitStandIns({ engine: await session.connect(), project: made.plan.project, signal });
  const running = runUp(options, AbortSignal.any([signal, timeout]));
  const [engine, ended] = await Promise.allSettled([session.connect(), running]);
  const isCutShort = ended.status === "rejected" && timeout.aborted && !signal.aborted && isInterruption(ended.reason);
  if (engine.status === "rejected") throw ended.status === "rejected" && !isCutShort ? ended.reason : engine.reason;
  const wait: WaitContainersOptions = {
    engine: engine.value,
    project: made.plan.project,
    services: options.services ?? Object.keys(made.plan.compose.services as object),
    timeoutMs,
    deadline,
    signal,
    onProgress: ({ service, state }) => (options.isResumed ? undefined : progress.say(service, state)),
  };
  if (isCutShort) throw await explainLate(engine.value, wait, timeoutMs);
  if (ended.status === "rejected") throw await explainCulprit(explainRefusal(ended.reason, made), wait);
  return waitContainers(wait);
}

/** Where compose names a container that others wait for, what that container says itself. */
async function explainCulprit(error: unknown, wait: WaitContainersOptions): Promise<unknown> {
  return error instanceof DependencyFailure ? ((await explainFailed(wait)) ?? error) : error;
}

function isInterruption(error: unknown): boolean {
  return error instanceof HarborError && error.exit === "interrupted";
}

/** Compose was cut short by the timeout: which service it waited for, or which it had not come to. */
async function explainLate(engine: Engine, wait: WaitContainersOptions, timeoutMs: number): Promise<unknown> {
  const { project, services = [] } = wait;
  const containers = await listContainers({ engine, project, details: false });
  const made = services.filter((service) => containers.some((it) => it.service === service));
  try {
    // one try: the deadline is over
    await waitContainers({ ...wait, services: made });
  } catch (error) {
    return error;
  }
  const absent = services.filter((service) => !made.includes(service)).map((service) => `"${service}"`);
  const within = `within ${timeoutMs / 1000} s`;
  const [what, state] =
    absent.length === 0 ? ['"docker compose up"', `not done ${within}`] : [absent.join(", "), `no container was made ${within}`];
  return new HarborError(`Cannot wait any longer for ${what}: ${state}`, {
    exit: "timeout",
    hint: "An image may still have to be pulled or built; wait longer with --wait-timeout",
  });
}

async function runUp(options: StartContainersOptions, signal: AbortSignal): Promise<void> {
  const { made, session, file, envFile, projectDirectory, env, progress } = options;
  const args = [
    "up",
    "--detach",
    ...(options.build ? ["--build"] : []),
    ...(options.pull ? ["--pull", "always"] : []),
    ...(options.services ?? []),
  ];
  const stdio = progress.isQuiet ? "capture" : "progress";
  const { project } = made.plan;
  await runComposeOrThrow({ args, project, file, envFile, projectDirectory, env, compose: session.compose, signal, stdio });
}

/** What made way for another runtime. */
export interface Replaced {
  /** Services that lost a container. */
  handles: string[];
  /** Of these, those that have none left. */
  gone: string[];
  /** Whether the project has no container any more, nor is to have one: its network went with the last. */
  isLast: boolean;
}

/**
 * Makes way for services that change their runtime: a container holds the very port that the process is
 * to have, and a relay has no place in the new model.
 */
export async function removeReplaced({ made, session }: { made: MadePlan; session: EngineSession }): Promise<Replaced> {
  const { project, services, compose } = made.plan;
  const planned = new Set(Object.keys(compose.services as object));
  const runtimes = new Map(services.map((service) => [service.handle, service.runtime]));
  const engine = await session.connect();
  const containers = await listContainers({ engine, project, details: false });
  const replaced = containers.filter((it) => {
    const runtime = runtimes.get(it.handle);
    return runtime !== undefined && (runtime !== it.runtime || !planned.has(it.service));
  });
  const isLast = planned.size === 0 && replaced.length === containers.length;
  if (replaced.length > 0 || isLast) await removeContainers({ engine, project, containers: replaced, networks: isLast, volumes: isLast });
  const handles = [...new Set(replaced.map((it) => it.handle))];
  const remaining = new Set(containers.filter((it) => !replaced.includes(it)).map((it) => it.handle));
  return { handles, gone: handles.filter((handle) => !remaining.has(handle)), isLast };
}

export interface RemoveStartedOptions {
  session: EngineSession;
  made: MadePlan;
  record: StackRecord | undefined;
  since: Date;
}

/** Containers made after `since` that belong to no service which was up before. */
export async function removeStarted({ session, made, record, since }: RemoveStartedOptions): Promise<void> {
  const { project } = made.plan;
  const before = new Set(record?.services ?? []);
  const engine = await session.connect();
  const containers = await listContainers({ engine, project, details: false });
  const own = containers.filter((it) => !before.has(it.handle) && new Date(it.createdAt).getTime() >= since.getTime() - 1000);
  const isWhole = own.length === containers.length;
  await removeContainers({ engine, project, containers: own, networks: isWhole, volumes: isWhole });
}
