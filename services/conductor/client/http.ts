/** One request to the conductor and its answer, with refusals as errors. Nothing here is tried twice. */

export interface ErrorFacts {
  readonly status?: number;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * `code` is the conductor's (`no_responder`, `version_mismatch`, …), or one of the client's own: `unreachable` (no answer: it may have
 * been done), `replaced` (another instance registered under this name), `closed`; with encryption `bad_key_file`, `no_public_key`,
 * `unpinned_key`, `not_encrypted`, `undecipherable`, `forged`.
 */
export class ConductorClientError extends Error {
  override readonly name = "ConductorClientError";
  readonly code: string;
  /** Of HTTP; 0 where there was no answer. */
  readonly status: number;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, { status = 0, hint, details = {}, cause }: ErrorFacts = {}) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.hint = hint;
    this.details = details;
  }
}

export interface Ask {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With its query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Whose certificate is believed. Bun has it; elsewhere it is the process's to say. */
export interface Trust {
  /** In PEM, instead of the system's. */
  readonly ca: string | readonly string[];
  /** Undefined where it is the one that is meant; left out: its names have to be. */
  readonly checkServerIdentity?: (hostname: string, certificate: { readonly raw: Uint8Array }) => Error | undefined;
}

/**
 * The answer, whatever is in it. Throws ConductorClientError for a refusal and where there is no answer.
 */
export async function askConductor(url: string, token: string, ask: Ask, trust?: Trust): Promise<Response> {
  const { method, path, body, headers = {}, signal } = ask;
  let response: Response;
  try {
    response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
      // Bun ends what is quiet for five minutes otherwise; an answer may take an hour
      timeout: false,
      // a proxy that the environment names would ask its own host, and be told the token
      ...(isThisHost(url) ? { proxy: false } : {}),
      ...(trust === undefined ? {} : { tls: trust }),
    } as unknown as RequestInit);
  } catch (cause) {
    const isTimeout = (signal?.reason as Error | undefined)?.name === "TimeoutError";
    if (signal?.aborted === true && !isTimeout) throw new ConductorClientError("closed", `${method} ${path} was called off`, { cause });
    throw new ConductorClientError("unreachable", `The conductor at ${url} does not answer: ${(cause as Error).message}`, { cause });
  }
  if (response.ok) return response;
  throw await readRefusal(response, `${method} ${path}`);
}

export function isThisHost(url: string): boolean {
  const { hostname = "" } = URL.parse(url) ?? {};
  return hostname === "localhost" || hostname === "[::1]" || /^127\.[\d.]+$/.test(hostname);
}

async function readRefusal(response: Response, what: string): Promise<ConductorClientError> {
  const { status } = response;
  const answer: unknown = await response.json().catch(() => undefined);
  const { error } = (answer ?? {}) as { error?: { code?: string; message?: string; hint?: string } };
  if (error?.code === undefined) return new ConductorClientError("unknown", `${what} was answered with ${status}`, { status });
  const { code, message = "", hint, ...details } = error;
  return new ConductorClientError(code, message, { status, details, ...(hint === undefined ? {} : { hint }) });
}

/** What passes by itself: the conductor starts again, its store is away, it was asked too often. */
export function isPassing(error: unknown): error is ConductorClientError {
  return error instanceof ConductorClientError && ["unreachable", "unavailable", "rate_limited"].includes(error.code);
}

export function isClosed(error: unknown): boolean {
  return error instanceof ConductorClientError && error.code === "closed";
}
