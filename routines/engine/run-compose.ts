#!/usr/bin/env bun
/**
 * Run docker's compose plugin on one merged file, to its end, whatever interrupts it.
 *
 *   bun routines/engine/run-compose.ts --project harbor --file compose.yml -- ps --all
 */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { awaitChild, type ChildOutput, readOutput } from "../_script/child-output.ts";
import { defineCommand } from "../_script/command.ts";
import { writeAll } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { handOverToNamed } from "../_script/hand-over.ts";
import { isTerminal } from "../_script/is-terminal.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { parseEnv } from "../config/parse-env.ts";
import { createTail, type Tail } from "./_tail.ts";
import { type Compose, findCompose } from "./find-compose.ts";
import { type Endpoint, findEndpoint } from "./find-endpoint.ts";

/**
 * `inherit`: the terminal is compose's own, as for `logs --follow`. `capture`: nothing is shown.
 * `progress`: what compose says of its progress is shown on stderr, drawn as on a terminal where
 * stderr is one; its stdout is captured.
 */
export type ComposeStdio = "inherit" | "capture" | "progress";

export interface RunComposeOptions {
  /** The subcommand and its own words. */
  args: readonly string[];
  project: string;
  /** The merged compose file; left out for subcommands that work by the project's name. */
  file?: string;
  /** What relative paths in the file mean; the file's folder when left out. */
  projectDirectory?: string;
  /** Values of `${…}` in the file. */
  envFile?: string;
  /** The whole environment of compose. */
  env: Record<string, string | undefined>;
  compose: Compose;
  /** Which engine; found in `env` when left out. */
  endpoint?: Endpoint;
  signal?: AbortSignal | undefined;
  stdio?: ComposeStdio;
}

export interface ComposeResult {
  code: number;
  /** Only with `capture`, and with `progress` off a terminal. */
  stdout: string;
  /** The last lines on stderr, without colours; empty with `inherit`. */
  stderrTail: string[];
}

/** How long an interrupted compose may take to put things in order. */
const GRACE_MS = 10_000;

const TAIL_LINES = 40;

/** Resolves once compose has ended, whatever its code. After an abort throws `interrupted`, also only once it has ended. */
export async function runCompose(options: RunComposeOptions): Promise<ComposeResult> {
  if (options.signal?.aborted) throw interrupted(options);
  const tail = createTail(TAIL_LINES);
  const child = options.stdio === "progress" && isTerminal(2) ? spawnOnTerminal(options, tail) : spawnPiped(options, tail);
  const stop = interruptOnAbort(child.process, options.signal);
  try {
    const code = await awaitChild(child.process.exited, child.outputs);
    if (options.signal?.aborted) throw interrupted(options);
    return { code, stdout: child.stdout.join(""), stderrTail: tail.lines() };
  } finally {
    stop();
  }
}

/** The same, but a code other than 0 is thrown, worded by its cause. */
export async function runComposeOrThrow(options: RunComposeOptions): Promise<ComposeResult> {
  const result = await runCompose(options);
  if (result.code === 0) return result;
  const { explainComposeFailure } = await import("./_explain-compose.ts");
  const endpoint = options.endpoint ?? findEndpoint({ env: options.env });
  throw await explainComposeFailure({ args: options.args, endpoint, ...result });
}

/** Compose in our place, for what is typed into a container: its streams are ours, signals reach it, and its code is given. */
export function attachCompose(options: Omit<RunComposeOptions, "stdio" | "signal">): Promise<number> {
  return handOverToNamed({ argv: composeArgv({ ...options, program: [options.compose.path] }), env: environmentOf(options) });
}

export interface ComposeArgvOptions extends Pick<RunComposeOptions, "args" | "project" | "file" | "projectDirectory" | "envFile"> {
  /** The words that compose itself is called by. */
  program: readonly string[];
}

/** The whole command line: what is run here, and what `harbor cmd` prints. */
export function composeArgv(options: ComposeArgvOptions): string[] {
  const { file, projectDirectory, envFile } = options;
  return [
    ...options.program,
    ...["--project-name", options.project],
    ...(file === undefined ? [] : ["--file", file, "--project-directory", projectDirectory ?? dirname(file)]),
    ...(envFile === undefined ? [] : ["--env-file", envFile]),
    ...options.args,
  ];
}

/**
 * Names whose value in the environment is not the settled one of the env file: compose would take the
 * environment's, whatever the file says. Throws for a file that cannot be read.
 */
export function findOverruled(envFile: string, env: RunComposeOptions["env"]): string[] {
  const settled = parseEnv(readFileSync(envFile, "utf8"), { file: envFile });
  return [...settled].filter(([name, value]) => env[name] !== undefined && env[name] !== value).map(([name]) => name);
}

interface Child {
  process: Bun.Subprocess;
  /** Piece by piece, as it came. */
  stdout: string[];
  outputs: ChildOutput[];
}

function spawnPiped(options: RunComposeOptions, tail: Tail): Child {
  const command = composeArgv({ ...options, program: [options.compose.path] });
  const env = environmentOf(options);
  if (options.stdio === "inherit") {
    const process = Bun.spawn(command, { env, stdio: ["inherit", "inherit", "inherit"] });
    return { process, stdout: [], outputs: [] };
  }
  // In a session of its own: Ctrl-C reaches Harbor alone, which then tells compose, once.
  const process = Bun.spawn(command, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const stdout: string[] = [];
  const outputs = [readOutput(process.stdout, (text) => stdout.push(text)), readOutput(process.stderr, listener(options, tail))];
  return { process, stdout, outputs };
}

/** Compose draws its progress on a terminal only, so it gets one of its own, copied to ours. */
function spawnOnTerminal(options: RunComposeOptions, tail: Tail): Child {
  const { columns = 80, rows = 24 } = process.stderr;
  const decoder = new TextDecoder();
  const listen = listener(options, tail);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const child = Bun.spawn(composeArgv({ ...options, program: [options.compose.path] }), {
    env: environmentOf(options),
    terminal: { cols: columns, rows, data: (_, data) => listen(decoder.decode(data, { stream: true })), exit: () => resolve() },
  });
  return { process: child, stdout: [], outputs: [{ ended, stop: () => child.terminal?.close() }] };
}

function listener(options: RunComposeOptions, tail: Tail): (text: string) => void {
  if (options.stdio !== "progress") return tail.add;
  return (text) => {
    tail.add(text);
    writeAll(2, text);
  };
}

/** Compose must ask the same engine as we do, take the settled values, and not take itself for docker's child. */
function environmentOf({ env, envFile, endpoint = findEndpoint({ env }) }: RunComposeOptions): Record<string, string | undefined> {
  const overruled = envFile === undefined ? [] : findOverruled(envFile, env);
  const settled = Object.fromEntries(overruled.map((name) => [name, undefined]));
  const engine = endpoint.origin === "found" ? { DOCKER_HOST: endpoint.host } : {};
  return { ...env, ...settled, ...engine, DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: undefined };
}

/** First as Ctrl-C would, so that compose puts things in order; by force where that takes too long. */
function interruptOnAbort(child: Bun.Subprocess, signal: AbortSignal | undefined): () => void {
  let force: Timer | undefined;
  const interrupt = (): void => {
    child.kill("SIGINT");
    force = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  };
  signal?.addEventListener("abort", interrupt, { once: true });
  return () => {
    clearTimeout(force);
    signal?.removeEventListener("abort", interrupt);
  };
}

function interrupted({ args }: RunComposeOptions): HarborError {
  return new HarborError(`Cannot finish "docker compose ${args[0] ?? ""}": interrupted`, { exit: "interrupted" });
}

export const command = defineCommand({
  takesRest: true,
  meta: {
    name: "run-compose",
    description: "Run docker's compose plugin on a merged file",
    examples: ["bun routines/engine/run-compose.ts --project harbor --file compose.yml -- ps --all"],
  },
  args: {
    project: { type: "string", description: "Name of the project", valueHint: "NAME", default: "harbor" },
    file: { type: "string", description: "The merged compose file", valueHint: "FILE" },
    "env-file": { type: "string", description: "Values of ${...} in it", valueHint: "FILE" },
  },
  async run({ args, rest }) {
    const { file, "env-file": envFile } = args;
    const compose = findCompose({ env: process.env, home: findHome(process.env) });
    const files = { ...(file === undefined ? {} : { file }), ...(envFile === undefined ? {} : { envFile }) };
    await runComposeOrThrow({ args: rest, project: args.project, ...files, env: process.env, compose, stdio: "inherit" });
  },
});

if (import.meta.main) await runScript(command);
