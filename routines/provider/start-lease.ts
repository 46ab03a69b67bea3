/**
 * `docker compose up` of a service with `provider: { type: harbor }`: the native service started, or shared where it
 * runs, waited for, and joined to the project. Given back when anything fails, as far as this call took it.
 */
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import type { Env } from "../config/read-values.ts";
import { type NativeSpec, offersPort } from "../native/resolve-contract.ts";
import { type LeaseName, readLease } from "../stack/leases.ts";
import { StatusProgress } from "../stack/progress.ts";
import { stateOf } from "../stack/read-stack.ts";
import { isOfUse, startNatives } from "../stack/start-natives.ts";
import { removeEmptyState } from "../stack/write-stack.ts";
import { SupervisorClient } from "../supervisor/connect-supervisor.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import { restartServices } from "../supervisor/restart-services.ts";
import { startFailure } from "../supervisor/start-failure.ts";
import { type Claim, claimService } from "./_claim.ts";
import { joinProject } from "./_join-project.ts";
import type { ProviderOptions } from "./call.ts";
import { progressOf, type Tell } from "./channel.ts";
import { endLease } from "./end-lease.ts";

export interface StartLeaseOptions {
  home: string;
  env: Env;
  name: LeaseName;
  options: ProviderOptions;
  signal: AbortSignal;
  tell: Tell;
}

/** Where the project's containers find it; undefined for a service without a port. */
export interface Reach {
  url: string;
  host: string;
  port: number;
}

/** Another command may be pulling gigabytes. */
const LOCK_WAIT_MS = 60 * 60_000;

/** Throws what failed, worded as `harbor up` words it, with the last lines of the log. */
export async function startLease(options: StartLeaseOptions): Promise<Reach | undefined> {
  const { name } = options;
  const startedAt = performance.now();
  const purpose = `docker compose up of project "${name.project}"`;
  const lock = { signal: options.signal, purpose, waitMs: options.options.timeoutMs ?? LOCK_WAIT_MS };
  const claim = await withLock(stateOf(options.home).lock, () => claimService(options), lock).finally(() => removeEmptyState(options.home));
  const { handle } = claim.spec;
  const isTakenDown = (): boolean => readLease(options.home, name) === undefined;
  try {
    for (const warning of claim.made.selection.warnings) options.tell("info", warning);
    await (claim.shared === undefined ? start(options, claim) : share(options, claim.shared, claim));
    if (isTakenDown()) throw takenDown(handle);
    options.tell("info", "joining it to the project");
    await joinProject({ ...options, ...claim, lease: name, networks: options.options.networks, startedAt });
    if (isTakenDown()) throw takenDown(handle);
    return reachOf(claim, name);
  } catch (error) {
    // its log stays for somebody to look at, until `docker compose down`
    const tellOf = (second: Error): void => options.tell("debug", `not put in order: ${second.message}`);
    // with its lease went the process that it waited for
    const failure = isTakenDown() && !options.signal.aborted ? takenDown(handle) : error;
    if (claim.isNew || isTakenDown()) await endLease({ ...options, action: "stop", handle }).catch(tellOf);
    throw failure;
  }
}

async function start({ home, env, options, signal, tell }: StartLeaseOptions, { spec }: Claim): Promise<void> {
  const nothing = (): void => undefined;
  await startNatives({
    specs: [spec],
    home,
    environment: env,
    timeoutMs: options.timeoutMs,
    signal,
    keep: true,
    isBystander: () => false,
    progress: progressOf(spec.handle, tell),
    onStarted: nothing,
    onRunning: nothing,
    onMadeWay: nothing,
  });
}

/** As the others have it: what has ended is started again as it was, and what starts is waited for. */
async function share(options: StartLeaseOptions, running: ServiceReport, { spec }: Claim): Promise<void> {
  const { home, env, signal, tell } = options;
  tell("info", "it runs already");
  if (isDown(running)) await restartServices({ home, env, handles: [spec.handle], signal });
  else await waitShared(options, spec);
}

async function waitShared({ home, env, options, signal, tell }: StartLeaseOptions, { handle, ready }: NativeSpec): Promise<void> {
  const timeoutMs = options.timeoutMs ?? parseDuration(ready.timeout) ?? 0;
  using timeout = new Deadline(timeoutMs);
  const statuses = new StatusProgress(progressOf(handle, tell));
  const client = new SupervisorClient({ home, env });
  for await (const line of client.events([handle], AbortSignal.any([signal, timeout.signal]))) {
    if (line.kind !== "report") continue;
    if (isOfUse(line.report)) return;
    if (isDown(line.report)) throw await startFailure(line.report, stateOf(home).directory);
    const isStarting = line.report.state === "starting";
    if (isStarting) statuses.say(handle, line.report.status);
    // the supervisor has a deadline for that, which the service itself may have put off
    if (isStarting && options.timeoutMs === undefined) timeout.pause();
    else timeout.run();
  }
  if (signal.aborted) throw new HarborError(`Cannot wait for "${handle}": interrupted`, { exit: "interrupted" });
  throw new HarborError(`Cannot wait any longer for "${handle}": not ready within ${timeoutMs / 1000} s`, {
    exit: "timeout",
    hint: `\`harbor logs ${handle}\` may say why; wait longer with the option wait_timeout`,
  });
}

/** Aborts its signal after that long without a pause. */
class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: Timer | undefined;

  constructor(ms: number) {
    this.#ms = ms;
    this.run();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From the beginning where it was paused. */
  run(): void {
    this.#timer ??= setTimeout(() => this.#controller.abort(), this.#ms);
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.pause();
  }
}

function isDown({ state, isAsleep, isGone }: ServiceReport): boolean {
  return isGone === true || ((state === "stopped" || state === "failed") && !isAsleep);
}

function takenDown(handle: string): HarborError {
  return new HarborError(`Cannot start "${handle}": it was taken down meanwhile`, { hint: "Run `docker compose up` again" });
}

function reachOf({ made, spec }: Claim, { service: host }: LeaseName): Reach | undefined {
  if (!offersPort(spec)) return undefined;
  const { handle, containerPort: port } = spec;
  const scheme = made.plan.services.find((it) => it.handle === handle)?.urls[0]?.split("://")[0] ?? "http";
  return { url: `${scheme}://${host}:${port}`, host, port };
}
