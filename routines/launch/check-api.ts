/** Whether a backend, as it runs, has the interface that its definition says: an older version may not. */
import { HarborError } from "../_script/error.ts";
import { API_NAMES, type Api } from "./tool.ts";

export interface CheckApiOptions {
  handle: string;
  api: Api;
  /** Without a path. */
  url: string;
  /** Empty where it asks for none. */
  key: string;
}

/** The younger interfaces. Chat Completions is what `/v1/models` comes with; the Gemini API has a model in its path. */
const PATHS: Partial<Record<Api, string>> = { "openai-responses": "/v1/responses", "anthropic-api": "/v1/messages" };
const TIMEOUT_MS = 5_000;

/** Asks for nothing: what is there complains about that. Throws `failed` where nothing is; what cannot be asked is the tool's to find out. */
export async function checkApi({ handle, api, url, key }: CheckApiOptions): Promise<void> {
  const path = PATHS[api];
  if (path === undefined) return;
  const headers = { "content-type": "application/json", ...(key === "" ? {} : { authorization: `Bearer ${key}` }) };
  const response = await fetch(`${url}${path}`, { method: "POST", body: "{}", headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    () => undefined,
  );
  if (response === undefined || (response.status !== 404 && response.status !== 405)) return;
  // "no such model" is a 404 as well
  if (/model/i.test(await response.text().catch(() => "model"))) return;
  throw new HarborError(`Cannot use "${handle}": this version of it does not speak ${API_NAMES[api]} (${response.status} at ${path})`, {
    hint: "Update it; docs/launch.md says which versions do",
  });
}
