#!/usr/bin/env bun
/**
 * Tell what kind of engine there is, without asking it: that decides how a container reaches this
 * host's loopback, and a plan must know it where no engine runs.
 *
 *   bun routines/engine/detect-engine-kind.ts
 */
import { readFileSync } from "node:fs";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { recallHost, rememberHost } from "./_host-cache.ts";
import { type Endpoint, findEndpoint, isRemote, productOf } from "./find-endpoint.ts";

/**
 * `linux`: shares this host's kernel and network. `desktop`: in a virtual machine (Docker Desktop,
 * OrbStack, Colima, Rancher Desktop). `rootless`: its host network is not this host's. `podman`: Podman's
 * socket. `remote`: on another machine.
 */
export type EngineKind = "linux" | "desktop" | "rootless" | "podman" | "remote";

const KINDS: readonly EngineKind[] = ["linux", "desktop", "rootless", "podman", "remote"];

const MACHINES: readonly string[] = ["Docker Desktop", "OrbStack", "Colima", "Rancher Desktop", "Lima"];

export interface DetectEngineKindOptions {
  env: Record<string, string | undefined>;
  /** `$HARBOR_HOME`, where an engine's own answer is remembered. */
  home: string;
  /** `HARBOR_ENGINE_KIND` of the configuration; of `env` when left out. */
  wanted?: string | undefined;
  platform?: NodeJS.Platform;
  endpoint?: Endpoint;
  /** The kernel's name for itself, which tells WSL2. */
  kernel?: () => string;
}

/** `HARBOR_ENGINE_KIND`, else what this engine once answered, else a guess by platform and socket. Throws `usage`. */
export function detectEngineKind(options: DetectEngineKindOptions): EngineKind {
  const wanted = readKind(options.wanted ?? options.env.HARBOR_ENGINE_KIND);
  if (wanted !== undefined) return wanted;
  const endpoint = options.endpoint ?? findEndpoint(options);
  return recallEngineKind(options.home, endpoint) ?? guessKind(endpoint, options);
}

/** What the user says the engine is, where Harbor guesses wrong; empty counts as unset. Throws `usage`. */
export function readKind(wanted: string | undefined): EngineKind | undefined {
  if (!wanted) return undefined;
  const kind = KINDS.find((candidate) => candidate === wanted);
  if (kind !== undefined) return kind;
  throw new HarborError(`Cannot use HARBOR_ENGINE_KIND "${wanted}": there is no such kind`, {
    exit: "usage",
    hint: `Use one of ${KINDS.join(", ")}, or leave it out`,
  });
}

function guessKind(endpoint: Endpoint, options: DetectEngineKindOptions): EngineKind {
  const { platform = process.platform, kernel = readKernel } = options;
  if (isRemote(endpoint)) return "remote";
  const product = productOf(endpoint);
  if (product === "Podman") return "podman";
  if (platform !== "linux" || MACHINES.includes(product)) return "desktop";
  if (/^unix:\/\/(?:\/var)?\/run\/user\//.test(endpoint.host)) return "rootless";
  return isWsl(kernel) ? "desktop" : "linux";
}

/** Whether this Linux is the one inside of Windows. */
export function isWsl(kernel: () => string = readKernel): boolean {
  return /microsoft/i.test(kernel());
}

function readKernel(): string {
  try {
    return readFileSync("/proc/sys/kernel/osrelease", "utf8");
  } catch {
    return "";
  }
}

/** What `/version` and `/info` say of it. */
export interface EngineFacts {
  platformName?: string | undefined;
  components?: readonly string[] | undefined;
  operatingSystem?: string | undefined;
  securityOptions?: readonly string[] | undefined;
  /** The engine's machine's name: Colima's is its only mark. */
  name?: string | undefined;
}

/** The kind by the engine's own words. */
export function kindOf(facts: EngineFacts, platform: NodeJS.Platform = process.platform): EngineKind {
  if (facts.components?.some((component) => /podman/i.test(component))) return "podman";
  const words = [facts.platformName, facts.operatingSystem, facts.name].join(" ");
  if (platform !== "linux" || /docker desktop|orbstack|rancher desktop|colima|lima-/i.test(words)) return "desktop";
  const isRootless = facts.securityOptions?.some((option) => option.includes("rootless")) || facts.components?.includes("rootlesskit");
  return isRootless ? "rootless" : "linux";
}

interface RememberedEngine {
  kind: EngineKind;
  /** Another version under the same address may be another engine. */
  version: string;
}

/** What this engine answered before, unless it is another version now. */
export function recallEngineKind(home: string, endpoint: Endpoint, version?: string): EngineKind | undefined {
  const known = recallHost<Partial<RememberedEngine>>(home, "engines", endpoint.host);
  if (version !== undefined && known?.version !== version) return undefined;
  return KINDS.find((kind) => kind === known?.kind);
}

/** Keeps an engine's own answer for the plans to come. */
export function rememberEngineKind(home: string, endpoint: Endpoint, engine: RememberedEngine): void {
  rememberHost(home, "engines", endpoint.host, engine);
}

export const command = defineCommand({
  meta: { name: "detect-engine-kind", description: "Tell what kind of engine there is, without asking it" },
  args: { ...jsonArg },
  async run({ args }) {
    const { findWorkspace } = await import("../workspace/find-workspace.ts");
    const { readValues } = await import("../config/read-values.ts");
    const env = process.env;
    const home = findHome(env);
    const values = readValues({ workspace: findWorkspace({ home }), env });
    const kind = detectEngineKind({ env, home, wanted: values.get("HARBOR_ENGINE_KIND") });
    emit({ kind }, { json: args.json, render: (it) => it.kind });
  },
});

if (import.meta.main) await runScript(command);
