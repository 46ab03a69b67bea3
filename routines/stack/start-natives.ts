/**
 * Has the supervisor start the native services of a plan, and waits until each is what a start is for. The first that
 * fails ends the wait; who called it stops what `onStarted` named.
 */
import { HarborError } from "../_script/error.ts";
import { buildEnvironment } from "../native/environment.ts";
import type { NativeSpec } from "../native/start-process.ts";
import { SupervisorClient } from "../supervisor/connect-supervisor.ts";
import { type Accepted, type ExternalStatus, type Goal, isUsable, type ServiceReport } from "../supervisor/report.ts";
import { startFailure } from "../supervisor/start-failure.ts";
import { type Progress, StatusProgress } from "./progress.ts";
import { stateOf } from "./read-stack.ts";

export interface StartNativesOptions {
  specs: readonly NativeSpec[];
  home: string;
  /** Where the host's part of a process's environment comes from. */
  environment: Readonly<Record<string, string | undefined>>;
  /** What the containers that natives depend on are by now. */
  externals?: Readonly<Record<string, ExternalStatus>>;
  /** Whether it is waited for until it has done what it is for, and ended. */
  isCompleting?: (handle: string) => boolean;
  /** Instead of each contract's own `ready.timeout`. */
  timeoutMs?: number | undefined;
  signal: AbortSignal;
  /** Whether one that fails is left as it is, log and all. */
  keep: boolean;
  /** Whether it ran before and is only mended, not waited for. */
  isBystander: (handle: string) => boolean;
  progress: Progress;
  /** Named before it is started, so that a failure can stop it again. */
  onStarted: (handle: string) => void;
  /** Something of it runs. */
  onRunning: () => void;
  /** Named before its process is stopped to be started anew. */
  onMadeWay: (handle: string) => void;
}

/** Says whether all of them were of use before. Throws what the first failing service failed of, or `interrupted`. */
export async function startNatives(options: StartNativesOptions): Promise<boolean> {
  const { specs, home, signal, isBystander, progress } = options;
  if (specs.length === 0) return true;
  if (signal.aborted) throw interrupted();
  const environment = buildEnvironment(options.environment);
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  const services = specs.map((spec) => ({ spec, environment, isKept: options.keep, ...timeout }));
  const goalOf = (handle: string): Goal => (options.isCompleting?.(handle) ? "completed" : isBystander(handle) ? "settled" : "ready");
  const waitFor = Object.fromEntries(specs.map(({ handle }) => [handle, goalOf(handle)]));
  const client = new SupervisorClient({ home, env: options.environment });
  const watcher = new StartWatcher(options);
  for await (const line of client.start({ services, waitFor, externals: options.externals ?? {} }, signal)) {
    if (line.kind === "accepted") watcher.accept(line.services);
    else if (line.kind === "report") await watcher.see(line.report);
  }
  if (signal.aborted) throw interrupted();
  for (const report of watcher.latest.values()) {
    if (isOfUse(report)) continue;
    if (!isBystander(report.handle)) throw stoppedMeanwhile(report);
    progress.warn(wordBystander(report));
  }
  return watcher.wereOfUse;
}

function interrupted(): HarborError {
  return new HarborError("Cannot wait for native services: interrupted", { exit: "interrupted" });
}

/** All else that keeps one from being of use has been thrown by then. */
function stoppedMeanwhile({ handle, why }: ServiceReport): HarborError {
  return new HarborError(`Cannot start "${handle}": it was stopped meanwhile (${why})`, { hint: `Start it again: harbor up ${handle}` });
}

/** It answers, has done its work, or is woken by whoever connects. */
export function isOfUse({ state, isAsleep, isCompleted }: ServiceReport): boolean {
  return isUsable(state) || isAsleep || isCompleted;
}

/** Turns what the supervisor tells into what a person is told. */
class StartWatcher {
  readonly latest = new Map<string, ServiceReport>();
  /** As each was when it was asked for. */
  wereOfUse = true;
  readonly #statuses: StatusProgress;
  readonly #options: StartNativesOptions;
  readonly #accepted = new Map<string, Accepted>();
  readonly #sinceMs = performance.now();

  constructor(options: StartNativesOptions) {
    this.#options = options;
    this.#statuses = new StatusProgress(options.progress);
  }

  /** Once more where another supervisor had to be asked: the first answer counts. */
  accept(services: readonly Accepted[]): void {
    const { progress, onStarted, onMadeWay } = this.#options;
    for (const service of services) {
      const { handle, wasUp, changes, needsRestart } = service;
      if (this.#accepted.has(handle)) continue;
      this.#accepted.set(handle, service);
      if (needsRestart) onMadeWay(handle);
      if (needsRestart || !wasUp) onStarted(handle);
      if (needsRestart) progress.say(handle, `its configuration has changed (${changes.join(", ")}): starting it anew`);
      else if (changes.length > 0) progress.say(handle, `goes on with another ${changes.join(", ")}`);
    }
  }

  async see(report: ServiceReport): Promise<void> {
    const before = this.latest.get(report.handle);
    this.latest.set(report.handle, report);
    if (before === undefined) this.wereOfUse &&= isOfUse(report);
    const { isBystander } = this.#options;
    const accepted = this.#accepted.get(report.handle);
    const isStarting = accepted !== undefined && (accepted.needsRestart || !accepted.wasUp);
    if (isStarting) this.#tell(report, before);
    if (report.state === "starting") this.#statuses.say(report.handle, report.status);
    const isFailed = report.state === "failed" || (report.isLate && report.state === "unhealthy");
    if (isFailed && (isStarting || !isBystander(report.handle))) throw await this.#failure(report, isStarting);
  }

  #tell(report: ServiceReport, before: ServiceReport | undefined): void {
    const { progress, onRunning } = this.#options;
    const { handle, state, why, pid } = report;
    if (pid !== null) onRunning();
    if (state === "pending" && why !== before?.why && why.startsWith("waits")) progress.say(handle, why);
    if (state === "starting" && pid !== null && before?.pid !== pid) progress.say(handle, `starting as process ${pid}`);
    if (isUsable(state) && !(before !== undefined && isUsable(before.state))) {
      const elapsed = `${state} after ${((performance.now() - this.#sinceMs) / 1000).toFixed(1)} s`;
      progress.say(handle, state === "degraded" ? `${elapsed}: ${why}` : elapsed);
    }
    if (report.isCompleted && !before?.isCompleted) progress.say(handle, "completed");
  }

  async #failure(report: ServiceReport, isStarting: boolean): Promise<HarborError> {
    const error = await startFailure(report, stateOf(this.#options.home).directory);
    return this.#options.keep || !isStarting ? error : withoutLog(error);
  }
}

/** What another call started goes on as it is: that it does not answer is worth a word, not a failure. */
function wordBystander({ handle, state, why }: ServiceReport): string {
  const what = state === "starting" || state === "unhealthy" ? "runs, but does not answer" : `is ${state} (${why})`;
  return `${handle} ${what}; \`harbor logs ${handle}\` may say why`;
}

/** The log is removed with all that the failed start left: its last lines are in the error, and nowhere else. */
function withoutLog(error: HarborError): HarborError {
  if (!error.hint?.includes("log")) return error;
  const { message, exit, details } = error;
  const hint = `${details.length === 0 ? "It wrote nothing to its log; with" : "With"} --keep it stays for you to look at, log and all`;
  return new HarborError(message, { exit, details, hint, cause: error });
}
