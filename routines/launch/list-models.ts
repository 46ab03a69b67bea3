/** Which models a backend serves, by its own list: GET /v1/models, which all of them have. */
import { HarborError } from "../_script/error.ts";

export interface Model {
  id: string;
  /** In tokens, as it is served; undefined where the server does not say. */
  contextLength: number | undefined;
}

export interface ListModelsOptions {
  handle: string;
  /** Without a path. */
  url: string;
  /** Empty where it asks for none. */
  key: string;
}

const TIMEOUT_MS = 15_000;

/** In its order. Throws `failed` where it does not answer, refuses, or answers something else. */
export async function listModels({ handle, url, key }: ListModelsOptions): Promise<Model[]> {
  const action = `Cannot ask "${handle}" for its models`;
  const response = await ask(`${url}/v1/models`, key).catch((cause: unknown) => {
    throw new HarborError(`${action}: ${url} does not answer (${(cause as Error).message})`, {
      cause,
      hint: `See what it says: harbor logs ${handle}`,
    });
  });
  if (response.status === 401 || response.status === 403) throw refused(action, handle, key);
  if (!response.ok) throw new HarborError(`${action}: it answers ${response.status}`, { hint: `See what it says: harbor logs ${handle}` });
  const body = (await response.json().catch(() => undefined)) as { data?: unknown } | undefined;
  if (!Array.isArray(body?.data)) throw new HarborError(`${action}: what it answers is no list of models`);
  return body.data.flatMap(readModel);
}

function ask(url: string, key: string): Promise<Response> {
  const headers = key === "" ? {} : { authorization: `Bearer ${key}` };
  return fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
}

function refused(action: string, handle: string, key: string): HarborError {
  const why = key === "" ? "it asks for a key, and its folder names none" : "it does not take the key that is configured for it";
  return new HarborError(`${action}: ${why}`, {
    hint: `\`api_key\` in the x-harbor block of services/${handle} says which key it is; harbor config ls --all shows them`,
  });
}

/** vLLM says `max_model_len`, llama.cpp `meta.n_ctx`; the others say nothing. */
function readModel(item: unknown): Model[] {
  const { id, max_model_len: length, meta } = (item ?? {}) as { id?: unknown; max_model_len?: unknown; meta?: { n_ctx?: unknown } };
  if (typeof id !== "string" || id === "") return [];
  const found = [length, meta?.n_ctx].find((it): it is number => typeof it === "number" && it > 0);
  return [{ id, contextLength: found }];
}
