/** What the routines that speak to the engine share: which engine, and what becomes of its errors. */
import { HarborError } from "../_script/error.ts";
import { explainQuestionError } from "./_reach-engine.ts";
import { connectEngine, type Engine } from "./connect-engine.ts";

/** Either an engine connected to before, or where to find one. */
export interface UseEngineOptions {
  engine?: Engine | undefined;
  env?: Record<string, string | undefined>;
  /** `$HARBOR_HOME`. */
  home?: string;
  signal?: AbortSignal | undefined;
}

export const projectArg = {
  project: { type: "string", description: "The compose project", valueHint: "NAME", default: "harbor" },
} as const;

/** Runs `work` with an engine; what goes wrong between us and the engine becomes a HarborError. */
export async function useEngine<T>(options: UseEngineOptions, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = options.engine ?? (await connect(options));
  try {
    return await work(engine);
  } catch (error) {
    if (options.signal?.aborted)
      throw new HarborError("Cannot ask the container engine: interrupted", { exit: "interrupted", cause: error });
    throw explainQuestionError(engine.endpoint, error);
  }
}

async function connect({ env, home, signal }: UseEngineOptions): Promise<Engine> {
  if (env === undefined || home === undefined) throw new TypeError("useEngine needs an engine, or env and home");
  return connectEngine({ env, home, signal });
}
