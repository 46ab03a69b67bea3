#!/usr/bin/env bun
/**
 * Fill in a contract's `${…}`: what to run, where and with which environment, as one value that a
 * plan holds and start-process.ts takes. Whether the program is installed is start's concern.
 *
 *   bun routines/native/resolve-contract.ts services/mock-openai/mock-openai_native.yml HARBOR_X=1 --json
 */
import { basename, dirname, resolve } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { Filler } from "./_filler.ts";
import { BRIDGES } from "./_read-life.ts";
import { resolveHook, resolveLive, resolveLogs, resolveReady, resolveRestart, resolveStop } from "./_resolve-life.ts";
import { isPort, isSpan, oneOf } from "./_rules.ts";
import { addressOf, type NativeSpec, PRIVATE_PORT } from "./_spec.ts";
import type { BridgeMode } from "./_types.ts";
import { type Contract, readContract } from "./read-contract.ts";

export { addressOf, atPort, type NativeSpec, type OfferingSpec, offersPort } from "./_spec.ts";
export type { Dependencies, DependencyCondition, LiveSpec, LogLimits, ProbeQuestion, ReadySpec } from "./_types.ts";
export { buildEnvironment } from "./environment.ts";

export interface ResolveContractOptions {
  contract: Contract;
  /** The configuration. */
  values: (name: string) => string | undefined;
  /** The definition's port in the stack's network; the contract's own `container_port` goes before it. */
  containerPort?: number | undefined;
  /** Where containers reach this host; asked for a service that they connect to themselves. Loopback where it says nothing. */
  findGateway?: (() => string | undefined) | undefined;
}

/** In a contract: where its process is to listen. */
export const NATIVE_ADDRESS = "HARBOR_NATIVE_ADDRESS";

/** Throws with the contract's path for a value that turns out wrong once it is filled in. */
export function resolveContract(options: ResolveContractOptions): NativeSpec {
  const { contract } = options;
  const bridge = new Filler(contract, options.values).checked("bridge", contract.bridge, oneOf(BRIDGES)) as BridgeMode;
  const address = bridge === "direct" ? options.findGateway?.() : undefined;
  const values: Values = (name) => (name === NATIVE_ADDRESS ? addressOf(address === undefined ? {} : { address }) : options.values(name));
  const own = contract.idle === undefined ? values : withPrivatePort(contract, values);
  const filler = new Filler(contract, own);
  const spec: NativeSpec = {
    handle: contract.handle,
    contract: resolve(contract.path),
    argv: filler.command(contract, { program: "executable", args: "daemon_args" }),
    cwd: resolve(dirname(contract.path), filler.text("working_directory", contract.workingDirectory ?? ".")),
    env: resolveEnv({ contract, values: own }, filler),
    ...resolvePorts(options, new Filler(contract, values)),
    ready: resolveReady(contract.ready, filler),
    stop: resolveStop(contract.stop, filler),
    restart: resolveRestart(contract.restart, filler),
    dependsOn: { ...contract.dependsOn },
    logs: resolveLogs(contract.logs, filler),
    bridge,
    ...(address === undefined ? {} : { address }),
    install: contract.install,
  };
  const { live, preStart, postStop, idle } = contract;
  if (live !== undefined) spec.live = resolveLive(live, filler);
  if (preStart !== undefined) spec.preStart = resolveHook("pre_start", preStart, filler);
  if (postStop !== undefined) spec.postStop = resolveHook("post_stop", postStop, filler);
  if (idle !== undefined) spec.idle = { stop_after: filler.checked("idle.stop_after", idle.stop_after, isSpan) };
  if (bridge === "direct") checkDirect(contract, spec);
  if (idle !== undefined && !JSON.stringify([spec.argv, spec.env]).includes(PRIVATE_PORT)) throw immovable(contract);
  return spec;
}

type Values = ResolveContractOptions["values"];

/** For a service that sleeps: the variable that holds its port is another port for its process. */
function withPrivatePort(contract: Contract, values: Values): Values {
  const variable = /^\$\{?([A-Za-z_][A-Za-z0-9_]*)(?:[:}]|$)/.exec(contract.port?.trim() ?? "")?.[1];
  if (variable === undefined) throw immovable(contract);
  return (name) => (name === variable ? PRIVATE_PORT : values(name));
}

/** Nothing stands between: no other port can be meant, and nobody holds connections while it sleeps. */
function checkDirect({ handle, path, port: written = "" }: Contract, { port, containerPort, idle }: NativeSpec): void {
  const refuse = (why: string, hint: string): HarborError =>
    new HarborError(`Cannot join "${handle}" to containers directly: ${why}`, { at: { file: path }, hint });
  if (idle !== undefined) throw refuse("it sleeps, and a relay has to wake it", 'Leave out "idle" or "bridge: direct"');
  if (port === containerPort) return;
  const variable = /^\$\{?([A-Za-z_][A-Za-z0-9_]*)/.exec(written.trim())?.[1];
  const give = variable === undefined ? `Give it port ${containerPort}` : `Set ${variable}=${containerPort}`;
  throw refuse(`it listens on port ${port}, and they look for it on ${containerPort}`, `${give}, or leave out "bridge: direct"`);
}

function immovable({ handle, path }: Contract): HarborError {
  return new HarborError(`Cannot let "${handle}" sleep: its port cannot be moved, and the supervisor has to listen there for it`, {
    at: { file: path },
    hint: `Write "port" as a variable, \${HARBOR_${handle.toUpperCase().replaceAll("-", "_")}_HOST_PORT:-12345}, and tell its process the port by the same variable`,
  });
}

/** The user's value goes before the contract's. */
function resolveEnv({ contract, values }: ResolveContractOptions, filler: Filler): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, text] of Object.entries(contract.env)) env[name] = filler.text(`env.${name}`, text);
  for (const name of contract.envVars) {
    const value = values(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** Both or none. */
function resolvePorts({ contract, containerPort }: ResolveContractOptions, filler: Filler): Pick<NativeSpec, "port" | "containerPort"> {
  if (contract.port === undefined) return {};
  const port = filler.number("port", contract.port, isPort);
  const own = contract.containerPort;
  return { port, containerPort: own === undefined ? (containerPort ?? port) : filler.number("container_port", own, isPort) };
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
    emit(spec, {
      json: args.json,
      render: (it) => `${it.handle}\t${it.port === undefined ? "-" : `${addressOf(it)}:${it.port}`}\t${it.argv.join(" ")}`,
    });
  },
});

if (import.meta.main) await runScript(command);
