/** The two default models into the cache that the server reads, where they are not there yet. One of them is enough to go on with. */
import { fetchModel, ModelError } from "../../routines/models/fetch-model.ts";
import { type FailureClass, ManagerError } from "./failures.ts";
import type { Settings } from "./settings.ts";
import type { Teller } from "./teller.ts";

/** Why a model is not there, in words; undefined where it is. */
export interface MissingModels {
  stt?: ModelError;
  tts?: ModelError;
}

/** What speaches reads of a model, and nothing else: many hold the same weights in other formats. */
const FILES = ["README.md", "*.json", "*.txt", "*.bin", "*.onnx"];

const CLASSES: Partial<Record<ModelError["kind"], FailureClass>> = { network: "network", checksum: "network", disk: "disk" };

/** Throws a ManagerError where neither can be had. */
export async function prepareModels(settings: Settings, teller: Teller, signal: AbortSignal): Promise<MissingModels> {
  const missing: MissingModels = {};
  for (const half of ["stt", "tts"] as const) {
    const problem = await prepareModel(half, settings, teller, signal);
    if (problem !== undefined) missing[half] = problem;
  }
  const { stt, tts } = missing;
  if (stt === undefined || tts === undefined) return missing;
  const details = [...stt.details, tts.message, ...tts.details];
  const hint = stt.hint ?? tts.hint;
  throw new ManagerError(CLASSES[stt.kind] ?? "models", stt.message, { details, cause: stt, ...(hint === undefined ? {} : { hint }) });
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
  const progress = new Progress(repo, teller);
  try {
    const fetched = await teller.during(() =>
      fetchModel({
        repo,
        cache: data,
        include: FILES,
        endpoint,
        isOffline,
        signal,
        onProgress: (it) => progress.tell(it),
        ...(token === "" ? {} : { token }),
      }),
    );
    if (!fetched.wasPresent) teller.say(`fetched ${repo}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof ModelError) || error.kind === "interrupted") throw error;
    return error;
  }
}

/** In the log once for each tenth, to the supervisor twice a second. */
class Progress {
  readonly #repo: string;
  readonly #teller: Teller;
  #tenth = -1;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(repo: string, teller: Teller) {
    this.#repo = repo;
    this.#teller = teller;
  }

  tell({ received, total }: { received: number; total: number }): void {
    const percent = total === 0 ? 100 : Math.floor((100 * received) / total);
    const text = `fetching ${this.#repo} ${percent} % of ${megabytes(total)}`;
    const tenth = Math.floor(percent / 10);
    if (tenth !== this.#tenth) {
      this.#tenth = tenth;
      void this.#teller.status(text);
    } else if (performance.now() - this.#toldAt > 500) {
      this.#toldAt = performance.now();
      void this.#teller.progress(text);
    }
  }
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
}
