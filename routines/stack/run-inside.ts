/** A program in a service that runs: in its container, or on this host in its process's folder and environment. */

import { HarborError } from "../_script/error.ts";
import { isTerminal } from "../_script/is-terminal.ts";
import type { Env } from "../config/read-values.ts";
import { buildEnvironment } from "../native/environment.ts";
import { findProgram } from "../native/find-program.ts";
import { runProgram } from "../native/run-program.ts";
import type { Inside, InsideContainer, InsideNative } from "./find-inside.ts";

export interface RunInsideOptions {
  inside: Inside;
  /** The program and its words, each as it was typed. */
  words: readonly string[];
  env: Env;
  container?: ContainerExec;
}

/** What only a container has. */
export interface ContainerExec {
  /** No terminal, even where there is one. */
  hasNoTty?: boolean;
  user?: string | undefined;
  workdir?: string | undefined;
}

/** Its exit code. Throws `missing` for a program of this host that is not there; in a container the engine says so, with code 126 or 127. */
export function runInside(options: RunInsideOptions): Promise<number> {
  const { inside, words, env, container = {} } = options;
  return inside.runtime === "native" ? runOnHost(inside, words, env) : execInContainer(inside, words, env, container);
}

/** Where the one asked has no terminal, none is made: a pipe is a pipe on both sides. */
export function hasTerminal(): boolean {
  return isTerminal(0) && isTerminal(1);
}

async function execInContainer(
  { home, project, container }: InsideContainer,
  words: readonly string[],
  env: Env,
  { hasNoTty, user, workdir }: ContainerExec,
): Promise<number> {
  const [{ findCompose }, { attachCompose }] = await Promise.all([import("../engine/find-compose.ts"), import("../engine/run-compose.ts")]);
  const args = [
    "exec",
    ...(hasNoTty || !hasTerminal() ? ["--no-TTY"] : []),
    ...(user === undefined ? [] : [`--user=${user}`]),
    ...(workdir === undefined ? [] : [`--workdir=${workdir}`]),
    ...[container.service, ...words],
  ];
  return attachCompose({ args, project, env, compose: findCompose({ env, home }) });
}

async function runOnHost({ spec }: InsideNative, [program = "", ...words]: readonly string[], env: Env): Promise<number> {
  const path = { ...buildEnvironment(env), ...spec.env }.PATH ?? "";
  const found = findProgram({ argv: [program], cwd: spec.cwd, path });
  if ("reason" in found) {
    const hint = found.hint ?? `${spec.handle} runs natively: its programs are those of this host`;
    throw new HarborError(`Cannot run "${program}" for "${spec.handle}": ${found.reason}`, { exit: "missing", hint });
  }
  return runProgram({ spec: { ...spec, argv: [program] }, words, environment: env });
}
