#!/usr/bin/env bun
/**
 * Read and check a native contract, with `${…}` as written.
 *
 *   bun routines/native/read-contract.ts services/mock-openai/mock-openai_native.yml --json
 */
import { basename } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { formatPlace, HarborError } from "../_script/error.ts";
import { readText } from "../_script/read-text.ts";
import { runScript } from "../_script/script.ts";
import { locateYaml, parseYaml } from "../_script/yaml.ts";
import { Fields, isMapping, type KeyPath, type Mapping, type Problem } from "./_contract-fields.ts";
import { readCommandLine } from "./_read-command-line.ts";
import { BRIDGES, readDependencies, readHook, readIdle, readLogs, readRestart, readStop } from "./_read-life.ts";
import { readLive, readReady } from "./_read-probes.ts";
import { isPort, oneOf } from "./_rules.ts";
import type { Dependencies, HookSpec, IdleSpec, LiveSpec, LogLimits, ReadySpec, RestartSpec, StopSpec } from "./_types.ts";
import type { Written } from "./_written.ts";

/** A contract as it stands in its file, with what it leaves out filled in. */
export interface Contract {
  handle: string;
  path: string;
  /** Name of the proxy service in the compose model: the one the block stands in, else the handle. */
  service: string;
  /** Where the block stands in the file: for messages. */
  blockPath: KeyPath;
  executable: string;
  /** A text is split into words when its `${…}` are filled in, those in quotes as one word; a list never is. */
  args: string[] | string;
  /** None for a process that offers nothing to connect to, such as a job. */
  port?: string;
  /** The service's port in the stack's network, where it is not the definition's own. */
  containerPort?: string;
  requiresGpuPassthrough: boolean;
  /** Names passed on from the configuration, where they are set. */
  envVars: string[];
  env: Record<string, string>;
  /** Values laid over the configuration for what depends on the service. */
  envOverrides: Record<string, string>;
  ready: Written<ReadySpec>;
  live?: Written<LiveSpec>;
  stop: StopSpec;
  restart: Written<RestartSpec>;
  preStart?: Written<HookSpec>;
  postStop?: Written<HookSpec>;
  /** By handle, or by service of the compose model. */
  dependsOn: Dependencies;
  idle?: IdleSpec;
  logs: Written<LogLimits>;
  bridge: string;
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
  "live",
  "stop",
  "restart",
  "pre_start",
  "post_stop",
  "depends_on",
  "idle",
  "logs",
  "bridge",
  "install",
  "working_directory",
] as const;
const PLATFORMS = ["darwin", "linux", "win32", "any"] as const;

/** Throws one error that lists every problem with its place. */
export function readContract(options: ReadContractOptions): Contract {
  const { path, handle } = options;
  const text = readText(path, "contract");
  const document = parseYaml(text, path);
  const problems: Problem[] = [];
  const found = isMapping(document) ? findBlock(document, handle, problems) : undefined;
  if (found === undefined || !isMapping(document)) throw asError(path, text, problems.length > 0 ? problems : [noBlock()]);
  const rest = withoutBlock(document);
  const proxy = (rest.services as Mapping | undefined)?.[found.service];
  const hasProxy = isMapping(proxy) && (proxy.image !== undefined || proxy.build !== undefined);
  const contract = readBlock(new Fields(found.block, found.at, problems), hasProxy);
  if (problems.length > 0) throw asError(path, text, problems);
  return { handle, path, service: found.service, blockPath: found.at, ...contract, document: rest, hasProxy };
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

type Block = Omit<Contract, "handle" | "path" | "service" | "blockPath" | "document" | "hasProxy">;

function readBlock(fields: Fields, hasProxy: boolean): Block {
  fields.allow(KEYS);
  const hasPort = fields.has("port");
  if (!hasPort) checkPortless(fields, hasProxy);
  const env = fields.variables("env");
  const overrides = fields.variables("env_overrides");
  for (const name of overrides.bare) fields.problem("env_overrides", `"${name}" in "env_overrides" has no value`);
  return {
    ...readCommandLine(fields),
    requiresGpuPassthrough: fields.flag("requires_gpu_passthrough"),
    envVars: [...new Set([...fields.names("env_vars"), ...env.bare])],
    env: env.values,
    envOverrides: overrides.values,
    ready: readReady(fields.section("ready"), hasPort),
    stop: readStop(fields.section("stop")),
    restart: readRestart(fields.section("restart")),
    dependsOn: readDependencies(fields),
    logs: readLogs(fields.section("logs")),
    bridge: fields.checked("bridge", oneOf(BRIDGES)) ?? "relay",
    install: readInstall(fields),
    ...present({
      port: fields.checked("port", isPort),
      containerPort: fields.checked("container_port", isPort),
      live: readLive(fields.section("live"), hasPort),
      preStart: readHook(fields, "pre_start"),
      postStop: readHook(fields, "post_stop"),
      idle: readIdle(fields.section("idle")),
      workingDirectory: fields.text("working_directory"),
    }),
  };
}

/** What is about connections has no meaning for a process that takes none. */
function checkPortless(fields: Fields, hasProxy: boolean): void {
  if (hasProxy) fields.problem(undefined, '"port" is missing: the port that its proxy leads to');
  for (const key of ["container_port", "idle", "bridge"]) {
    if (fields.has(key)) fields.problem(key, `"${key}" needs a "port": nothing connects to a process without one`);
  }
}

/** Without the keys that have no value. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as ReturnType<typeof present<T>>;
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
    emit(contract, {
      json: args.json,
      render: (it) => `${it.handle}\t${it.port === undefined ? "no port" : `port ${it.port}`}\t${words.join(" ")}`,
    });
  },
});

if (import.meta.main) await runScript(command);
