/** A server that works, watched until it is told to stop or can go on no longer; what is missing is tried again from time to time. */
import { describe, fallBack, nameOf } from "./accelerate.ts";
import { checkHalf } from "./check-speech.ts";
import { ManagerError } from "./failures.ts";
import { prepareModel } from "./prepare-models.ts";
import type { RunContext } from "./prepare-service.ts";
import type { Server } from "./server.ts";
import type { Settings } from "./settings.ts";
import { type Attempts, isDegraded, refuseTakenPort, requestOf, startWorking, type Working } from "./start-working.ts";

/** Between two looks at the server; more often where it may be silent for a short time only. */
const LOOK_MS = 10_000;

const LOOKS = 6;

export interface Running extends Working {
  attempts: Attempts;
}

/** Ends by the signal alone; else it throws. */
export async function watch(context: RunContext, running: Running): Promise<never> {
  const { teller, signal, settings } = context;
  const lookMs = Math.min(LOOK_MS, settings.answer_timeout / LOOKS);
  let answeredAt = performance.now();
  let retryAt = performance.now() + settings.retry;
  await announce(context, running);
  while (true) {
    const { server } = running;
    await server.waitForEnd(isDegraded(running.check) ? Math.min(lookMs, settings.retry) : lookMs, signal);
    if (server.end !== undefined) throw ended(server, settings);
    const problem = await server.askHealth(signal, settings.answer_timeout);
    if (problem !== undefined) {
      if (performance.now() - answeredAt >= settings.answer_timeout) throw stuck(problem);
      continue;
    }
    answeredAt = performance.now();
    await teller.notify({ isAlive: true });
    if (!isDegraded(running.check) || performance.now() < retryAt) continue;
    await retry(context, running);
    // it may have had its hands full with that
    answeredAt = performance.now();
    retryAt = answeredAt + settings.retry;
  }
}

/** Of two that were started at once, the one that the other has shut out. */
function ended(server: Server, settings: Settings): ManagerError {
  refuseTakenPort(settings);
  return new ManagerError("server", `Cannot go on: the server ended: ${server.end}`, { hint: "Its own words are in the log above" });
}

function stuck(problem: string): ManagerError {
  return new ManagerError("server", `Cannot go on: the server stopped answering: ${problem}`, {
    hint: "Its own words are in the log above; where it is only slow, `--answer-timeout` gives it longer",
  });
}

/**
 * What is missing, once more: its model fetched, its half tried, on the next accelerator where it fails on this one. That may
 * take long, and is over when the server ends.
 */
async function retry(context: RunContext, running: Running): Promise<void> {
  const { settings, teller } = context;
  const { server, check, attempts, acceleration } = running;
  using _ = teller.beat(context.signal);
  const half = check.stt === undefined ? "tts" : "stt";
  const signal = AbortSignal.any([context.signal, server.ended]);
  try {
    const missing = await prepareModel(half, settings, teller, signal);
    const failed = missing === undefined && settings.check ? await checkHalf(half, requestOf(server, { ...context, signal })) : undefined;
    const fallback = failed === undefined ? undefined : fallBack(acceleration, { [half]: failed }, attempts.canUseCuda);
    if (fallback === undefined) {
      const problem = missing?.message ?? failed;
      running.check = problem === undefined ? {} : { [half]: problem };
    } else {
      teller.warn(fallback.why);
      await server.stop();
      Object.assign(
        running,
        await startWorking(context, { ...attempts, first: fallback.next, missing: {}, warnings: [...running.warnings, fallback.why] }),
      );
    }
  } catch (error) {
    // that of the server which was tried: whoever watches it tells
    if (context.signal.aborted || running.server !== server || server.end === undefined || !signal.aborted) throw error;
    return;
  }
  await announce(context, running, !Bun.deepEquals(running.check, check));
}

/** What is no news is not for the log; the supervisor has heard of the retry meanwhile. */
async function announce({ settings, teller }: RunContext, { acceleration, check, warnings }: Working, isNews = true): Promise<void> {
  const { stt, tts } = check;
  const on = describe(acceleration);
  const stated = [
    `speech to text: ${stt === undefined ? `${settings.stt_model}${on.stt}` : `none, ${stt}`}`,
    `text to speech: ${tts === undefined ? `${settings.tts_model}${on.tts}` : `none, ${tts}`}`,
    // a supervisor shows one line, and why something is missing is more
    ...(isDegraded(check) ? [] : warnings.map((it) => `warning: ${shorten(it)}`)),
  ];
  const status = stated.join("; ");
  if (isNews) teller.say(status);
  // in one message: whoever waits for it to be ready is told how ready
  await teller.notify({ health: isDegraded(check) ? "degraded" : "healthy", status, isReady: true, isAlive: true });
}

/** What stands behind the warning is the name of what is used instead, which the status says by itself. */
function shorten(warning: string): string {
  return nameOf(warning).replace(/\. Instead: .*$/, "");
}
