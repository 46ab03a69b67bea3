/**
 * Which models a running service has loaded, by the path of its API that it declares. Several dialects say it alike enough to be read
 * as one: Ollama's and speaches' `/api/ps`, llama-server's `/models` with a status for each, and the OpenAI list of a server that has
 * one model and always loaded.
 */

import { askService } from "./_ask-service.ts";

const ASK_MS = 2_000;

/** Names as the service has them, in small letters; undefined where it does not answer, or not so. */
export async function listLoaded(url: string, path: string): Promise<Set<string> | undefined> {
  try {
    const response = await askService(`${url}${path}`, { signal: AbortSignal.timeout(ASK_MS) });
    if (!response.ok) return undefined;
    const body = (await response.json()) as { models?: unknown; data?: unknown };
    const list = body.models ?? body.data;
    return Array.isArray(list) ? new Set(list.flatMap(namesOf)) : undefined;
  } catch {
    return undefined;
  }
}

/** What is being loaded is in use, too. */
const LOADED = ["loaded", "loading"];

function namesOf(entry: unknown): string[] {
  if (typeof entry === "string") return [entry.toLowerCase()];
  const { id, name, model, root, status } = (entry ?? {}) as Record<string, unknown>;
  const state = (status as { value?: unknown } | undefined)?.value;
  if (typeof state === "string" && !LOADED.includes(state)) return [];
  return [id, name, model, root].flatMap((it) => (typeof it === "string" ? [it.toLowerCase()] : []));
}
