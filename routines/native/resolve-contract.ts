#!/usr/bin/env bun
/**
 * Fill in a contract's `${…}`: what to run, where and with which environment, as one value that a
 * plan holds and start-process.ts takes. Whether the program is installed is start's concern.
 *
 *   bun routines/native/resolve-contract.ts services/mock-openai/mock-openai_native.yml HARBOR_X=1 --json
 */
import { basename, dirname, resolve } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { parseDuration } from "../_script/duration.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { isSignal } from "../_script/signal.ts";
import { interpolate } from "../compose/interpolate.ts";
import { isPort } from "./_contract-fields.ts";
import { splitFilledWords } from "./_split-words.ts";
import { type Contract, readContract } from "./read-contract.ts";
import type { NativeSpec } from "./start-process.ts";

export interface ResolveContractOptions {
  contract: Contract;
  /** The configuration. */
  values: (name: string) => string | undefined;
  /** The definition's port in the stack's network; the contract's own `container_port` goes before it. */
  containerPort?: number | undefined;
}

/** Throws with the contract's path for a value that turns out wrong once it is filled in. */
export function resolveContract(options: ResolveContractOptions): NativeSpec {
  const { contract, values } = options;
  const fill = (text: string, key: string): string => fillIn(contract, text, key, values);
  const folder = resolve(dirname(contract.path));
  const port = readPort(contract, "port", fill(contract.port, "port"));
  const own = contract.containerPort;
  const containerPort = own === undefined ? options.containerPort : readPort(contract, "container_port", fill(own, "container_port"));
  const executable = fill(contract.executable, "executable");
  if (executable.trim() === "") throw wrong(contract, '"executable" is empty');
  return {
    handle: contract.handle,
    contract: resolve(contract.path),
    argv: [executable.includes("/") ? resolve(folder, executable) : executable, ...resolveArgs(contract, fill)],
    cwd: resolve(folder, fill(contract.workingDirectory ?? ".", "working_directory")),
    env: resolveEnv(options, fill),
    port,
    containerPort: containerPort ?? port,
    ready: resolveReady(contract, fill),
    stop: resolveStop(contract, fill),
    install: contract.install,
  };
}

type Fill = (text: string, key: string) => string;

function fillIn(contract: Contract, text: string, key: string, values: ResolveContractOptions["values"]): string {
  try {
    return interpolate(text, values);
  } catch (cause) {
    if (!(cause instanceof HarborError)) throw cause;
    throw new HarborError(`Cannot resolve "${key}" of the contract of "${contract.handle}": ${cause.message}`, {
      cause,
      exit: cause.exit,
      at: cause.at ?? { file: contract.path },
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
}

function resolveArgs(contract: Contract, fill: Fill): string[] {
  if (typeof contract.args !== "string") return contract.args.map((word) => fill(word, "daemon_args"));
  const words = splitFilledWords(contract.args, (text) => fill(text, "daemon_args"));
  if (words === undefined) throw wrong(contract, "a quote in a value of its arguments is never closed");
  return words;
}

/** The user's value goes before the contract's. */
function resolveEnv({ contract, values }: ResolveContractOptions, fill: Fill): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, text] of Object.entries(contract.env)) env[name] = fill(text, `env.${name}`);
  for (const name of contract.envVars) {
    const value = values(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function resolveReady(contract: Contract, fill: Fill): NativeSpec["ready"] {
  const { http, timeout, interval } = contract.ready;
  const ready = {
    ...contract.ready,
    timeout: checkDuration(contract, "ready.timeout", fill(timeout, "ready.timeout")),
    interval: checkDuration(contract, "ready.interval", fill(interval, "ready.interval")),
  };
  if (http === undefined) return ready;
  const path = fill(http, "ready.http");
  if (!path.startsWith("/")) throw wrong(contract, `"ready.http" must be a path like /health, not "${path}"`);
  return { ...ready, http: path };
}

function resolveStop(contract: Contract, fill: Fill): NativeSpec["stop"] {
  const signal = fill(contract.stop.signal, "stop.signal");
  if (!isSignal(signal)) throw wrong(contract, `"stop.signal" must be a signal's name like SIGTERM, not "${signal}"`);
  return { signal, grace: checkDuration(contract, "stop.grace", fill(contract.stop.grace, "stop.grace")) };
}

function checkDuration(contract: Contract, key: string, text: string): string {
  if (parseDuration(text) !== undefined) return text;
  throw wrong(contract, `"${key}" must be a duration like 500ms, 10s or 1m30s, not "${text}"`);
}

function readPort(contract: Contract, key: string, text: string): number {
  if (isPort(text)) return Number(text);
  throw wrong(contract, `"${key}" must be a port from 1 to 65535, not "${text}"`);
}

function wrong(contract: Contract, state: string): HarborError {
  return new HarborError(`Cannot resolve the contract of "${contract.handle}": ${state}`, { at: { file: contract.path } });
}

export const command = defineCommand({
  meta: {
    name: "resolve-contract",
    description: "Fill in a native contract's values",
    examples: ["harbor routine resolve-contract services/ollama/ollama_native.yml HARBOR_OLLAMA_HOST_PORT=11500 --json"],
  },
  args: {
    ...jsonArg,
    file: { type: "positional", description: "Path of a <handle>_native.yml", required: true },
    values: { type: "positional", description: "NAME=value, as the configuration would have it", multiple: true },
  },
  run({ args }) {
    const path = String(args.file);
    const given = new Map(args.values.map((pair) => [pair.split("=", 1)[0] ?? "", pair.slice(pair.indexOf("=") + 1)]));
    const contract = readContract({ path, handle: basename(path).replace(/_native\.ya?ml$/, "") });
    const spec = resolveContract({ contract, values: (name) => given.get(name) });
    emit(spec, { json: args.json, render: (it) => `${it.handle}\t127.0.0.1:${it.port}\t${it.argv.join(" ")}` });
  },
});

if (import.meta.main) await runScript(command);
