#!/usr/bin/env bun
/**
 * Wait until a started native service answers as its contract says, or say why it does not.
 *
 *   bun routines/native/wait-ready.ts ollama --http /api/version --timeout 10s
 */
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { parseDuration } from "../_script/duration.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { isAlive } from "../_script/process-identity.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { findIntruder } from "./_port-holder.ts";
import { probePort } from "./_probe.ts";
import type { ReadySpec } from "./_types.ts";
import { findProcess } from "./list-processes.ts";
import { lastLines } from "./read-log.ts";
import type { ProcessExit, ProcessRecord, StartedProcess } from "./start-process.ts";

export interface WaitReadyOptions {
  /** What `startProcess` returned; of one that ran already, its record alone. */
  started: Pick<StartedProcess, "record" | "exited">;
  ready: ReadySpec;
  /** Instead of the contract's `ready.timeout`. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface Readiness {
  handle: string;
  /** How long we waited. */
  afterMs: number;
}

/** Of a log, in a message. */
const LOG_LINES = 20;
const LOG_CHARS = 64 * 1024;
/** The hint for a log without a line of this start. */
export const WROTE_NOTHING = "It wrote nothing to its log";
const WHOLE_LOG = "The whole log: harbor logs";
/** Of one probe; the last one may end this much after the timeout, so that it says something. */
const PROBE_TIMEOUT_MS = { shortest: 100, longest: 2_000 };
const FIRST_PAUSE_MS = 10;

/** Throws `failed` where the process ends first or another one answers, `timeout`, or `interrupted`. */
export async function waitReady(options: WaitReadyOptions): Promise<Readiness> {
  const { started, ready } = options;
  const { record } = started;
  const startMs = performance.now();
  const timeoutMs = options.timeoutMs ?? parseDuration(ready.timeout) ?? 60_000;
  const longestPauseMs = parseDuration(ready.interval) ?? 200;
  const leftMs = (): number => timeoutMs - (performance.now() - startMs);
  let exit: ProcessExit | undefined;
  const exited = started.exited?.then((how) => {
    exit = how;
  });
  let pauseMs = Math.min(FIRST_PAUSE_MS, longestPauseMs);
  while (true) {
    if (options.signal?.aborted) throw new HarborError(`Cannot wait for "${record.handle}": interrupted`, { exit: "interrupted" });
    const probeMs = Math.min(PROBE_TIMEOUT_MS.longest, Math.max(PROBE_TIMEOUT_MS.shortest, leftMs()));
    const seen = await probePort({ port: record.port, ready, timeoutMs: probeMs, signal: options.signal });
    if (exit !== undefined || !isAlive(record)) throw await endedError(record, exit ?? (await settle(started.exited)));
    if (seen === undefined) {
      await refuseIntruder(record);
      return { handle: record.handle, afterMs: Math.round(performance.now() - startMs) };
    }
    if (leftMs() <= 0) throw await timeoutError(record, timeoutMs, seen);
    await Promise.race([pause(Math.min(pauseMs, leftMs()), options.signal), ...(exited === undefined ? [] : [exited])]);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = (): void => resolve();
  signal?.addEventListener("abort", end);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  });
}

/** The exit code arrives a moment after the process is seen dead. */
async function settle(exited: Promise<ProcessExit> | undefined): Promise<ProcessExit | undefined> {
  return exited === undefined ? undefined : Promise.race([exited, pause(1_000).then(() => undefined)]);
}

async function endedError(record: ProcessRecord, exit: ProcessExit | undefined): Promise<HarborError> {
  const how = exit === undefined ? "" : exit.code === null ? ` by ${exit.signal}` : ` with exit code ${exit.code}`;
  return new HarborError(`Cannot start "${record.handle}": its process ended${how} before it was ready`, {
    ...(await logOf(record)),
    ...(exit?.code === 0 ? { hint: "It may have gone to the background; a native service must stay in the foreground" } : {}),
  });
}

async function timeoutError(record: ProcessRecord, timeoutMs: number, seen: string): Promise<HarborError> {
  return new HarborError(`Cannot start "${record.handle}": not ready within ${timeoutMs / 1000} s; ${seen}`, {
    exit: "timeout",
    ...(await logOf(record)),
  });
}

async function logOf({ handle, logFolder, logRun }: ProcessRecord): Promise<{ details: string[]; hint: string }> {
  const lines = await lastLines({ folder: logFolder, run: logRun, lines: LOG_LINES, maxChars: LOG_CHARS });
  return {
    details: lines,
    hint: lines.length === 0 ? WROTE_NOTHING : `${WHOLE_LOG} ${handle} --tail all`,
  };
}

/** Whether an error's hint leads to the log; whoever removes the log words it anew. */
export function pointsToLog({ hint }: HarborError): boolean {
  return hint === WROTE_NOTHING || hint?.startsWith(WHOLE_LOG) === true;
}

/** Another program may have taken the port while ours was still starting, and answer in its place. */
async function refuseIntruder(record: ProcessRecord): Promise<void> {
  const intruder = findIntruder(record);
  if (intruder === undefined) return;
  throw new HarborError(`Cannot start "${record.handle}": on port ${record.port} answers ${intruder} instead`, await logOf(record));
}

export const command = defineCommand({
  meta: {
    name: "wait-ready",
    description: "Wait until a started native service answers",
    examples: ["harbor routine wait-ready ollama --http /api/version"],
  },
  args: {
    ...jsonArg,
    handle: { type: "positional", description: "Service handle", required: true },
    state: { type: "string", description: "State directory", valueHint: "DIR" },
    http: { type: "string", description: "Path of an HTTP GET; a TCP connection without it", valueHint: "PATH" },
    timeout: { type: "string", description: "How long", valueHint: "60s", default: "60s" },
  },
  async run({ args }) {
    const handle = String(args.handle);
    const record = findProcess({ handle, stateDirectory: args.state ?? join(findHome(process.env), "state") });
    if (record === undefined) throw new HarborError(`Cannot wait for "${handle}": it was not started`, { exit: "unknown" });
    if (parseDuration(args.timeout) === undefined)
      throw new HarborError(`Cannot wait for "${args.timeout}": it is no duration`, { exit: "usage" });
    const ready = { timeout: args.timeout, interval: "200ms", ...(args.http === undefined ? {} : { http: args.http }) };
    emit(await waitReady({ started: { record }, ready }), {
      json: args.json,
      render: (it) => `${it.handle}\tready after ${it.afterMs} ms`,
    });
  },
});

if (import.meta.main) await runScript(command);
