/** Which model a tool is to use: the one named, else the configured one, else the only one that talks, else one that is chosen. */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import type { Choose } from "./ask-choice.ts";
import type { Model } from "./list-models.ts";

export interface ChooseModelOptions {
  handle: string;
  models: readonly Model[];
  /** `--model`. */
  named: string | undefined;
  /** HARBOR_LAUNCH_MODEL: counts where the backend has it. */
  configured: string | undefined;
  choose: Choose | undefined;
}

export interface ChosenModel {
  model: Model;
  /** The others there are, where nobody chose. */
  others: readonly string[];
}

/** Throws `unknown`, with the nearest, for a name that the backend does not list; `failed` where it lists none. */
export async function chooseModel({ handle, models, named, configured, choose }: ChooseModelOptions): Promise<ChosenModel> {
  if (named !== undefined) return { model: find(named, models) ?? throwUnknownModel(named, handle, models), others: [] };
  const wanted = configured === undefined ? undefined : find(configured, models);
  if (wanted !== undefined) return { model: wanted, others: [] };
  const talking = models.filter(({ id }) => !talksNot(id));
  const [first, ...rest] = talking;
  if (first === undefined) throw noModel(handle, models);
  if (rest.length === 0) return { model: first, others: [] };
  const ids = talking.map(({ id }) => id);
  if (choose === undefined) return { model: first, others: ids.slice(1) };
  return { model: talking[await choose(`Which model of ${handle}?`, ids, 0)] ?? first, others: [] };
}

/** Ollama's `:latest` need not be typed; a gateway's `ollama/*` stands for whatever there is behind it. */
function find(name: string, models: readonly Model[]): Model | undefined {
  const exact = models.find(({ id }) => id === name || id === `${name}:latest`);
  if (exact !== undefined) return exact;
  const isBehind = ({ id }: Model): boolean => id.endsWith("*") && name.startsWith(id.slice(0, -1));
  return models.some(isBehind) ? { id: name, contextLength: undefined } : undefined;
}

/** By its name: it gives vectors, ranks, hears or speaks, or it is a pattern. */
function talksNot(id: string): boolean {
  return /embed|rerank|(?:^|[-/:_.])(?:bge|gte|e5|minilm|whisper|kokoro|tts|piper)(?:[-:_.]|$)|\*$/i.test(id);
}

function throwUnknownModel(name: string, handle: string, models: readonly Model[]): never {
  const guess = nearest(
    name,
    models.map(({ id }) => id),
  );
  throw new HarborError(
    `Cannot find model "${name}": "${handle}" does not have it${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
    {
      exit: "unknown",
      hint: models.length === 0 ? "It lists no model at all" : `It has: ${models.map(({ id }) => id).join(", ")}`,
    },
  );
}

function noModel(handle: string, models: readonly Model[]): HarborError {
  const some =
    models.length === 0 ? "it lists none" : `none of those that it lists talks by its name (${models.map(({ id }) => id).join(", ")})`;
  return new HarborError(`Cannot choose a model of "${handle}": ${some}`, {
    hint: models.length === 0 ? `Give it one first: harbor models pull <name>` : "Name one: --model <name>",
  });
}
