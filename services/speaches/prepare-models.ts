/** The two default models into the cache that the server reads, where they are not there yet. One of them is enough to go on with. */
import { formatSize } from "harbor/_script/size";
import { fetchModel, ModelError } from "harbor/models/fetch-model";
import { type ShownProgress, showProgress } from "harbor/models/show-progress";
import { type FailureClass, ManagerError } from "./failures.ts";
import type { Settings } from "./settings.ts";
import type { Teller } from "./teller.ts";

/** Why a model is not there, in words; undefined where it is. */
export interface MissingModels {
  stt?: ModelError;
  tts?: ModelError;
}

/** What speaches reads of a model, and nothing else, by the kinds of model that it knows: Whisper and Parakeet, Kokoro and Piper. */
const FILES = {
  stt: ["README.md", "config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*", "*.onnx", "vocab.txt"],
  tts: ["README.md", "*.onnx", "voices.bin", "*.onnx.json", "config.json"],
};

/** The variable of that name is the server's, and not looked at. */
const TOKEN_NAME = "hf.token (`harbor config set hf.token hf_…`)";

/** Between two words to the supervisor. */
const STATUS_MS = 500;

const CLASSES: Partial<Record<ModelError["kind"], FailureClass>> = { network: "network", checksum: "network", disk: "disk" };

export async function prepareModels(settings: Settings, teller: Teller, signal: AbortSignal): Promise<MissingModels> {
  const missing: MissingModels = {};
  for (const half of ["stt", "tts"] as const) {
    const problem = await prepareModel(half, settings, teller, signal);
    if (problem !== undefined) missing[half] = problem;
  }
  return missing;
}

/** Why the models that are missing are, each with where it belongs; undefined where none is. */
export function asFailure({ stt, tts }: MissingModels, { offline: isOffline }: Settings): ManagerError | undefined {
  const [first, second] = [stt, tts].filter((it) => it !== undefined);
  if (first === undefined) return undefined;
  // not to have been asked for is another matter than not to have been reached
  const failure = first.kind === "offline" && !isOffline ? "network" : (CLASSES[first.kind] ?? "models");
  if (second === undefined) return ManagerError.of(failure, first);
  return new ManagerError(failure, "Cannot go on: neither of the models is there", {
    details: [first, second].flatMap(({ message, details, hint }) => [
      message,
      ...indent([...details, ...(hint === undefined ? [] : [hint])]),
    ]),
    hint: "One of the two is enough to start with",
    cause: first,
  });
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Undefined where it is there, or could be fetched. */
export async function prepareModel(
  half: keyof MissingModels,
  settings: Settings,
  teller: Teller,
  signal: AbortSignal,
): Promise<ModelError | undefined> {
  const repo = half === "stt" ? settings.stt_model : settings.tts_model;
  const { data, hf_endpoint: endpoint, hf_token: token, offline: isOffline } = settings;
  const { show, end } = progressOf(repo, teller);
  try {
    const fetched = await fetchModel({
      repo,
      cache: data,
      include: FILES[half],
      endpoint,
      tokenName: TOKEN_NAME,
      isOffline,
      signal,
      onProgress: show,
      onWait: (lock) => teller.say(`waiting for another process that fetches ${repo} (${lock})`),
      ...(token === "" ? {} : { token }),
    });
    if (!fetched.wasPresent) teller.say(`fetched ${repo}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof ModelError) || error.kind === "interrupted") throw error;
    return error;
  } finally {
    end();
  }
}

/** In the log now and then, to the supervisor twice a second. */
function progressOf(repo: string, teller: Teller): ShownProgress {
  const lines = showProgress({ repo, write: (text) => teller.say(text.trimEnd()), isTerminal: false });
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    show(progress) {
      lines.show(progress);
      if (performance.now() - toldAt < STATUS_MS) return;
      toldAt = performance.now();
      const { received, total } = progress;
      void teller.progress(`fetching ${repo}: ${formatSize(received)} of ${formatSize(total)}`);
    },
    end: () => lines.end(),
  };
}
