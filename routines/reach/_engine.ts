/** The engine's part of making a service reachable: a project of its own for each, brought up from a file and taken down by its name. */
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { formatCompose } from "../compose/format-compose.ts";
import { interpolate } from "../compose/interpolate.ts";
import { IMAGE } from "../compose/write-proxy.ts";
import type { Env, Values } from "../config/read-values.ts";
import { connectEngine, type Engine } from "../engine/connect-engine.ts";
import { findCompose } from "../engine/find-compose.ts";
import { runCompose, runComposeOrThrow } from "../engine/run-compose.ts";

export interface OpenEngineOptions {
  home: string;
  env: Env;
  values: Values;
  signal: AbortSignal;
  /** For the message where there is none that can: `expose "webui"`. */
  action: string;
}

export interface ReachEngine {
  engine: Engine;
  /** Whether its containers can be in this host's own network. */
  sharesNetwork: boolean;
}

/** Throws `missing` where no engine answers, and for one whose containers do not reach this host. */
export async function openReachEngine({ home, env, values, signal, action }: OpenEngineOptions): Promise<ReachEngine> {
  const engine = await connectEngine({ env, home, wanted: values.get("HARBOR_ENGINE_KIND"), signal });
  if (engine.kind === "rootless" || engine.kind === "remote") {
    throw new HarborError(`Cannot ${action}: a ${engine.kind} engine's containers do not reach this host's loopback`, {
      exit: "missing",
      hint: "Use an engine that runs as root on this machine or Docker Desktop",
    });
  }
  return { engine, sharesNetwork: engine.kind === "linux" };
}

export interface ProjectOptions {
  project: string;
  folder: string;
  home: string;
  env: Env;
  signal: AbortSignal;
}

export interface StartProjectOptions extends ProjectOptions {
  services: Readonly<Record<string, object>>;
}

/** The image of haproxy that bridges use as well. */
export function proxyImage(values: Values): string {
  return interpolate(IMAGE, values.get);
}

/** Anew, also where it runs: what it is told is in files that compose does not look at. Throws what compose says. */
export async function startProject({ project, folder, home, env, signal, services }: StartProjectOptions): Promise<void> {
  const file = join(folder, "compose.yml");
  writeFileWhole(file, `# Written by Harbor for docker compose; made anew at each start.\n${formatCompose({ name: project, services })}`);
  await runComposeOrThrow({
    args: ["up", "--detach", "--force-recreate", "--remove-orphans"],
    project,
    file,
    env,
    compose: findCompose({ env, home }),
    signal,
    stdio: "capture",
  });
}

/** All that its containers have said; empty where they cannot be asked. */
export async function readProjectLogs({ project, folder, home, env, signal }: ProjectOptions, service: string): Promise<string> {
  const args = ["logs", "--no-color", "--no-log-prefix", service];
  const { stdout, stderrTail } = await runCompose({
    args,
    project,
    file: join(folder, "compose.yml"),
    env,
    compose: findCompose({ env, home }),
    signal,
    stdio: "capture",
  });
  return `${stdout}\n${stderrTail.join("\n")}`;
}
