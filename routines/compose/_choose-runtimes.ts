/**
 * What each selected service runs on, a process, a container or a server of the user's own, and why: what this call says, what it runs on already, what the user prefers, and
 * with none of these `auto`, which is native only where a container could not have the GPU.
 */
import { HarborError } from "../_script/error.ts";
import { type Connection, connectionVariable, formatServerUrl, readConnection } from "../config/connection.ts";
import type { Values } from "../config/read-values.ts";
import { readPreference, runtimeVariable } from "../config/runtime-preference.ts";
import type { Gpu } from "../host/detect-gpu.ts";
import { findExecutable } from "../native/find-executable.ts";
import { type Contract, readContract } from "../native/read-contract.ts";
import type { ServiceFile } from "../workspace/list-files.ts";
import type { RunningServices } from "./read-selection.ts";

/** What the words of a command say about runtimes. */
export interface Asked {
  /** Named without a word about what to run on. */
  names: readonly string[];
  /** `-x`. */
  excluded: readonly string[];
  /** `-c`. */
  contained: readonly string[];
  /** Nothing was named: what the base file says to run natively. */
  embedded: string[];
  /** `-n`. */
  isNative: boolean;
  /** `*`. */
  isAll: boolean;
}

export interface ChooseRuntimesOptions {
  asked: Asked;
  /** The services selected; `*` for all. */
  services: ReadonlySet<string> | "*";
  files: readonly ServiceFile[];
  running: RunningServices | undefined;
  values: Values;
  /** Of the host and its engine; asked at most once, and only for a service of which nothing else decides. */
  gpu: () => Gpu;
}

export interface ChosenRuntimes {
  /** Of the native services, by handle. */
  contracts: Map<string, Contract>;
  /** Servers that stand in for services, by handle. */
  connections: Map<string, Connection>;
  /** Handle → why it runs on what it runs on. */
  reasons: Map<string, string>;
}

interface Decision {
  runtime: "native" | "container" | "connected";
  because: string;
}

/** What there is of one service. */
interface Candidate {
  handle: string;
  contract: ServiceFile | undefined;
  hasDefinition: boolean;
}

/** Throws `usage` for a preference that is none, `failed` for a service that is to run natively and has no contract. */
export function chooseRuntimes(options: ChooseRuntimesOptions): ChosenRuntimes {
  const contracts = new Map<string, Contract>();
  const connections = new Map<string, Connection>();
  const reasons = new Map<string, string>();
  const files = filesOf(options.files, "contract");
  const definitions = filesOf(options.files, "definition");
  const handles = options.services === "*" ? new Set([...definitions.keys(), ...files.keys()]) : options.services;
  for (const handle of handles) {
    const candidate = { handle, contract: files.get(handle), hasDefinition: definitions.has(handle) };
    const { runtime, because } = decide(candidate, options);
    reasons.set(handle, because);
    if (runtime === "native") contracts.set(handle, contractOf(candidate, because));
    if (runtime === "connected") connections.set(handle, connectionOf(handle, because, options.values));
  }
  return { contracts, connections, reasons };
}

/** The topmost layer's, by handle. */
function filesOf(files: readonly ServiceFile[], kind: ServiceFile["kind"]): Map<string, ServiceFile> {
  return new Map(files.filter((file) => file.kind === kind).map((file) => [file.parts[0] ?? "", file]));
}

function decide(candidate: Candidate, options: ChooseRuntimesOptions): Decision {
  return decideByCall(candidate, options) ?? decideByRunning(candidate, options) ?? decideByPreference(candidate, options);
}

function decideByCall({ handle, contract }: Candidate, { asked, running, values }: ChooseRuntimesOptions): Decision | undefined {
  if (asked.contained.includes(handle)) return { runtime: "container", because: "-c asks for it" };
  if (asked.excluded.includes(handle)) return { runtime: "native", because: "-x asks for it" };
  // what runs already, and is only part of it for that, stays on what it runs on
  const isJoining = asked.isAll || asked.names.includes(handle) || !running?.services.includes(handle);
  // it is for what would run here: a server of the user's own is not among that
  if (asked.isNative && readPreference(values, handle)?.runtime === "connected") return undefined;
  return asked.isNative && contract !== undefined && isJoining ? { runtime: "native", because: "-n, and it has a contract" } : undefined;
}

function decideByRunning({ handle, contract }: Candidate, { running }: ChooseRuntimesOptions): Decision | undefined {
  // nothing of it runs: what the configuration says now is all there is
  if (!running?.services.includes(handle) || running.connected?.includes(handle)) return undefined;
  const isNative = contract !== undefined && running.natives.includes(handle);
  return isNative
    ? { runtime: "native", because: "it runs natively already" }
    : { runtime: "container", because: "it runs in a container already" };
}

function decideByPreference(candidate: Candidate, options: ChooseRuntimesOptions): Decision {
  const { handle, contract, hasDefinition } = candidate;
  const own = readPreference(options.values, handle);
  if (own?.runtime === "connected") return { runtime: "connected", because: wordConnection(handle, own.because, options.values) };
  if (own !== undefined && own.runtime !== "auto") return { runtime: own.runtime, because: own.because };
  const all = own === undefined ? readPreference(options.values) : undefined;
  // for all means for all that can
  if (all?.runtime === "native" && contract !== undefined) return { runtime: "native", because: all.because };
  if (all?.runtime === "container" && hasDefinition) return { runtime: "container", because: all.because };
  if (own === undefined && options.asked.embedded.includes(handle)) {
    return { runtime: "native", because: "it is what runs, natively, when nothing is named" };
  }
  return decideAutomatically(candidate, options);
}

function wordConnection(handle: string, because: string, values: Values): string {
  const connection = readConnection(values, handle);
  return connection === undefined ? because : `${because}, to ${formatServerUrl(connection.address)}`;
}

function connectionOf(handle: string, because: string, values: Values): Connection {
  const connection = readConnection(values, handle);
  if (connection !== undefined) return connection;
  throw new HarborError(`Cannot connect "${handle}": ${connectionVariable(handle, "URL")} is not set`, {
    details: [because],
    hint: `Say where it is: harbor connect <url> --as ${handle}; or take the preference back: harbor config unset ${handle}.runtime`,
  });
}

function decideAutomatically({ handle, contract, hasDefinition }: Candidate, { gpu, values }: ChooseRuntimesOptions): Decision {
  if (contract === undefined) return { runtime: "container", because: "it has no contract" };
  if (!hasDefinition) return { runtime: "native", because: "it has a contract and no definition" };
  const { isPresent, isPassedOn, reason } = gpu();
  if (!isPresent || isPassedOn) return { runtime: "container", because: `auto: ${reason}` };
  const read = readContract({ path: contract.path, handle });
  if (!read.requiresGpuPassthrough) return { runtime: "container", because: "auto: its contract requires no GPU passthrough" };
  const { program, file } = findExecutable({ contract: read, values: values.get, path: values.get("PATH") ?? "" });
  const because = `auto: its contract requires GPU passthrough, ${reason}`;
  if (file === null) return { runtime: "container", because: `${because}, but ${program} is not installed` };
  return { runtime: "native", because: `${because}, ${program} is installed at ${file}` };
}

function contractOf({ handle, contract }: Candidate, because: string): Contract {
  if (contract !== undefined) return readContract({ path: contract.path, handle });
  const isPreferred = because.startsWith(runtimeVariable(handle));
  throw new HarborError(`Cannot run "${handle}" natively: it has no contract (${handle}_native.yml)`, {
    ...(isPreferred ? { details: [because] } : {}),
    hint: isPreferred ? `Take the preference back: harbor config unset ${handle}.runtime` : `Run it in a container: harbor up ${handle}`,
  });
}
