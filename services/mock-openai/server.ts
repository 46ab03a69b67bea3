/** The HTTP side: paths, methods, the key, and errors in the shape of the interface. No CORS: a web page gets no answer from it. */
import { timingSafeEqual } from "node:crypto";
import { ApiError, toMessagesResponse, toResponse } from "./api-error.ts";
import { completeChat } from "./routes/chat-completions.ts";
import { completeText } from "./routes/completions.ts";
import { embed } from "./routes/embeddings.ts";
import { reportHealth } from "./routes/health.ts";
import { completeMessages, countMessageTokens } from "./routes/messages.ts";
import { listModels, showModel } from "./routes/models.ts";
import { completeResponse } from "./routes/responses.ts";
import type { Settings } from "./settings.ts";

type Handler = (request: Request, settings: Settings, name: string) => Response | Promise<Response>;

interface Route {
  path: RegExp;
  method: "GET" | "POST";
  handle: Handler;
  isOpen?: true;
}

const ROUTES: readonly Route[] = [
  { path: /^\/health$/, method: "GET", handle: reportHealth, isOpen: true },
  { path: /^\/v1\/models$/, method: "GET", handle: listModels },
  { path: /^\/v1\/models\/(.+)$/, method: "GET", handle: (_, __, name) => showModel(name) },
  { path: /^\/v1\/chat\/completions$/, method: "POST", handle: completeChat },
  { path: /^\/v1\/responses$/, method: "POST", handle: completeResponse },
  { path: /^\/v1\/messages$/, method: "POST", handle: completeMessages },
  { path: /^\/v1\/messages\/count_tokens$/, method: "POST", handle: countMessageTokens },
  { path: /^\/v1\/completions$/, method: "POST", handle: completeText },
  { path: /^\/v1\/embeddings$/, method: "POST", handle: embed },
];

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Listens at once; port 0 takes a free one. Throws where the port is taken. */
export function startServer(settings: Settings): Bun.Server<undefined> {
  return Bun.serve({
    hostname: settings.host,
    port: settings.port,
    maxRequestBodySize: MAX_BODY_BYTES,
    idleTimeout: 0, // a token delay may be longer than any limit
    fetch: (request) => answer(request, settings),
  });
}

async function answer(request: Request, settings: Settings): Promise<Response> {
  try {
    return await dispatch(request, settings);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (new URL(request.url).pathname.startsWith("/v1/messages")) return toMessagesResponse(error);
    return toResponse(error, error.status === 401 ? { "www-authenticate": "Bearer" } : {});
  }
}

function dispatch(request: Request, settings: Settings): Response | Promise<Response> {
  const path = new URL(request.url).pathname;
  const method = request.method === "HEAD" ? "GET" : request.method;
  const matching = ROUTES.filter((route) => route.path.test(path));
  const route = matching.find((candidate) => candidate.method === method);
  if (route?.isOpen !== true) checkKey(request, settings);
  if (route !== undefined) return route.handle(request, settings, decodeName(route.path.exec(path)?.[1] ?? ""));
  const [known] = matching;
  if (known === undefined) throw new ApiError(`Unknown path (${request.method} ${path})`, { status: 404, code: "unknown_url" });
  const error = new ApiError(`Not allowed: ${request.method} on ${path}; use ${known.method}`, { status: 405, code: "method_not_allowed" });
  return toResponse(error, { allow: known.method });
}

function checkKey(request: Request, settings: Settings): void {
  if (settings.apiKey === "") return;
  const bearer = request.headers.get("authorization")?.replace(/^Bearer /i, "");
  const given = Buffer.from(bearer ?? request.headers.get("x-api-key") ?? "");
  const wanted = Buffer.from(settings.apiKey);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new ApiError("Incorrect API key provided", { status: 401, code: "invalid_api_key" });
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is part of no model's name; the answer is 404
  }
}
