/** A server on the best accelerator on which speech works: started, tried, started again on the next one where it does not. */
import { checkPorts } from "harbor/host/check-ports";
import { formatPortOwner } from "harbor/host/find-port-owner";
import { type Acceleration, describe, fallBack } from "./accelerate.ts";
import { type CheckRequest, checkHalf, checkSpeech, type SpeechCheck } from "./check-speech.ts";
import { ManagerError } from "./failures.ts";
import type { RunContext } from "./prepare-service.ts";
import type { Server } from "./server.ts";
import type { Settings } from "./settings.ts";

/** How long a crash may take: the system may write all of its memory to a file. */
const CRASH_MS = 10_000;

export interface Working {
  server: Server;
  acceleration: Acceleration;
  /** What does not work. */
  check: SpeechCheck;
  /** Why it is not on what was asked for, or was tried. */
  warnings: readonly string[];
}

export interface Attempts {
  start: (acceleration: Acceleration) => Server;
  first: Acceleration;
  /** Models that are not there. */
  missing: SpeechCheck;
  canUseCuda: boolean;
  /** Of the host and of what was asked for. */
  warnings: readonly string[];
}

/** The first server on which all works, or else the last, where something does. Throws where nothing does. */
export async function startWorking(context: RunContext, attempts: Attempts): Promise<Working> {
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

export function requestOf(server: Server, { settings, env, signal }: RunContext): CheckRequest {
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

export function refuseTakenPort({ port }: Settings): void {
  const [owner] = checkPorts({ ports: [port] });
  if (owner === undefined) return;
  throw new ManagerError("port", `Cannot listen on port ${port}: it is taken by ${formatPortOwner(owner)}`, {
    hint: "Stop that, or choose another: `harbor config set speaches.host_port <port>`",
  });
}

export function isDegraded({ stt, tts }: SpeechCheck): boolean {
  return stt !== undefined || tts !== undefined;
}

/** Those that are set. */
function present(check: SpeechCheck): SpeechCheck {
  return Object.fromEntries(Object.entries(check).filter(([, problem]) => problem !== undefined));
}
