/** Whether a server that stands in for a service answers, and as that service would: one question, past any proxy, as the bridge asks. */
import { exceptFromProxy } from "../_script/except-from-proxy.ts";
import type { ConnectedSpec } from "../compose/make-plan.ts";

export interface AskServerOptions {
  spec: ConnectedSpec;
  /** What the bridge sends; empty where there is none. */
  token?: string;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * `right`: as what it stands in for. `locked`: it asks for a key, and says no more. `other`: something answers that is not what
 * it stands in for. `silent`: nothing does.
 */
export interface ServerAnswer {
  kind: "right" | "locked" | "other" | "silent";
  /** What was seen: for a person. */
  what: string;
}

const TIMEOUT_MS = 5_000;
const EXCERPT_LENGTH = 80;
/** More of an answer than this is not waited for. */
const BODY_LIMIT = 1024 * 1024;

/** Never throws. */
export async function askServer(options: AskServerOptions): Promise<ServerAnswer> {
  const { spec, timeoutMs = TIMEOUT_MS, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  const { path } = spec.question;
  const url = `${spec.url}${path ?? ""}`;
  try {
    return path === undefined ? await connect(spec, either) : await get(url, options, either);
  } catch (error) {
    const why = timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : wordFailure(error);
    return { kind: "silent", what: `${url}: ${why}` };
  }
}

async function get(url: string, { spec, token = "" }: AskServerOptions, signal: AbortSignal): Promise<ServerAnswer> {
  exceptFromProxy(new URL(url).hostname);
  const tls = spec.isInsecure ? { rejectUnauthorized: false } : spec.ca === undefined ? {} : { ca: spec.ca };
  const headers = spec.hasToken && token !== "" ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(url, { headers, tls, signal, redirect: "manual", keepalive: false });
  const { status } = response;
  const what = `GET ${url} answered ${status}`;
  if (status === 401 || status === 403) return end(response, { kind: "locked", what });
  if (status >= 500) return end(response, { kind: "other", what });
  // where nothing says how it is known, whatever answers may be it
  if (spec.question.path === "/" && !spec.question.isJson) return end(response, { kind: "right", what });
  if (status >= 400 || (status >= 300 && spec.question.isJson))
    return end(response, { kind: "other", what: `${what}${await excerpt(response)}` });
  if (!spec.question.isJson) return end(response, { kind: "right", what });
  const text = await readSome(response);
  return isJson(text) ? { kind: "right", what } : { kind: "other", what: `${what}, and no JSON${quote(text)}` };
}

async function end(response: Response, answer: ServerAnswer): Promise<ServerAnswer> {
  await response.body?.cancel().catch(() => undefined);
  return answer;
}

async function readSome(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > BODY_LIMIT) break;
  }
  return text;
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

async function excerpt(response: Response): Promise<string> {
  return quote(await readSome(response).catch(() => ""));
}

/** Without what a terminal would take for orders. */
function quote(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, " ").trim();
  return line === "" ? "" : ` ("${line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH)}…` : line}")`;
}

/** A service that takes a connection and ends it at once is none. */
async function connect({ url, address }: ConnectedSpec, signal: AbortSignal): Promise<ServerAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: address.host,
    port: address.port,
    socket: {
      data() {},
      connectError: (_, error) => reject(error),
      error: (_, error) => reject(error),
      close: () => reject(new Error("the connection was closed at once")),
    },
  });
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  setTimeout(resolve, QUIET_MS);
  try {
    await promise;
  } finally {
    promise.catch(() => undefined);
    socket.end();
  }
  return { kind: "right", what: `${url} takes connections` };
}

const QUIET_MS = 200;

const FAILURES: Readonly<Record<string, string>> = {
  ConnectionRefused: "connection refused",
  ECONNREFUSED: "connection refused",
  FailedToOpenSocket: "no connection: is the name right, and is it on this network?",
  ENOTFOUND: "there is no host of that name",
  ECONNRESET: "the connection was closed without an answer",
  ConnectionClosed: "the connection was closed without an answer",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by an authority that this host does not know",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by an authority that this host does not know",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is signed by an authority that this host does not know",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is signed by an authority that this host does not know",
  CERT_HAS_EXPIRED: "its certificate has expired",
};

function wordFailure(error: unknown): string {
  const { code = "", message } = error as Error & { code?: string };
  return FAILURES[code] ?? (code === "" ? message : `${code}: ${message}`);
}

/** Whether a failure is about the certificate: then `--ca` or `--insecure` helps. */
export function isAboutCertificate({ kind, what }: ServerAnswer): boolean {
  return kind === "silent" && what.includes("its certificate");
}
