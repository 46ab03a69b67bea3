#!/usr/bin/env bun
/**
 * Find docker's compose plugin and its version. The plugin is run by itself (it honours contexts and
 * DOCKER_HOST all the same), which saves the 35 to 200 ms that `docker` takes to find it at each call.
 *
 *   bun routines/engine/find-compose.ts --json
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { recallHost, rememberHost } from "./_host-cache.ts";

type Env = Record<string, string | undefined>;

export interface FindComposeOptions {
  env: Env;
  /** `$HARBOR_HOME`, where the version is remembered. */
  home: string;
  /** Where plugins of the whole system are looked for. */
  systemFolders?: readonly string[];
}

export interface Compose {
  /** The plugin's file. */
  path: string;
  /** As it prints it, without a leading `v`. */
  version: string;
}

/** Linux packages, Homebrew (both places), Docker Desktop for Mac: docker's own order first. */
const SYSTEM_FOLDERS = [
  "/usr/local/lib/docker/cli-plugins",
  "/usr/local/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
  "/usr/libexec/docker/cli-plugins",
  "/opt/homebrew/lib/docker/cli-plugins",
  "/Applications/Docker.app/Contents/Resources/cli-plugins",
];

/** Throws `missing` when there is none, or none that runs. */
export function findCompose(options: FindComposeOptions): Compose {
  const path = findPlugin(options);
  if (path === undefined) {
    throw new HarborError("Cannot run containers: docker's compose plugin is not installed", {
      exit: "missing",
      hint: installHint(process.platform),
    });
  }
  return { path, version: knownVersion(path, options.home) ?? askVersion(path, options.home) };
}

/** Compose's version, undefined where there is none; spawns nothing once it is remembered. */
export async function readComposeVersion(options: FindComposeOptions): Promise<string | undefined> {
  const path = findPlugin(options);
  return path === undefined ? undefined : (knownVersion(path, options.home) ?? runVersion(path, options.home));
}

function findPlugin({ env, systemFolders = SYSTEM_FOLDERS }: FindComposeOptions): string | undefined {
  const config = env.DOCKER_CONFIG || join(homeDirectory(env), ".docker");
  const folders = [join(config, "cli-plugins"), ...systemFolders];
  return candidates(folders).find(isExecutable) ?? candidates(extraFolders(config)).find(isExecutable);
}

function candidates(folders: readonly string[]): string[] {
  const name = process.platform === "win32" ? "docker-compose.exe" : "docker-compose";
  return folders.map((folder) => join(folder, name));
}

/** Homebrew asks its users to name its folder in docker's own configuration. */
function extraFolders(config: string): string[] {
  try {
    const parsed = JSON.parse(readFileSync(join(config, "config.json"), "utf8")) as { cliPluginsExtraDirs?: unknown };
    return Array.isArray(parsed.cliPluginsExtraDirs) ? parsed.cliPluginsExtraDirs.map(String) : [];
  } catch {
    return []; // no configuration, or one that docker itself will complain of
  }
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false; // sooner than by an error
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Another file under the same name has another size or time. */
function cacheKey(path: string): string {
  const { mtimeMs, size } = statSync(path);
  return `${path}:${mtimeMs}:${size}`;
}

function knownVersion(path: string, home: string): string | undefined {
  return recallHost<string>(home, "compose", cacheKey(path));
}

function askVersion(path: string, home: string): string {
  const version = runVersion(path, home);
  if (version !== undefined) return version;
  throw new HarborError(`Cannot run "${path}": it does not print its version`, { exit: "missing", hint: installHint(process.platform) });
}

function runVersion(path: string, home: string): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync([path, "version", "--short"], { stdin: "ignore", stderr: "ignore", timeout: 10_000 });
  const version = stdout.toString().trim().replace(/^v/, "");
  if (exitCode !== 0 || version === "") return undefined;
  rememberHost(home, "compose", cacheKey(path), version);
  return version;
}

function installHint(platform: NodeJS.Platform): string {
  const how: Partial<Record<NodeJS.Platform, string>> = {
    darwin: "Install Docker Desktop, or `brew install docker-compose`",
    linux: "Install the package docker-compose-plugin (docker-compose-v2 on Ubuntu, docker-compose on Fedora and Debian 13)",
  };
  return `${how[platform] ?? "Install Docker Desktop"}; a stack whose services are all native needs none`;
}

export const command = defineCommand({
  meta: { name: "find-compose", description: "Find docker's compose plugin and its version" },
  args: { ...jsonArg },
  run({ args }) {
    const compose = findCompose({ env: process.env, home: findHome(process.env) });
    emit(compose, { json: args.json, render: (it) => `${it.path}\t${it.version}` });
  },
});

if (import.meta.main) await runScript(command);
