/**
 * ANY /route/<component id, component or capability>/…: passes a request on to an instance that can take it, both ways as it comes.
 * Another instance is tried where nobody answered at all; and, for a method that may be repeated, where the connection broke
 * before any answer. Whatever else an instance answers is its answer.
 */
import type { Conductor } from "../core/conductor.ts";
import { ConductorError } from "../core/conductor-error.ts";
import type { Component } from "../core/registry.ts";
import { type Call, holderOf, nameOf, pathOf, type Routes, reachable } from "./call.ts";
import { invalid } from "./fields.ts";
import { RepeatableBody } from "./repeatable-body.ts";
import { findTargets, noInstance } from "./targets.ts";

const PATH = "/route/";
/** RFC 9110, 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
const ATTEMPTS = 3;
/** Nobody was reached, so nothing was done. */
const NOT_REACHED: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"]);
/** Of one connection, not of the request (RFC 9110, 7.6.1), and what is the conductor's own to say. */
const NOT_PASSED_ON = [
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"],
  ...["upgrade", "host", "content-length", "expect", "x-harbor-token", "x-harbor-from", "x-route-timeout"],
];
export const LONGEST_S = 86_400;

export const routes: Routes = { "/route/*": { ANY: { handle: route } } };

interface Attempt {
  readonly component: Component;
  readonly reason: string;
}

async function route(call: Call): Promise<Response> {
  const { conductor, request } = call;
  const { name, rest } = splitPath(call);
  refuseWhatCannotPass(call);
  const found = findTargets(conductor, name);
  if (found.length === 0) throw conductor.registry.unknown(name);
  const candidates = reachable(call, "route", found);
  call.hold();
  const timeoutMs = readTimeout(call);
  const body = new RepeatableBody(request.body, timeoutMs);
  const release = conductor.held.hold(holderOf(call));
  const options = { call, rest, headers: makeHeaders(call), body, timeoutMs, release };
  try {
    return await tryInTurn(options, name, candidates);
  } catch (error) {
    release();
    throw error;
  }
}

async function tryInTurn(options: Omit<AttemptOptions, "component">, name: string, candidates: readonly Component[]): Promise<Response> {
  const { balance } = options.call.conductor;
  const tried = new Map<Component, Attempt>();
  while (tried.size < ATTEMPTS) {
    const component = balance.choose(`route ${name}`, candidates, "least-loaded", new Set(tried.keys()));
    if (component === undefined) break;
    const outcome = await attempt({ ...options, component });
    if (outcome instanceof Response) return outcome;
    tried.set(component, { component, reason: outcome.reason });
    if (!outcome.mayRepeat) break;
  }
  throw tried.size === 0 ? noInstance(name, candidates) : failed(name, [...tried.values()]);
}

interface AttemptOptions {
  readonly call: Call;
  readonly component: Component;
  readonly rest: string;
  readonly headers: Headers;
  readonly body: RepeatableBody;
  readonly timeoutMs: number;
  /** Once its answer has been passed on. */
  readonly release: () => void;
}

/** The answer, or why there is none. */
async function attempt({
  call,
  component,
  rest,
  headers,
  body,
  timeoutMs,
  release,
}: AttemptOptions): Promise<Response | { reason: string; mayRepeat: boolean }> {
  const { conductor, request } = call;
  const end = conductor.balance.begin(component);
  const startedAt = conductor.clock.steady();
  const count = (isError: boolean): void =>
    conductor.measures.traffic.add(component.id, { isError, ms: conductor.clock.steady() - startedAt });
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const isIdempotent = IDEMPOTENT.has(request.method);
  try {
    const answer = await fetch(component.url + rest, {
      method: request.method,
      headers,
      body: body.open(),
      redirect: "manual",
      decompress: false,
      // what one component tells another is no business of a proxy that the environment names
      proxy: false,
      // on a connection that was used before Bun sends again by itself what may have arrived
      keepalive: isIdempotent && body.isEmpty,
      // it ends with its connection: when the conductor ends, it may end by itself
      signal: AbortSignal.any([request.signal, limit.signal]),
    } as unknown as BunFetchRequestInit);
    count(answer.status >= 500);
    const done = (): void => {
      end();
      release();
    };
    return passOn(conductor, answer, component, done, timeoutMs);
  } catch (error) {
    end();
    if (request.signal.aborted) throw error;
    count(true);
    if (limit.signal.aborted) throw timedOut(component, timeoutMs);
    const code = String((error as { code?: unknown }).code ?? "");
    const isReached = !NOT_REACHED.has(code);
    if (!isReached) conductor.balance.avoid(component);
    return { reason: code === "" ? (error as Error).message : code, mayRepeat: body.isRepeatable && (!isReached || isIdempotent) };
  } finally {
    clearTimeout(timer);
  }
}

/** Part by part; the instance counts as busy until the last one, and a stream that stands still for too long is cut. */
function passOn(conductor: Conductor, answer: Response, component: Component, end: () => void, timeoutMs: number): Response {
  const headers = new Headers(answer.headers);
  dropHopByHop(headers);
  headers.set("x-harbor-component", component.id);
  headers.append("via", `1.1 ${conductor.name}`);
  const init = { status: answer.status, statusText: answer.statusText, headers };
  if (answer.body === null) {
    end();
    return new Response(null, init);
  }
  return new Response(watched(answer.body, end, timeoutMs), init);
}

function watched(body: ReadableStream<Uint8Array>, end: () => void, timeoutMs: number): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const timer = setTimeout(() => void reader.cancel(new Error("nothing came for too long")), timeoutMs);
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
          end();
        } catch (error) {
          end();
          controller.error(error);
        } finally {
          clearTimeout(timer);
        }
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The path behind the name, with its query, as it was written. */
function splitPath({ request }: Call): { name: string; rest: string } {
  const [, name = "", rest = ""] = /^([^/]*)(.*)$/.exec(pathOf(request).slice(PATH.length)) ?? [];
  const query = request.url.indexOf("?");
  return { name: decodeName(name), rest: `${rest === "" ? "/" : rest}${query < 0 ? "" : request.url.slice(query)}` };
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is part of nobody's name
  }
}

function refuseWhatCannotPass({ request, conductor }: Call): void {
  if (request.headers.has("upgrade")) {
    throw new ConductorError("upgrade_not_supported", "WebSockets do not pass through /route", {
      hint: "GET /resolve names an instance: connect to its url",
    });
  }
  if (request.headers.get("via")?.includes(conductor.name) === true) {
    throw new ConductorError("loop_detected", "This request has been through the conductor before", {
      hint: "a component that is routed to passes it back to /route",
    });
  }
}

/** `X-Route-Timeout` in seconds; else the conductor's. */
function readTimeout({ request, conductor }: Call): number {
  const text = request.headers.get("x-route-timeout");
  if (text === null) return conductor.settings.routeTimeoutMs;
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds <= 0 || seconds > LONGEST_S)
    throw invalid("X-Route-Timeout", `must be seconds, up to ${LONGEST_S}`);
  return seconds * 1_000;
}

/** The caller's token is the conductor's alone: an instance that got it could speak in the caller's name. */
function makeHeaders({ request, principal, conductor, from }: Call): Headers {
  const headers = new Headers(request.headers);
  const hasSaidWho = principal.kind === "component" || conductor.settings.token !== "";
  if (hasSaidWho && !headers.has("x-harbor-token")) headers.delete("authorization");
  dropHopByHop(headers);
  headers.set("x-harbor-from", nameOf(principal));
  headers.append("x-forwarded-for", from);
  headers.append("via", `1.1 ${conductor.name}`);
  return headers;
}

function dropHopByHop(headers: Headers): void {
  for (const name of (headers.get("connection") ?? "").split(",")) {
    if (/^[\w-]+$/.test(name.trim())) headers.delete(name.trim());
  }
  for (const name of NOT_PASSED_ON) headers.delete(name);
}

function failed(name: string, attempts: readonly Attempt[]): ConductorError {
  const details = attempts.map(({ component, reason }) => ({ component_id: component.id, url: component.url, reason }));
  return new ConductorError("upstream_failed", `No instance of "${name}" answered`, {
    hint: "the component is registered and beats, but nobody answers at its port",
    details: { attempts: details },
  });
}

function timedOut({ id }: Component, timeoutMs: number): ConductorError {
  return new ConductorError("upstream_timeout", `${id} has not answered for ${timeoutMs / 1_000} s`, {
    hint: "X-Route-Timeout: <seconds> waits longer",
    details: { component_id: id },
  });
}
