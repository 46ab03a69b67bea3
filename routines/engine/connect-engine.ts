#!/usr/bin/env bun
/**
 * Connect to the container engine, and learn what it is.
 *
 *   bun routines/engine/connect-engine.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { createEngineClient, type EngineClient } from "../_script/docker.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { addressOf, explainEngineError } from "./_reach-engine.ts";
import { type EngineKind, kindOf, readKind, recallEngineKind, rememberEngineKind } from "./detect-engine-kind.ts";
import { type Endpoint, findEndpoint, isRemote } from "./find-endpoint.ts";

export interface ConnectEngineOptions {
  env: Record<string, string | undefined>;
  /** `$HARBOR_HOME`, where the engine's kind is remembered. */
  home: string;
  /** `HARBOR_ENGINE_KIND` of the configuration; what the engine says itself when left out. */
  wanted?: string | undefined;
  endpoint?: Endpoint;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export interface Engine extends EngineClient {
  endpoint: Endpoint;
  kind: EngineKind;
  version: string;
}

const TIMEOUT_MS = 5_000;

/** Throws `missing`, saying whether no engine is there, it does not answer, or it may not be used; `usage` for a kind that is none. */
export async function connectEngine(options: ConnectEngineOptions): Promise<Engine> {
  const wanted = readKind(options.wanted);
  const endpoint = options.endpoint ?? findEndpoint(options);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const abortSignal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    const client = createEngineClient(addressOf(endpoint));
    const { Version: version, ...answer } = await client.get<VersionAnswer>("/version", {}, abortSignal);
    // what it says of itself is said of its own machine
    const own = isRemote(endpoint) ? "remote" : undefined;
    const kind = wanted ?? own ?? (await learnKind(options.home, endpoint, version, () => askKind(client, answer, abortSignal)));
    return Object.assign(client, { endpoint, kind, version });
  } catch (error) {
    if (options.signal?.aborted)
      throw new HarborError("Cannot connect to the container engine: interrupted", { exit: "interrupted", cause: error });
    throw explainEngineError(endpoint, error);
  }
}

interface VersionAnswer {
  Version: string;
  Platform?: { Name?: string };
  Components?: { Name: string }[];
}

interface InfoAnswer {
  OperatingSystem?: string;
  SecurityOptions?: string[] | null;
  Name?: string;
}

/** Asked once for each version of an engine; what a user says of it is never remembered. */
async function learnKind(home: string, endpoint: Endpoint, version: string, ask: () => Promise<EngineKind>): Promise<EngineKind> {
  const known = recallEngineKind(home, endpoint, version);
  if (known !== undefined) return known;
  const kind = await ask();
  rememberEngineKind(home, endpoint, { kind, version });
  return kind;
}

async function askKind(client: EngineClient, version: Omit<VersionAnswer, "Version">, abortSignal: AbortSignal): Promise<EngineKind> {
  const info = await client.get<InfoAnswer>("/info", {}, abortSignal);
  return kindOf({
    platformName: version.Platform?.Name,
    components: version.Components?.map((component) => component.Name),
    operatingSystem: info.OperatingSystem,
    securityOptions: info.SecurityOptions ?? undefined,
    name: info.Name,
  });
}

export const command = defineCommand({
  meta: { name: "connect-engine", description: "Connect to the container engine, and say what it is" },
  args: { ...jsonArg },
  async run({ args }) {
    const { endpoint, kind, version } = await connectEngine({ env: process.env, home: findHome(process.env) });
    emit({ ...endpoint, kind, version }, { json: args.json, render: (it) => `${it.kind}\t${it.version}\t${it.host}` });
  },
});

if (import.meta.main) await runScript(command);
