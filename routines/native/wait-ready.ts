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
import type { ReadySpec } from "./_types.ts";
import { findProcess } from "./list-processes.ts";
import { compileLogProbe, findIntruder, nextPauseMs, type ProbeOptions, type ProbeResult, probeOnce, targetOf } from "./probe-process.ts";
import type { ProcessExit, ProcessRecord, StartedProcess } from "./start-process.ts";
import { tailLog } from "./tail-log.ts";

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
const LOG_BYTES = 64 * 1024;
/** Of a log, for a line that says the service is ready. */
const SEARCHED_LINES = 1_000;
/** Of one probe; the last one may end this much after the timeout, so that it says something. */
const SHORTEST_PROBE_MS = 100;

/** Throws `failed` where the process ends first or another one answers, `timeout`, or `interrupted`. */
export async function waitReady(options: WaitReadyOptions): Promise<Readiness> {
  const { started, ready } = options;
  const { record } = started;
  const startMs = performance.now();
  const timeoutMs = options.timeoutMs ?? millisecondsOf(ready.timeout, 60_000);
  const longestPauseMs = millisecondsOf(ready.start_interval, 200);
  const longestProbeMs = millisecondsOf(ready.probe_timeout, 2_000);
  const leftMs = (): number => timeoutMs - (performance.now() - startMs);
  let exit: ProcessExit | undefined;
  const exited = started.exited?.then((how) => {
    exit = how;
  });
  while (true) {
    if (options.signal?.aborted) throw new HarborError(`Cannot wait for "${record.handle}": interrupted`, { exit: "interrupted" });
    const probeMs = Math.min(longestProbeMs, Math.max(SHORTEST_PROBE_MS, leftMs()));
    const seen = await look(record, ready, { timeoutMs: probeMs, signal: options.signal });
    if (exit !== undefined || !isAlive(record)) throw endedError(record, exit ?? (await settle(started.exited)));
    if (seen.ok) {
      refuseIntruder(record);
      return { handle: record.handle, afterMs: Math.round(performance.now() - startMs) };
    }
    if (leftMs() <= 0) throw timeoutError(record, timeoutMs, seen.reason);
    const pauseMs = Math.min(nextPauseMs(performance.now() - startMs, longestPauseMs), leftMs());
    await Promise.race([pause(pauseMs, options.signal), ...(exited === undefined ? [] : [exited])]);
  }
}

function millisecondsOf(duration: string, fallback: number): number {
  return parseDuration(duration) ?? fallback;
}

/** What it writes to its log is looked for there; all else is asked of itself. */
async function look(record: ProcessRecord, ready: ReadySpec, options: ProbeOptions): Promise<ProbeResult> {
  if (ready.notify) throw new HarborError(`Cannot wait for "${record.handle}": only its supervisor hears when it says that it is ready`);
  if (ready.log === undefined) return probeOnce(ready, targetOf(record), options);
  const lines = tailLog({ file: record.logFile, lines: SEARCHED_LINES, from: record.logStart });
  if (lines.some(compileLogProbe(ready))) return { ok: true };
  return { ok: false, reason: `no line of its log matches /${ready.log}/` };
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

function endedError(record: ProcessRecord, exit: ProcessExit | undefined): HarborError {
  const how = exit === undefined ? "" : exit.code === null ? ` by ${exit.signal}` : ` with exit code ${exit.code}`;
  return new HarborError(`Cannot start "${record.handle}": its process ended${how} before it was ready`, {
    ...logOf(record),
    ...(exit?.code === 0 ? { hint: "It may have gone to the background; a native service must stay in the foreground" } : {}),
  });
}

function timeoutError(record: ProcessRecord, timeoutMs: number, seen: string): HarborError {
  return new HarborError(`Cannot start "${record.handle}": not ready within ${timeoutMs / 1000} s; ${seen}`, {
    exit: "timeout",
    ...logOf(record),
  });
}

function logOf(record: ProcessRecord): { details: string[]; hint: string } {
  const lines = tailLog({ file: record.logFile, lines: LOG_LINES, from: record.logStart, maxBytes: LOG_BYTES });
  return {
    details: lines,
    hint: lines.length === 0 ? `It wrote nothing to its log, ${record.logFile}` : `The whole log: ${record.logFile}`,
  };
}

/** Another program may have taken the port while ours was still starting, and answer in its place. */
function refuseIntruder(record: ProcessRecord): void {
  const intruder = findIntruder(record);
  if (intruder === undefined) return;
  throw new HarborError(`Cannot start "${record.handle}": on port ${record.port} answers ${intruder} instead`, logOf(record));
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
    http: { type: "string", description: "Path of an HTTP GET, instead of the contract's question", valueHint: "PATH" },
    timeout: { type: "string", description: "How long", valueHint: "60s", default: "60s" },
  },
  async run({ args }) {
    const handle = String(args.handle);
    const record = findProcess({ handle, stateDirectory: args.state ?? join(findHome(process.env), "state") });
    if (record === undefined) throw new HarborError(`Cannot wait for "${handle}": it was not started`, { exit: "unknown" });
    if (parseDuration(args.timeout) === undefined)
      throw new HarborError(`Cannot wait for "${args.timeout}": it is no duration`, { exit: "usage" });
    const ready = { ...record.ready, timeout: args.timeout, ...(args.http === undefined ? {} : { http: args.http }) };
    emit(await waitReady({ started: { record }, ready }), {
      json: args.json,
      render: (it) => `${it.handle}\tready after ${it.afterMs} ms`,
    });
  },
});

if (import.meta.main) await runScript(command);
