/**
 * The service from its start to its end: the program and the models made ready, the server started on the best
 * accelerator that works, watched until it is told to stop or can go on no longer.
 */

import { checkPorts } from "harbor/host/check-ports";
import { formatPortOwner } from "harbor/host/find-port-owner";
import { type Acceleration, accelerationVariables, canUseCuda, chooseAcceleration, fallBack, nameOf } from "./accelerate.ts";
import { type CheckRequest, checkHalf, checkSpeech, type SpeechCheck } from "./check-speech.ts";
import { ManagerError } from "./failures.ts";
import { asFailure, type MissingModels, prepareModel, prepareModels } from "./prepare-models.ts";
import { type Program, prepareProgram } from "./prepare-program.ts";
import { Server } from "./server.ts";
import { inheritedVariables, serverVariables } from "./server-variables.ts";
import type { Settings } from "./settings.ts";
import type { Teller } from "./teller.ts";

export interface RunContext {
  settings: Settings;
  env: Record<string, string>;
  teller: Teller;
  /** Aborted when it is told to stop. */
  signal: AbortSignal;
}

/** Between two looks at the server; more often where it may be silent for a short time only. */
const LOOK_MS = 10_000;
const LOOKS = 6;
/** How long a crash may take: the system may write all of its memory to a file. */
const CRASH_MS = 5_000;

/** Where what was made ready is. */
export interface Prepared {
  /** The interpreter of its environment. */
  python: string;
  environment: string;
  /** The models' folder. */
  data: string;
}

/** Everything that a start needs, and no server: so that the next one needs no network. Throws a ManagerError, also where one of the models is missing. */
export async function prepareService({ settings, env, teller, signal }: RunContext): Promise<Prepared> {
  const { python } = await prepareProgram(settings, env, teller, signal);
  const failure = asFailure(await prepareModels(settings, teller, signal), settings);
  if (failure !== undefined) throw failure;
  return { python, environment: settings.environment, data: settings.data };
}

/** What it can start with: one of the models is enough. Throws a ManagerError. */
async function prepareStart({ settings, env, teller, signal }: RunContext): Promise<{ program: Program; missing: SpeechCheck }> {
  const program = await prepareProgram(settings, env, teller, signal);
  const missing: MissingModels = await prepareModels(settings, teller, signal);
  const failure = asFailure(missing, settings);
  if (failure === undefined) return { program, missing: {} };
  if (missing.stt !== undefined && missing.tts !== undefined) throw failure;
  teller.warn([failure.message, ...failure.details, failure.hint ?? ""].filter((it) => it !== "").join("\n  "));
  return { program, missing: { stt: missing.stt?.message, tts: missing.tts?.message } };
}

/** Ends by the signal; throws a ManagerError where it can go on no longer. */
export async function runService(context: RunContext): Promise<void> {
  const { settings, teller } = context;
  refuseTakenPort(settings);
  const running = await startService(context);
  try {
    await watch(context, running);
  } finally {
    await teller.notify({ isStopping: true, status: "stopping" });
    await running.server.stop();
  }
}

async function startService(context: RunContext): Promise<Running> {
  const { settings, teller, signal } = context;
  using _ = teller.beat(signal);
  const { program, missing } = await prepareStart(context);
  const { first, detection } = await chooseAcceleration(settings, program.python, program.env, signal);
  for (const warning of detection.warnings) teller.warn(warning);
  const start = (acceleration: Acceleration): Server =>
    Server.start({
      ...program,
      host: settings.host,
      port: settings.port,
      env: {
        ...inheritedVariables(program.env),
        ...serverVariables(settings),
        ...accelerationVariables(acceleration, detection.providers),
      },
    });
  const attempts: Attempts = { start, first, missing, canUseCuda: canUseCuda(detection), warnings: detection.warnings };
  return { ...(await startWorking(context, attempts)), attempts };
}

function refuseTakenPort({ port }: Settings): void {
  const [owner] = checkPorts({ ports: [port] });
  if (owner === undefined) return;
  throw new ManagerError("port", `Cannot listen on port ${port}: it is taken by ${formatPortOwner(owner)}`, {
    hint: "Stop that, or choose another: `harbor config set speaches.host_port <port>`",
  });
}

interface Working {
  server: Server;
  acceleration: Acceleration;
  /** What does not work. */
  check: SpeechCheck;
  /** Why it is not on what was asked for, or was tried. */
  warnings: readonly string[];
}

interface Running extends Working {
  attempts: Attempts;
}

interface Attempts {
  start: (acceleration: Acceleration) => Server;
  first: Acceleration;
  /** Models that are not there. */
  missing: SpeechCheck;
  canUseCuda: boolean;
  /** Of the host and of what was asked for. */
  warnings: readonly string[];
}

/** The first server on which all works, or else the last, where something does. Throws where nothing does. */
async function startWorking(context: RunContext, attempts: Attempts): Promise<Working> {
  let acceleration = attempts.first;
  const warnings = [...attempts.warnings];
  while (true) {
    // preparing may have taken an hour: whoever has it by now would answer for ours
    refuseTakenPort(context.settings);
    await context.teller.status(
      `starting the server (text to speech${describe(acceleration).tts}; speech to text on ${acceleration.device})`,
    );
    const server = attempts.start(acceleration);
    try {
      const failed = await tryServer(server, context, attempts.missing);
      const fallback = fallBack(acceleration, failed, attempts.canUseCuda);
      if (fallback === undefined) {
        refuseUseless(server, { ...failed, ...present(attempts.missing) }, context.settings);
        return { server, acceleration, warnings, check: { ...failed, ...present(attempts.missing) } };
      }
      context.teller.warn(fallback.why);
      warnings.push(fallback.why);
      acceleration = fallback.next;
    } catch (error) {
      await server.stop();
      throw error;
    }
    await server.stop();
  }
}

/** What fails of that which is there. */
async function tryServer(server: Server, context: RunContext, missing: SpeechCheck): Promise<SpeechCheck> {
  const { settings, teller, signal } = context;
  const problem = await server.waitUntilHealthy(settings.start_timeout, signal);
  if (problem !== undefined) {
    if (server.hasCrashed) {
      const crash = `the server crashed at its start: ${server.end}`;
      return { stt: crash, tts: crash };
    }
    if (server.end !== undefined) refuseTakenPort(settings);
    throw new ManagerError("start", `Cannot start the server: ${problem}`, {
      hint: "Its own words are in the log above; `--log-level debug` says more, `--start-timeout` gives it longer",
    });
  }
  if (!settings.check) return {};
  await teller.status("trying to speak and to listen");
  const check = await checkPresent(requestOf(server, context), missing);
  // a process that crashes closes its connections first
  if (isDegraded(check) && (await server.askHealth(signal)) !== undefined) await server.waitForEnd(CRASH_MS, signal);
  if (server.end === undefined) return check;
  // what was tried last fails for it alone: nobody answers any more
  return check.tts === undefined ? { stt: server.end } : { tts: server.end };
}

async function checkPresent(request: CheckRequest, missing: SpeechCheck): Promise<SpeechCheck> {
  if (missing.tts !== undefined) return { stt: await checkHalf("stt", request) };
  if (missing.stt !== undefined) return { tts: await checkHalf("tts", request) };
  return await checkSpeech(request);
}

function requestOf(server: Server, { settings, env, signal }: RunContext): CheckRequest {
  const { stt_model: sttModel, tts_model: ttsModel, tts_voice: voice, start_timeout: timeoutMs } = settings;
  return { url: server.url, key: env.API_KEY, sttModel, ttsModel, voice, timeoutMs, signal };
}

function refuseUseless(server: Server, { stt, tts }: SpeechCheck, settings: Settings): void {
  const { stt_model, tts_model } = settings;
  const hint = "Its own words are in the log above; `--log-level debug` says more";
  if (server.end !== undefined) {
    refuseTakenPort(settings);
    if (!server.hasAnswered) throw new ManagerError("start", `Cannot start the server: ${server.end}`, { hint });
    throw new ManagerError("server", `Cannot go on: the server ended when it was tried: ${server.end}`, { hint });
  }
  if (stt === undefined || tts === undefined) return;
  const details = [`speech to text (${stt_model}): ${stt}`, `text to speech (${tts_model}): ${tts}`];
  throw new ManagerError("speech", "Cannot speak and cannot listen: the server answers, and neither works", { details, hint });
}

/** Ends by the signal alone; else it throws. */
async function watch(context: RunContext, running: Running): Promise<never> {
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

function isDegraded({ stt, tts }: SpeechCheck): boolean {
  return stt !== undefined || tts !== undefined;
}

/** Those that are set. */
function present(check: SpeechCheck): SpeechCheck {
  return Object.fromEntries(Object.entries(check).filter(([, problem]) => problem !== undefined));
}

/** What each half runs on; nothing where the server is left to find that out. */
function describe({ providers, device }: Acceleration): { stt: string; tts: string } {
  return { stt: device === "auto" ? "" : ` on ${device}`, tts: ` on ${providers.map(nameOf).join(", then ")}` };
}
