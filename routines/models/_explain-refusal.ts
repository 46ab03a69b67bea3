/**
 * An answer of a hub that is no success → the error that says what to do about it, by the status and the hub's own `X-Error-Code`
 * (huggingface_hub tells them apart in its `hf_raise_for_status`). Without a token a hub answers 401 for what is private and
 * for what is not there alike.
 */
import { ModelError } from "./_model-error.ts";
import { tame } from "./_names.ts";
import { Transient } from "./_patience.ts";

export interface Refusal {
  repo: string;
  /** The hub's host, and the page of the model there. */
  host: string;
  page: string;
  hasToken: boolean;
  /** What sets the token, as hints call it. */
  tokenName: string;
  /** Whether the hub itself answered, or the host it led to. */
  isHub: boolean;
}

/** Reads the body, where it says more. */
export async function explainRefusal(response: Response, refusal: Refusal & { from: string }): Promise<Error> {
  const { status, headers } = response;
  const inBody = await readErrorBody(response);
  const said = tame(headers.get("x-error-message") ?? inBody);
  const answer = `${refusal.from} answers ${status}${said === "" ? "" : `: ${said}`}`;
  const code = headers.get("x-error-code");
  // links to a content network run out; the next attempt begins at the hub, which gives a new one. A mirror may lead to the hub itself
  const isElsewhere = !refusal.isHub && code === null;
  if (status === 408 || status === 429 || status >= 500 || isElsewhere) {
    return new Transient(answer, { retryAfterMs: readRetryAfter(headers) });
  }
  if (code === "GatedRepo") return gated(refusal, answer);
  if (code === "RevisionNotFound") return unknown(refusal, answer, "has it, but not this revision", `See its revisions at ${refusal.page}`);
  const isBadToken = status === 401 && code === null && /invalid credentials|invalid token|expired/i.test(said);
  const isUnknown = code === "RepoNotFound" || status === 404 || (status === 401 && !isBadToken);
  if (isUnknown) {
    const hint = refusal.hasToken
      ? `Check the name, and whether ${refusal.tokenName} may see it`
      : `Check the name; a private one needs ${refusal.tokenName}`;
    return unknown(refusal, answer, "has no such model", hint);
  }
  if (status === 401 || status === 403) return denied(refusal, answer);
  return new ModelError("network", refusal.repo, answer);
}

function gated({ repo, page, hasToken, tokenName }: Refusal, answer: string): ModelError {
  return new ModelError("denied", repo, "its authors give it to those alone who accept their terms", {
    details: [answer],
    hint: hasToken ? `Accept them at ${page}, with the account of ${tokenName}` : `Accept them at ${page}, then set ${tokenName}`,
  });
}

function unknown({ repo, host }: Refusal, answer: string, what: string, hint: string): ModelError {
  return new ModelError("unknown-model", repo, `${host} ${what}`, { details: [answer], hint });
}

function denied({ repo, host, hasToken, tokenName }: Refusal, answer: string): ModelError {
  return new ModelError("denied", repo, `${host} does not give it to ${hasToken ? "this token" : "just anybody"}`, {
    details: [answer],
    hint: hasToken ? `Check ${tokenName}: it may have run out, or lack the right to read this model` : `Set ${tokenName}`,
  });
}

/** In seconds, as `Retry-After` or as `t` of the hub's `RateLimit`; a date is not waited for. */
function readRetryAfter(headers: Headers): number | undefined {
  const [, seconds] = /^(\d+)$/.exec(headers.get("retry-after") ?? "") ?? /\bt=(\d+)/.exec(headers.get("ratelimit") ?? "") ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** `{"error": "…"}`, as the hub says why; nothing of a page of HTML. */
async function readErrorBody(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    return typeof error === "string" ? error : "";
  } catch {
    return "";
  }
}
