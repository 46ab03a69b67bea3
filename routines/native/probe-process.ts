#!/usr/bin/env bun
/**
 * Ask a native service once, by its contract's own question, whether it answers. What a service says by itself, in
 * its log or to a socket, is heard instead: `compileLogProbe`, `NotifySocket`.
 *
 *   bun routines/native/probe-process.ts ollama --json
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { parseDuration } from "../_script/duration.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { isAlive } from "../_script/process-identity.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { askSocket } from "./_ask-socket.ts";
import { probeExec } from "./_probe-exec.ts";
import { probeHttp } from "./_probe-http.ts";
import type { ProbeKind, ProbeQuestion } from "./_types.ts";
import { failed, OK, type Verdict } from "./_verdict.ts";
import { buildEnvironment } from "./environment.ts";
import { type ProcessRecord, readRecord } from "./process-record.ts";

export { compileLogProbe } from "./_log-probe.ts";
export { type NotifyMessage, NotifySocket, type NotifySocketOptions } from "./_notify-socket.ts";
export { findIntruder } from "./_port-holder.ts";
export type { ProbeKind, ProbeQuestion } from "./_types.ts";

export interface ProbeTarget {
  handle: string;
  /** Of `http` and `tcp`; a process that offers nothing to connect to has none. */
  port?: number | undefined;
  /** 127.0.0.1 when left out. */
  address?: string | undefined;
  /** Of `exec`. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** The service's own state folder; of `exec`. */
  folder?: string | undefined;
  /** Words for another process that holds the port; asked once the port has answered. A look through the system's tables: for the first good answer of a start alone. */
  findIntruder?: () => string | undefined;
}

export interface ProbeOptions {
  signal?: AbortSignal | undefined;
  /** Instead of the question's `probe_timeout`. */
  timeoutMs?: number | undefined;
}

/** What one attempt comes to: `reason` says what was asked and what was seen. */
export type ProbeResult = Verdict;

const DEFAULT_TIMEOUT_MS = 2_000;

export function probeKind(question: ProbeQuestion): ProbeKind {
  if (question.http !== undefined) return "http";
  if (question.exec !== undefined) return "exec";
  if (question.log !== undefined) return "log";
  return question.notify === true ? "notify" : "tcp";
}

/** Whether a service can be asked, or says it by itself. */
export function isEvent(question: ProbeQuestion): boolean {
  return ["log", "notify"].includes(probeKind(question));
}

/** One attempt; it never throws. A question that is an event, or a connection to a process without a port, counts as answered. */
export async function probeOnce(question: ProbeQuestion, target: ProbeTarget, options: ProbeOptions = {}): Promise<ProbeResult> {
  const timeoutMs = options.timeoutMs ?? parseDuration(question.probe_timeout) ?? DEFAULT_TIMEOUT_MS;
  const attempt = { timeoutMs, signal: options.signal };
  if (question.exec !== undefined) return probeExec(question.exec, target, attempt);
  const { port, address = "127.0.0.1" } = target;
  if (port === undefined || isEvent(question)) return OK;
  const verdict = await (question.http === undefined
    ? askSocket({ address, port, what: `port ${port}` }, attempt)
    : probeHttp(question, { address, port }, attempt));
  const intruder = verdict.ok ? target.findIntruder?.() : undefined;
  return intruder === undefined ? verdict : failed(`on port ${port} answers ${intruder} instead`);
}

export interface ProcessHealth {
  health: "healthy" | "unhealthy";
  /** What was seen instead of the answer that was asked for. */
  reason?: string;
}

/** For a person who waits. */
const PATIENCE_MS = 1_000;

/** Unhealthy as well when the process is gone. */
export async function probeProcess(record: ProcessRecord): Promise<ProcessHealth> {
  if (!isAlive(record)) return { health: "unhealthy", reason: `process ${record.pid} has ended` };
  const timeoutMs = record.ready.exec === undefined ? PATIENCE_MS : undefined;
  const result = await probeOnce(record.ready, targetOf(record), { timeoutMs });
  return result.ok ? { health: "healthy" } : { health: "unhealthy", reason: result.reason };
}

/** What is asked, of a process that is known by its record alone. */
export function targetOf({ handle, pid, port, address, cwd, ready }: ProcessRecord): ProbeTarget {
  return { handle, port, address, cwd, env: ready.exec === undefined ? {} : readEnvironment(pid) };
}

/** A process's own environment, as far as the system tells; below it the host's part. */
function readEnvironment(pid: number): Record<string, string> {
  const host = buildEnvironment(process.env);
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    return { ...host, ...Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])) };
  } catch {
    return host;
  }
}

export const command = defineCommand({
  meta: {
    name: "probe-process",
    description: "Ask a native service once whether it answers",
    examples: ["harbor routine probe-process ollama"],
  },
  args: {
    ...jsonArg,
    handle: { type: "positional", description: "Service handle", required: true },
    state: { type: "string", description: "State directory", valueHint: "DIR" },
  },
  async run({ args }) {
    const handle = String(args.handle);
    const record = readRecord(args.state ?? join(findHome(process.env), "state"), handle);
    if (record === undefined) throw new HarborError(`Cannot probe "${handle}": it does not run`, { exit: "unknown" });
    emit(
      { handle, ...(await probeProcess(record)) },
      { json: args.json, render: (it) => [it.handle, it.health, it.reason].filter(Boolean).join("\t") },
    );
  },
});

if (import.meta.main) await runScript(command);
