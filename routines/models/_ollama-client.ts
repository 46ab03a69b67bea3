/** A running Ollama, by its own API (its docs/api.md): what it has, what is loaded, fetching and removing. */
import { HarborError } from "../_script/error.ts";
import { askService } from "./_ask-service.ts";
import { tame } from "./_names.ts";
import type { ModelDetails } from "./_stored-model.ts";
import { Watch } from "./_watch.ts";

/** A question about what is in memory or on disk. */
const ASK_MS = 3_000;
/** A transfer of which nothing is heard for so long is given up: the registry may have to be tried again by Ollama itself. */
const STALL_MS = 120_000;

export interface OllamaModel {
  name: string;
  bytes: number;
  modifiedAt: string | undefined;
  details: ModelDetails;
}

/** One line of what a pull says; `total` and `completed` are bytes of `digest`. */
export interface PullLine {
  status: string;
  digest?: string;
  total?: number;
  completed?: number;
}

export class OllamaClient {
  readonly #url: string;

  /** Without a path, as `http://127.0.0.1:33821`. */
  constructor(url: string) {
    this.#url = url;
  }

  /** Undefined where nothing answers there, or not as Ollama does. */
  async list(): Promise<OllamaModel[] | undefined> {
    const body = await this.#ask("/api/tags");
    const models = (body as { models?: unknown } | undefined)?.models;
    return Array.isArray(models) ? models.flatMap(asModel) : undefined;
  }

  /** More than the list says of it; empty where Ollama does not tell. */
  async show(name: string): Promise<ModelDetails> {
    const body = await this.#ask("/api/show", { method: "POST", body: JSON.stringify({ model: name }) });
    const { details, model_info: info } = (body ?? {}) as { details?: unknown; model_info?: Record<string, unknown> };
    const context = Object.entries(info ?? {}).find(([key]) => key.endsWith(".context_length"))?.[1];
    return { ...asDetails(details), contextLength: typeof context === "number" ? context : undefined };
  }

  /** Throws `unknown` where it has no such model, `failed` with what it says. */
  async remove(name: string): Promise<void> {
    const response = await this.#send(
      "/api/delete",
      { method: "DELETE", body: JSON.stringify({ model: name }) },
      AbortSignal.timeout(30_000),
    );
    if (response.ok) return;
    const said = await readError(response);
    throw new HarborError(`Cannot remove model "${name}": Ollama answers ${response.status}${said === "" ? "" : `: ${said}`}`, {
      exit: response.status === 404 ? "unknown" : "failed",
    });
  }

  /** What it says while it fetches. Ends with success; throws `failed` with what it says else, `interrupted` for the signal. */
  async *pull(name: string, signal?: AbortSignal): AsyncGenerator<PullLine> {
    const watch = new Watch(STALL_MS, signal);
    let isDone = false;
    try {
      const response = await this.#send("/api/pull", { method: "POST", body: JSON.stringify({ model: name, stream: true }) }, watch.signal);
      if (!response.ok) throw refuse(name, (await readError(response)) || `it answers ${response.status}`);
      for await (const line of readLines(response)) {
        watch.touch();
        const { error, ...said } = JSON.parse(line) as PullLine & { error?: unknown };
        if (error !== undefined) throw refuse(name, String(error));
        isDone ||= said.status === "success";
        yield said;
      }
    } catch (cause) {
      throw explainBreak(name, cause, watch, signal);
    } finally {
      watch.end();
    }
    if (!isDone) throw broken(name, "it ended too early");
  }

  async #ask(path: string, init: RequestInit = {}): Promise<unknown> {
    try {
      const response = await this.#send(path, init, AbortSignal.timeout(ASK_MS));
      return response.ok ? await response.json() : undefined;
    } catch {
      return undefined;
    }
  }

  #send(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    return askService(`${this.#url}${path}`, { ...init, signal });
  }
}

function asModel(entry: unknown): OllamaModel[] {
  const { name, model, size, modified_at: modified, details } = (entry ?? {}) as Record<string, unknown>;
  const known = typeof name === "string" ? name : model;
  if (typeof known !== "string" || /\p{Cc}/u.test(known)) return [];
  const bytes = typeof size === "number" && size >= 0 ? size : 0;
  return [{ name: known, bytes, modifiedAt: typeof modified === "string" ? modified : undefined, details: asDetails(details) }];
}

function asDetails(details: unknown): ModelDetails {
  const said = (details ?? {}) as Record<string, unknown>;
  const text = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" && value !== "unknown" ? tame(value).slice(0, 60) : undefined;
  return {
    format: text(said.format),
    quantisation: text(said.quantization_level),
    architecture: text(said.family),
    parameters: text(said.parameter_size),
  };
}

async function* readLines(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
  }
  if (text.trim() !== "") yield text;
}

async function readError(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    return typeof error === "string" ? tame(error) : "";
  } catch {
    return "";
  }
}

/** What Ollama says when its registry has no such model. */
const UNKNOWN = /file does not exist|not found|no such|invalid model name/i;

function refuse(name: string, said: string): HarborError {
  const isUnknown = UNKNOWN.test(said);
  return new HarborError(`Cannot fetch model "${name}": Ollama says: ${tame(said)}`, {
    exit: isUnknown ? "unknown" : "failed",
    hint: isUnknown ? "https://ollama.com/search lists what there is" : "Call again: it goes on from what was received",
  });
}

function broken(name: string, why: string, cause?: unknown): HarborError {
  return new HarborError(`Cannot fetch model "${name}": the connection to Ollama broke off: ${why}`, {
    cause,
    hint: "Call again: it goes on from what was received. `harbor logs ollama` shows more",
  });
}

function explainBreak(name: string, cause: unknown, watch: Watch, signal: AbortSignal | undefined): unknown {
  if (cause instanceof HarborError) return cause;
  if (signal?.aborted) {
    return new HarborError(`Cannot fetch model "${name}": interrupted`, {
      exit: "interrupted",
      cause,
      hint: "Call again: it goes on from what was received",
    });
  }
  return broken(name, watch.isStalled ? `nothing came for ${watch.ms / 1000} s` : (cause as Error).message, cause);
}
