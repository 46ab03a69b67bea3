/**
 * The oracle: `docker compose config --format json`, its plugin called directly, with its memory and time limited
 * (some inputs make it take all there is).
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { resultOf } from "../_process.ts";

const FOLDERS = [
  join(homedir(), ".docker/cli-plugins"),
  "/usr/local/lib/docker/cli-plugins",
  "/usr/local/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
  "/usr/libexec/docker/cli-plugins",
];

/** The compose plugin of this machine, or undefined. */
export function findOracle(): string | undefined {
  return FOLDERS.map((folder) => join(folder, "docker-compose")).find(existsSync);
}

export interface OracleAnswer {
  /** The model, or undefined where compose refuses. */
  model: string | undefined;
  error: string;
}

const MEMORY = 4_000_000_000;

/** Asks for the model that a list of files means. */
export async function askOracle(
  plugin: string,
  files: readonly string[],
  directory: string,
  env: Record<string, string>,
): Promise<OracleAnswer> {
  const answer = await runConfig("json", plugin, files, directory, env);
  // Compose cannot print build.ssh with a path as JSON.
  return answer.error.includes("error calling MarshalJSON") ? runConfig("yaml", plugin, files, directory, env) : answer;
}

async function runConfig(
  format: string,
  plugin: string,
  files: readonly string[],
  directory: string,
  env: Record<string, string>,
): Promise<OracleAnswer> {
  const limit = existsSync("/usr/bin/prlimit") ? ["/usr/bin/prlimit", `--as=${MEMORY}`] : [];
  const list = files.flatMap((file) => ["-f", file]);
  const child = Bun.spawn([...limit, plugin, "--project-directory", directory, ...list, "--profile", "*", "config", "--format", format], {
    cwd: directory,
    env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent/home", ...env },
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  const { exit, stdout, stderr } = await resultOf(child);
  return { model: exit === 0 ? stdout : undefined, error: stderr.trim() };
}
