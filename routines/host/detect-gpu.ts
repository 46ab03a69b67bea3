#!/usr/bin/env bun
/**
 * Whether this host has a GPU for models, and whether the containers of its engine get it. Looks at files and at
 * what is known of the engine; asks neither a driver nor the engine, so that a plan may ask it.
 *
 *   bun routines/host/detect-gpu.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { type DetectEngineKindOptions, detectEngineKind, isWsl } from "../engine/detect-engine-kind.ts";
import { findEndpoint, productOf } from "../engine/find-endpoint.ts";
import { type Capability, detectDevices } from "./detect-capabilities.ts";

export interface Gpu {
  isPresent: boolean;
  /** Whether containers get it. */
  isPassedOn: boolean;
  /** Of both, for a person. */
  reason: string;
}

export interface DetectGpuOptions extends DetectEngineKindOptions {
  /** Devices found before; looked for when left out. */
  devices?: readonly Capability[];
  /** Capabilities that the user selected: what they name, containers get. */
  capabilities?: ReadonlySet<string>;
}

const GPU_CAPABILITIES = ["nvidia", "cdi", "rocm"] as const;

/** Throws as `detectEngineKind` does. */
export function detectGpu(options: DetectGpuOptions): Gpu {
  const devices = options.devices ?? detectDevices(options);
  const capability = GPU_CAPABILITIES.find(
    (name) => options.capabilities?.has(name) || devices.some((device) => device.name === name && device.isPresent),
  );
  const { platform = process.platform } = options;
  // every Mac of these years has one
  const device = platform === "darwin" ? "Apple's" : devices.find((it) => it.hasDevice)?.name;
  if (device === undefined && capability === undefined) return { isPresent: false, isPassedOn: false, reason: "this host has no GPU" };
  const engine = describeMachine(options, platform);
  if (engine !== undefined && !options.capabilities?.has(capability ?? "")) {
    return { isPresent: true, isPassedOn: false, reason: `${engine} gives containers none` };
  }
  if (capability !== undefined) return { isPresent: true, isPassedOn: true, reason: `containers get the GPU (${capability})` };
  // Docker Desktop passes it on by Windows' own driver, without a toolkit on this side
  if (isWsl(options.kernel)) return { isPresent: true, isPassedOn: true, reason: "containers get the GPU (WSL)" };
  const lacking = devices.find((it) => it.hasDevice)?.reason ?? "";
  return { isPresent: true, isPassedOn: false, reason: `containers get none (${lacking})` };
}

/** The engine's name where its containers do not run on this kernel, and get no GPU of it; undefined where they do. */
function describeMachine(options: DetectEngineKindOptions, platform: NodeJS.Platform): string | undefined {
  const kind = detectEngineKind(options);
  if (kind === "remote") return "an engine on another machine";
  const isVirtual = platform === "darwin" || (kind === "desktop" && !isWsl(options.kernel));
  if (!isVirtual) return undefined;
  const product = productOf(options.endpoint ?? findEndpoint(options));
  return product === "Docker Engine" ? "Docker Desktop" : product;
}

export const command = defineCommand({
  meta: { name: "detect-gpu", description: "Show whether this host has a GPU, and whether containers get it" },
  args: { ...jsonArg },
  run({ args }) {
    const gpu = detectGpu({ env: process.env, home: findHome(process.env) });
    const yes = (is: boolean): string => (is ? "yes" : "no");
    emit(gpu, { json: args.json, render: (it) => `host ${yes(it.isPresent)}\tcontainers ${yes(it.isPassedOn)}\t${it.reason}` });
  },
});

if (import.meta.main) await runScript(command);
