#!/usr/bin/env bun
/**
 * Read and check a native contract, with `${…}` as written.
 *
 *   bun routines/native/read-contract.ts services/mock-openai/mock-openai_native.yml --json
 */
import { basename } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { parseDuration } from "../_script/duration.ts";
import { emit } from "../_script/emit.ts";
import { formatPlace, HarborError } from "../_script/error.ts";
import { readText } from "../_script/read-text.ts";
import { runScript } from "../_script/script.ts";
import { locateYaml, parseYaml } from "../_script/yaml.ts";
import { Fields, isMapping, type KeyPath, type Mapping, type Problem } from "./_contract-fields.ts";
import { readCommandLine } from "./_read-command-line.ts";
import type { ReadySpec, RestartSpec, StopSpec } from "./_types.ts";

export type { ReadySpec, RestartSpec, StopSpec } from "./_types.ts";

export interface Contract {
  handle: string;
  path: string;
  /** Name of the proxy service in the compose model: the one the block stands in, else the handle. */
  service: string;
  executable: string;
  /** A text is split into words when its `${…}` are filled in, those in quotes as one word; a list never is. */
  args: string[] | string;
  port: string;
  /** The service's port in the stack's network, where it is not the definition's own. */
  containerPort?: string;
  requiresGpuPassthrough: boolean;
  /** Names passed on from the configuration, where they are set. */
  envVars: string[];
  env: Record<string, string>;
  /** Values laid over the configuration for what depends on the service. */
  envOverrides: Record<string, string>;
  ready: ReadySpec;
  stop: StopSpec;
  restart?: RestartSpec;
  /** How to install it, by platform (`darwin`, `linux`, `any`): shown, never run. */
  install: Record<string, string>;
  workingDirectory?: string;
  /** The file as a compose document, without `x-harbor-native`. */
  document: Record<string, unknown>;
  /** Whether the document has a proxy that can run; else Harbor writes one. */
  hasProxy: boolean;
}

export interface ReadContractOptions {
  path: string;
  handle: string;
}

const BLOCK = "x-harbor-native";
const KEYS = [
  "executable",
  "daemon_args",
  "daemon_command",
  "port",
  "container_port",
  "requires_gpu_passthrough",
  "env_vars",
  "env",
  "env_overrides",
  "ready",
  "stop",
  "restart",
  "install",
  "working_directory",
] as const;
const POLICIES = ["no", "on-failure", "always", "unless-stopped"] as const;
const PLATFORMS = ["darwin", "linux", "win32", "any"] as const;

/** Throws one error that lists every problem with its place. */
export function readContract(options: ReadContractOptions): Contract {
  const { path, handle } = options;
  const text = readText(path, "contract");
  const document = parseYaml(text, path);
  const problems: Problem[] = [];
  const found = isMapping(document) ? findBlock(document, handle, problems) : undefined;
  if (found === undefined || !isMapping(document)) throw asError(path, text, problems.length > 0 ? problems : [noBlock()]);
  const contract = readBlock(new Fields(found.block, found.at, problems));
  if (problems.length > 0) throw asError(path, text, problems);
  const rest = withoutBlock(document);
  const proxy = (rest.services as Mapping | undefined)?.[found.service];
  const hasProxy = isMapping(proxy) && (proxy.image !== undefined || proxy.build !== undefined);
  return { handle, path, service: found.service, ...contract, document: rest, hasProxy };
}

function noBlock(): Problem {
  return { path: [], text: `it has no "${BLOCK}" block, neither in a service nor at the top` };
}

interface Found {
  block: Mapping;
  at: KeyPath;
  service: string;
}

/** The block inside a service, or the one at the top level; two of them are one too many. */
function findBlock(document: Mapping, handle: string, problems: Problem[]): Found | undefined {
  const services = isMapping(document.services) ? document.services : {};
  const places: { at: KeyPath; value: unknown; service: string }[] = [];
  if (BLOCK in document) places.push({ at: [BLOCK], value: document[BLOCK], service: handle });
  for (const [service, body] of Object.entries(services)) {
    if (isMapping(body) && BLOCK in body) places.push({ at: ["services", service, BLOCK], value: body[BLOCK], service });
  }
  for (const place of places.slice(1)) problems.push({ path: place.at, text: `a second "${BLOCK}"; a contract has one` });
  const [first] = places;
  if (first === undefined) return undefined;
  if (isMapping(first.value)) return { block: first.value, at: first.at, service: first.service };
  problems.push({ path: first.at, text: `"${BLOCK}" must be a map` });
  return undefined;
}

type Block = Omit<Contract, "handle" | "path" | "service" | "document" | "hasProxy">;

function readBlock(fields: Fields): Block {
  fields.allow(KEYS);
  const { executable, args } = readCommandLine(fields);
  const port = fields.port("port");
  if (!fields.has("port")) fields.problem(undefined, '"port" is missing: the port that the process listens on');
  const env = fields.variables("env");
  const overrides = fields.variables("env_overrides");
  for (const name of overrides.bare) fields.problem("env_overrides", `"${name}" in "env_overrides" has no value`);
  const block: Block = {
    executable,
    args,
    port: port ?? "",
    requiresGpuPassthrough: fields.flag("requires_gpu_passthrough"),
    envVars: [...new Set([...fields.names("env_vars"), ...env.bare])],
    env: env.values,
    envOverrides: overrides.values,
    ready: readReady(fields.section("ready")),
    stop: readStop(fields.section("stop")),
    install: readInstall(fields),
  };
  const containerPort = fields.port("container_port");
  if (containerPort !== undefined) block.containerPort = containerPort;
  const workingDirectory = fields.text("working_directory");
  if (workingDirectory !== undefined) block.workingDirectory = workingDirectory;
  const restart = readRestart(fields.section("restart"));
  if (restart !== undefined) block.restart = restart;
  return block;
}

function readReady(fields: Fields | undefined): ReadySpec {
  fields?.allow(["http", "tcp", "timeout", "interval"]);
  const http = fields?.checked("http", (text) => text.startsWith("/"), "a path like /health");
  if (fields?.flag("tcp") && http !== undefined) fields.problem("tcp", '"tcp" and "http" exclude each other');
  const ready: ReadySpec = {
    timeout: fields?.duration("timeout") ?? "60s",
    interval: fields?.duration("interval") ?? "10s",
    start_interval: "200ms",
    start_period: "0s",
    successes: 1,
    failures: 3,
    probe_timeout: "2s",
  };
  return http === undefined ? ready : { http, ...ready };
}

function readStop(fields: Fields | undefined): StopSpec {
  fields?.allow(["signal", "grace"]);
  return { signal: fields?.signal("signal") ?? "SIGTERM", grace: fields?.duration("grace") ?? "10s" };
}

function readRestart(fields: Fields | undefined): RestartSpec | undefined {
  if (fields === undefined) return undefined;
  fields.allow(["policy", "max", "backoff"]);
  const policy = fields.checked("policy", (text) => POLICIES.some((known) => known === text), `one of ${POLICIES.join(", ")}`);
  const max = fields.checked("max", (text) => /^\d+$/.test(text), "a whole number");
  const isBackoff = (text: string): boolean =>
    text.split("..").length <= 2 && text.split("..").every((part) => parseDuration(part) !== undefined);
  const backoff = fields.checked("backoff", isBackoff, "a duration, or two like 500ms..30s");
  return {
    policy: policy === "unless-stopped" ? "always" : ((policy ?? "on-failure") as RestartSpec["policy"]),
    max: Number(max ?? "5"),
    backoff: backoff ?? "500ms..30s",
    reset_after: "60s",
  };
}

function readInstall(fields: Fields): Record<string, string> {
  if (fields.isText("install")) return { any: fields.text("install") ?? "" };
  const section = fields.section("install");
  section?.allow(PLATFORMS);
  const install: Record<string, string> = {};
  for (const platform of section?.keys() ?? []) install[platform] = section?.text(platform) ?? "";
  return install;
}

/** A copy without the block; a service that consisted of nothing else goes with it. */
function withoutBlock(document: Mapping): Mapping {
  const { [BLOCK]: _, ...rest } = document;
  if (!isMapping(rest.services)) return rest;
  const services: Mapping = {};
  for (const [name, body] of Object.entries(rest.services)) {
    if (!isMapping(body) || !(BLOCK in body)) services[name] = body;
    else if (Object.keys(body).length > 1) services[name] = Object.fromEntries(Object.entries(body).filter(([key]) => key !== BLOCK));
  }
  const { services: __, ...others } = rest;
  return Object.keys(services).length === 0 ? others : { ...others, services };
}

function asError(path: string, text: string, problems: readonly Problem[]): HarborError {
  const placed = problems.map((problem) => ({ text: problem.text, at: { file: path, ...locateYaml(text, problem.path) } }));
  const [first] = placed;
  const name = basename(path);
  if (placed.length === 1 && first !== undefined) return new HarborError(`Cannot read contract "${name}": ${first.text}`, { at: first.at });
  return new HarborError(`Cannot read contract "${name}": ${placed.length} problems`, {
    at: { file: path },
    details: placed.map((problem) => `${formatPlace(problem.at)}: ${problem.text}`),
  });
}

export const command = defineCommand({
  meta: {
    name: "read-contract",
    description: "Read and check a native contract",
    examples: ["harbor routine read-contract services/ollama/ollama_native.yml --json"],
  },
  args: { ...jsonArg, file: { type: "positional", description: "Path of a <handle>_native.yml", required: true } },
  run({ args }) {
    const file = String(args.file);
    const contract = readContract({ path: file, handle: basename(file).replace(/_native\.ya?ml$/, "") });
    const words = [contract.executable, ...(typeof contract.args === "string" ? [contract.args] : contract.args)];
    emit(contract, { json: args.json, render: (it) => `${it.handle}\tport ${it.port}\t${words.join(" ")}` });
  },
});

if (import.meta.main) await runScript(command);
