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
import { type EngineKind, kindOf, recallEngineKind, rememberEngineKind } from "./detect-engine-kind.ts";
import { type Endpoint, findEndpoint } from "./find-endpoint.ts";

export interface ConnectEngineOptions {
  env: Record<string, string | undefined>;
  /** `$HARBOR_HOME`, where the engine's kind is remembered. */
  home: string;
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

/** Throws `missing`, saying whether no engine is there, it does not answer, or it may not be used. */
export async function connectEngine(options: ConnectEngineOptions): Promise<Engine> {
  const endpoint = options.endpoint ?? findEndpoint(options);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const abortSignal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    const client = createEngineClient(addressOf(endpoint));
    const { Version: version, ...answer } = await client.get<VersionAnswer>("/version", {}, abortSignal);
    const kind = recallEngineKind(options.home, endpoint, version) ?? (await askKind(client, answer, abortSignal));
    if (recallEngineKind(options.home, endpoint, version) === undefined) rememberEngineKind(options.home, endpoint, { kind, version });
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
