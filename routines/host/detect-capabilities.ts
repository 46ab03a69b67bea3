#!/usr/bin/env bun
/**
 * What the host offers to services, each with the reason. Looks at files and PATH only, so that it
 * costs nothing on the way of `harbor plan`.
 *
 *   bun routines/host/detect-capabilities.ts --json
 */
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { readComposeVersion } from "../engine/find-compose.ts";

export interface Capability {
  name: string;
  isPresent: boolean;
  /** Whether the host has such a device, also where its containers do not get it. */
  hasDevice: boolean;
  reason: string;
}

export interface DetectCapabilitiesOptions {
  env: Record<string, string | undefined>;
  /** `$HARBOR_HOME`, where the compose version is remembered. */
  home: string;
  /** The root of the file system looked at. */
  root?: string;
  /** Compose's version; asked of the plugin (and remembered) when left out. */
  composeVersion?: () => Promise<string | undefined>;
}

/** nvidia, cdi, rocm and mdc, in this order. `build` is never detected: it is a wish. */
export async function detectCapabilities(options: DetectCapabilitiesOptions): Promise<Capability[]> {
  const devices = detectDevices(options);
  const version = await (options.composeVersion ?? (() => readComposeVersion({ env: options.env, home: options.home })))();
  return [...devices, detectMdc(version)];
}

/** The part of them that is about GPUs: nvidia, cdi and rocm. */
export function detectDevices({ env, root = "/" }: Pick<DetectCapabilitiesOptions, "env" | "root">): Capability[] {
  const has = (path: string): boolean => existsSync(join(root, path));
  const finds = (program: string): boolean => findOnPath(program, env.PATH ?? "", root) !== undefined;
  const nvidia = detectNvidia(has, finds);
  return [nvidia, detectCdi(has, nvidia), detectRocm(has, root)];
}

type Test = (name: string) => boolean;

const DRIVER_FILES = ["proc/driver/nvidia/version", "dev/nvidiactl", "usr/lib/wsl/lib/nvidia-smi"];
const TOOLKIT_PROGRAMS = ["nvidia-ctk", "nvidia-container-toolkit", "nvidia-container-runtime"];

/** The driver alone gives a container no GPU: the container toolkit must be there as well. */
function detectNvidia(has: Test, finds: Test): Capability {
  const name = "nvidia";
  const driver = DRIVER_FILES.find(has) ?? (finds("nvidia-smi") ? "nvidia-smi" : undefined);
  if (driver === undefined) return { name, isPresent: false, hasDevice: false, reason: "no NVIDIA driver" };
  const toolkit = TOOLKIT_PROGRAMS.find(finds);
  if (toolkit === undefined)
    return { name, isPresent: false, hasDevice: true, reason: `a driver (${driver}), but no NVIDIA Container Toolkit` };
  return { name, isPresent: true, hasDevice: true, reason: `${driver} and ${toolkit}` };
}

const CDI_FILES = ["etc/cdi/nvidia.yaml", "var/run/cdi/nvidia.yaml", "etc/cdi/nvidia.json", "var/run/cdi/nvidia.json"];

/** With both, the toolkit's own way is taken: two definitions of one device must not meet. */
function detectCdi(has: Test, nvidia: Capability): Capability {
  const name = "cdi";
  const file = CDI_FILES.find(has);
  if (file === undefined) return { name, isPresent: false, hasDevice: false, reason: "no CDI specification of NVIDIA devices" };
  if (nvidia.isPresent) return { name, isPresent: false, hasDevice: true, reason: `a CDI specification (/${file}), but nvidia goes first` };
  return { name, isPresent: true, hasDevice: true, reason: `/${file}` };
}

/** AMD's compute driver and at least one render node; neither `lsmod` nor ROCm on the host is needed. */
function detectRocm(has: Test, root: string): Capability {
  const name = "rocm";
  if (!has("dev/kfd")) return { name, isPresent: false, hasDevice: false, reason: "no AMD compute device (/dev/kfd)" };
  const node = readNames(join(root, "dev/dri")).find((entry) => entry.startsWith("renderD"));
  if (node === undefined) return { name, isPresent: false, hasDevice: true, reason: "/dev/kfd, but no render node in /dev/dri" };
  return { name, isPresent: true, hasDevice: true, reason: `/dev/kfd and /dev/dri/${node}` };
}

const MDC_SINCE = [2, 23, 1];

/** Inline configs (`configs: { x: { content } }`) came with compose 2.23.1. */
function detectMdc(version: string | undefined): Capability {
  const name = "mdc";
  if (version === undefined) return { name, isPresent: false, hasDevice: false, reason: "no docker compose" };
  const isNewer = !/\d/.test(version) || compareVersions(version, MDC_SINCE) >= 0; // "dev" is newer
  return { name, isPresent: isNewer, hasDevice: false, reason: `docker compose ${version}${isNewer ? "" : ", older than 2.23.1"}` };
}

function compareVersions(version: string, floor: readonly number[]): number {
  const parts = (version.match(/\d+/g) ?? []).map(Number);
  for (const [index, least] of floor.entries()) {
    const difference = (parts[index] ?? 0) - least;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The program's file below that root, the first along the path that may be run. */
export function findOnPath(program: string, path: string, root: string): string | undefined {
  const files = path.split(":").flatMap((directory) => (directory === "" ? [] : [join(root, directory, program)]));
  return files.find((file) => {
    if (!existsSync(file)) return false; // sooner than by an error
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export const command = defineCommand({
  meta: { name: "detect-capabilities", description: "Show what the host offers to services, and why" },
  args: { ...jsonArg },
  async run({ args }) {
    const capabilities = await detectCapabilities({ env: process.env, home: findHome(process.env) });
    const render = (them: Capability[]): string => them.map((it) => `${it.isPresent ? "yes" : "no"}\t${it.name}\t${it.reason}`).join("\n");
    emit(capabilities, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
