/**
 * The supervisor's socket: HTTP with JSON bodies. What takes a while is answered by a stream of lines, one JSON object
 * each, that ends when it has come about; whoever hangs up meanwhile undoes nothing.
 */
import { HarborError } from "../_script/error.ts";
import type { Supervisor } from "./_supervisor.ts";
import {
  type Goal,
  type Hello,
  isUsable,
  type Line,
  type RestartRequest,
  type ServiceReport,
  type StartServices,
  type StopRequest,
} from "./report.ts";

export interface ApiOptions {
  supervisor: Supervisor;
  hello: () => Hello;
  /** Ends the supervisor, and nothing else. */
  leave: () => void;
}

type Handler = (request: Request) => Response | Promise<Response>;

/** By `METHOD path`. */
export function createApi({ supervisor, hello, leave }: ApiOptions): (request: Request) => Promise<Response> {
  const routes: Record<string, Handler> = {
    "GET /v1": () => Response.json(hello()),
    "GET /v1/services": ({ url }) => Response.json(supervisor.reports(handlesOf(url))),
    "GET /v1/usage": () => Response.json(supervisor.usage()),
    "GET /v1/events": ({ url, signal }) => stream(supervisor, { handles: handlesOf(url), signal }),
    "POST /v1/start": async (request) => {
      const { services, waitFor, externals } = await read<StartServices>(request);
      const accepted = await supervisor.want(services, externals);
      const handles = services.map(({ spec }) => spec.handle);
      const first: Line = { kind: "accepted", services: accepted };
      const isDone = (report: ServiceReport): boolean => isStarted(report, waitFor[report.handle]);
      return stream(supervisor, { handles, waitFor: Object.keys(waitFor), signal: request.signal, first, isDone });
    },
    "POST /v1/restart": async (request) => {
      const { handles } = await read<RestartRequest>(request);
      supervisor.restart(handles);
      return stream(supervisor, { handles, signal: request.signal, isDone: (report) => isStarted(report) });
    },
    "POST /v1/stop": async (request) => {
      const { handles, forget } = await read<StopRequest>(request);
      const all = handles.length === 0 ? supervisor.reports().map((it) => it.handle) : handles;
      supervisor.stop(all, { forget });
      return stream(supervisor, { handles: all, signal: request.signal, isDone: forget ? isGone : isStopped });
    },
    "POST /v1/leave": () => {
      leave();
      return Response.json({});
    },
  };
  return async (request) => {
    const { pathname } = new URL(request.url);
    const handler = routes[`${request.method} ${pathname}`];
    if (handler === undefined) return Response.json({ error: `no ${request.method} ${pathname}` }, { status: 404 });
    try {
      return await handler(request);
    } catch (error) {
      return Response.json({ error: (error as Error).message }, { status: error instanceof HarborError ? 400 : 500 });
    }
  };
}

function handlesOf(url: string): string[] {
  return new URL(url).searchParams.getAll("handle");
}

async function read<T>(request: Request): Promise<T> {
  try {
    return (await request.json()) as T;
  } catch (cause) {
    throw new HarborError(`Cannot read the request: ${(cause as Error).message}`, { cause });
  }
}

/** It has come to be what a start is for, or will not. */
function isStarted(report: ServiceReport, goal: Goal = "ready"): boolean {
  const { state, isAsleep, isCompleted, isWanted, isLate } = report;
  const isOver = state === "failed" || (state === "stopped" && (isCompleted || !isWanted));
  if (isOver || goal === "completed") return isOver;
  return isUsable(state) || isAsleep || (state === "unhealthy" && (isLate || goal === "settled"));
}

/** Or somebody else has asked for it meanwhile. */
function isStopped({ state, isWanted }: ServiceReport): boolean {
  return isWanted || state === "stopped" || state === "failed";
}

function isGone({ isGone, isWanted, state }: ServiceReport): boolean {
  return isWanted || isGone === true || state === "failed";
}

interface StreamOptions {
  handles: readonly string[];
  /** All of them when left out. */
  waitFor?: readonly string[];
  signal: AbortSignal;
  first?: Line;
  /** It goes on until somebody hangs up when left out. */
  isDone?: (report: ServiceReport) => boolean;
}

/** What becomes of these services, as it comes; until all are done. */
function stream(supervisor: Supervisor, { handles, waitFor = handles, signal, first, isDone }: StreamOptions): Response {
  const encoder = new TextEncoder();
  let unsubscribe = (): void => undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (line: Line): void => controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      const isWanted = (handle: string): boolean => handles.length === 0 || handles.includes(handle);
      const latest = new Map(supervisor.reports(handles).map((report) => [report.handle, report]));
      const finish = (): void => {
        unsubscribe();
        controller.close();
      };
      const settleIfDone = (): void => {
        const services = waitFor.map((handle) => latest.get(handle)).filter((it) => it !== undefined);
        if (isDone === undefined || !services.every(isDone)) return;
        send({ kind: "settled", services });
        finish();
      };
      if (first !== undefined) send(first);
      for (const report of latest.values()) send({ kind: "report", report });
      unsubscribe = supervisor.subscribe((report) => {
        if (!isWanted(report.handle)) return;
        latest.set(report.handle, report);
        send({ kind: "report", report });
        settleIfDone();
      });
      signal.addEventListener("abort", () => unsubscribe());
      // somebody may have hung up while the request was being read
      if (signal.aborted) finish();
      else settleIfDone();
    },
    cancel: () => unsubscribe(),
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
}
