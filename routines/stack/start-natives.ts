/**
 * Starts the native services of a plan, all at once, and waits until each answers. When one fails, the
 * others it was about to start are not waited for; who called it stops what `onStarted` named.
 */
import { HarborError } from "../_script/error.ts";
import { type NativeSpec, type StartedProcess, startProcess } from "../native/start-process.ts";
import { stopProcess } from "../native/stop-process.ts";
import { pointsToLog, WROTE_NOTHING, waitReady } from "../native/wait-ready.ts";
import type { Progress } from "./progress.ts";

export interface StartNativesOptions {
  specs: readonly NativeSpec[];
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  /** Where the host's part of a process's environment comes from. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Instead of each contract's own `ready.timeout`. */
  timeoutMs?: number | undefined;
  signal: AbortSignal;
  /** Whether the log of one that fails stays where its error says. */
  keepsLogs: boolean;
  /** Whether it ran before and is only mended, not waited for. */
  isBystander: (handle: string) => boolean;
  progress: Progress;
  /** Named as soon as its process exists, so that a failure can stop it again. */
  onStarted: (handle: string) => void;
  /** Named before its process is stopped to be started anew. */
  onMadeWay: (handle: string) => void;
}

/** Throws what the first failing service throws, after the others have settled. */
export async function startNatives(options: StartNativesOptions): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const results = await Promise.allSettled(
    options.specs.map(async (spec) => {
      try {
        await startOne(spec, { ...options, signal });
      } catch (error) {
        failed.abort(); // what waits beside it need not wait any longer
        throw error;
      }
    }),
  );
  const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as { exit?: string }] : []));
  // those interrupted by the first failure only say that they were
  const [first] = options.signal.aborted ? errors : [...errors.filter((error) => error.exit !== "interrupted"), ...errors];
  if (first !== undefined) throw first;
}

async function startOne(spec: NativeSpec, options: StartNativesOptions): Promise<void> {
  const { timeoutMs, signal, progress } = options;
  const started = await startOrRestart(spec, options);
  if (started.isNew) {
    options.onStarted(spec.handle);
    progress.say(spec.handle, `starting as process ${started.record.pid}`);
  }
  if (!started.isNew && options.isBystander(spec.handle)) return waitBriefly(started, spec, options);
  try {
    const { afterMs } = await waitReady({ started, ready: spec.ready, signal, timeoutMs });
    if (started.isNew) progress.say(spec.handle, `ready after ${(afterMs / 1000).toFixed(1)} s`);
  } catch (error) {
    throw options.keepsLogs || !started.isNew ? error : withoutLog(error);
  }
}

/** As compose makes a container anew whose definition has changed: what stands in the plan is what runs. */
async function startOrRestart(spec: NativeSpec, options: StartNativesOptions): Promise<StartedProcess> {
  const { stateDirectory, environment, signal, progress } = options;
  const start = (): Promise<StartedProcess> => startProcess({ spec, stateDirectory, environment, signal });
  const started = await start();
  if (!started.hasChanged) return started;
  progress.say(spec.handle, "its configuration has changed: starting it anew");
  options.onMadeWay(spec.handle);
  await stopProcess({ handle: spec.handle, stateDirectory, signal });
  if (signal.aborted) throw new HarborError(`Cannot start "${spec.handle}": interrupted`, { exit: "interrupted" });
  return start();
}

const BYSTANDER_MS = 1_000;

/** What another call started goes on as it is: that it does not answer is worth a word, not a failure. */
async function waitBriefly(started: StartedProcess, spec: NativeSpec, { signal, progress }: StartNativesOptions): Promise<void> {
  try {
    await waitReady({ started, ready: spec.ready, signal, timeoutMs: BYSTANDER_MS });
  } catch (error) {
    if (!(error instanceof HarborError) || error.exit === "interrupted") throw error;
    progress.warn(`${spec.handle} runs, but does not answer; \`harbor logs ${spec.handle}\` may say why`);
  }
}

/** The log is removed with all that the failed start left: its last lines are in the error, a hint at the whole of it leads nowhere. */
function withoutLog(error: unknown): unknown {
  if (!(error instanceof HarborError) || !pointsToLog(error)) return error;
  const { message, exit, details } = error;
  const hint = `${details.length === 0 ? `${WROTE_NOTHING}; with` : "With"} --keep it stays for you to look at, log and all`;
  return new HarborError(message, { exit, details, hint, cause: error });
}
