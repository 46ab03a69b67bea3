/** What a start needs, and no server yet: the program and the models, made ready. */
import type { SpeechCheck } from "./check-speech.ts";
import { asFailure, type MissingModels, prepareModels } from "./prepare-models.ts";
import { type Program, prepareProgram } from "./prepare-program.ts";
import type { Settings } from "./settings.ts";
import type { Teller } from "./teller.ts";

export interface RunContext {
  settings: Settings;
  env: Record<string, string>;
  teller: Teller;
  /** Aborted when it is told to stop. */
  signal: AbortSignal;
}

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
export async function prepareStart({ settings, env, teller, signal }: RunContext): Promise<{ program: Program; missing: SpeechCheck }> {
  const program = await prepareProgram(settings, env, teller, signal);
  const missing: MissingModels = await prepareModels(settings, teller, signal);
  const failure = asFailure(missing, settings);
  if (failure === undefined) return { program, missing: {} };
  if (missing.stt !== undefined && missing.tts !== undefined) throw failure;
  teller.warn([failure.message, ...failure.details, failure.hint ?? ""].filter((it) => it !== "").join("\n  "));
  return { program, missing: { stt: missing.stt?.message, tts: missing.tts?.message } };
}
