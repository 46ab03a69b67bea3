#!/usr/bin/env bun
/**
 * Whether plain `docker compose` can start native services: docker's plugin folder, and compose's version.
 *
 *   bun routines/provider/read-provider.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { table } from "../_script/table.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { readComposeVersion } from "../engine/find-compose.ts";
import { readPlugin } from "./_plugin.ts";

export interface ProviderStatus {
  isInstalled: boolean;
  /** The link in docker's folder of plugins. */
  path: string;
  /** Where it leads; null where there is none. */
  target: string | null;
  /** Of compose; null where there is none. */
  compose: string | null;
  /** Whether that one knows of providers. */
  isComposeNewEnough: boolean;
}

/** The first compose with `provider:`. */
export const FIRST_COMPOSE = "2.36";

export async function readProvider({ env, home }: { env: Env; home: string }): Promise<ProviderStatus> {
  const { path, current } = readPlugin(env);
  const compose = await readComposeVersion({ env, home });
  const isComposeNewEnough = compose !== undefined && isAtLeast(compose, FIRST_COMPOSE);
  return { isInstalled: current !== undefined, path, target: current ?? null, compose: compose ?? null, isComposeNewEnough };
}

function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.+-]/).map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** For a person. */
export function renderStatus({ isInstalled, path, target, compose, isComposeNewEnough }: ProviderStatus): string {
  const version = compose === null ? "none is installed" : compose;
  return table([
    ["plugin", isInstalled ? "installed" : "not installed: `harbor provider install` does it"],
    ["link", isInstalled ? `${path} -> ${target}` : path],
    ["compose", isComposeNewEnough ? version : `${version}: services with \`provider:\` need ${FIRST_COMPOSE} or newer`],
  ]).join("\n");
}

export const command = defineCommand({
  meta: {
    name: "read-provider",
    description: "Show whether docker compose can start native services",
    examples: ["harbor provider status", "harbor provider status --json"],
  },
  args: { ...jsonArg },
  async run({ args }) {
    const { env } = process;
    emit(await readProvider({ env, home: findHome(env) }), { json: args.json, render: renderStatus });
  },
});

if (import.meta.main) await runScript(command);
