/** What names the engine, where several things do; and docker's own configuration, which pulls ask. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { homeDirectory } from "../_script/home-directory.ts";
import type { Env } from "../config/read-values.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ContextFacts {
  dockerHost: string | undefined;
  dockerContext: string | undefined;
  file: string;
  /** Undefined where there is none; a text says why it cannot be read. */
  config: DockerConfig | string | undefined;
  /** Helpers that it names and that are nowhere on PATH. */
  missingHelpers: readonly string[];
}

export interface DockerConfig {
  currentContext?: unknown;
  credsStore?: unknown;
  credHelpers?: unknown;
}

export function judgeContext(facts: ContextFacts): Finding[] {
  const { dockerHost, dockerContext, file, config, missingHelpers } = facts;
  if (typeof config === "string") {
    const why = "docker and compose do not run with it";
    return [failed({ what: `${file} cannot be read: ${config}`, why, fix: `Mend ${file}, or move it away` })];
  }
  const found: Finding[] = [];
  const current = typeof config?.currentContext === "string" ? config.currentContext : undefined;
  const named = dockerContext ?? (current === "default" ? undefined : current);
  if (dockerHost && named) {
    found.push(
      warning({
        what: `DOCKER_HOST is set, and so is docker's context "${named}"`,
        why: "docker and Harbor go to DOCKER_HOST alone: what you run may not be where you look for it",
        fix: "unset DOCKER_HOST, or docker context use default",
      }),
    );
  }
  for (const helper of missingHelpers) {
    found.push(
      warning({
        what: `${file} names the helper "${helper}", which is not on PATH`,
        why: 'Pulling an image fails with "error getting credentials"',
        fix: `Install ${helper}, or take "credsStore" or "credHelpers" out of ${file}`,
      }),
    );
  }
  if (found.length > 0) return found;
  return [
    ok(
      dockerHost
        ? "DOCKER_HOST alone names the engine"
        : named
          ? `docker's context "${named}" names the engine`
          : "nothing names an engine: the usual one is meant",
    ),
  ];
}

function readConfig(file: string): ContextFacts["config"] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof parsed === "object" && parsed !== null ? parsed : "it is no object";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
  }
}

/** Programs that docker asks for passwords. */
function helpersOf({ credsStore, credHelpers }: DockerConfig): string[] {
  const names = [credsStore, ...Object.values(typeof credHelpers === "object" && credHelpers !== null ? credHelpers : {})];
  return [
    ...new Set(names.filter((name): name is string => typeof name === "string" && name !== "").map((it) => `docker-credential-${it}`)),
  ];
}

/** Where docker keeps its configuration. */
export function dockerConfigFile(env: Env): string {
  return join(env.DOCKER_CONFIG || join(homeDirectory(env), ".docker"), "config.json");
}

export const checkContext: Check = {
  name: "context",
  group: "engine",
  about: "what names the engine, and docker's own configuration",
  run({ env }) {
    const file = dockerConfigFile(env);
    const config = readConfig(file);
    const helpers = typeof config === "object" ? helpersOf(config) : [];
    const missingHelpers = helpers.filter((name) => Bun.which(name, { PATH: env.PATH ?? "" }) === null);
    return judgeContext({ dockerHost: env.DOCKER_HOST, dockerContext: env.DOCKER_CONTEXT, file, config, missingHelpers });
  },
};
