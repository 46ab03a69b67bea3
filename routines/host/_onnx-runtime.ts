/**
 * A Python environment → what its onnxruntime is, and which execution providers really open a session there: one child for
 * each, since a broken driver may crash or hang the process that asks. onnxruntime itself falls back to the CPU without an error.
 */
import { resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import { workingDirectory } from "../_script/working-directory.ts";
import { type Answer, askProgram, INTERRUPTED } from "./_ask-program.ts";
import type { HostFacts, RuntimeFacts, Trial } from "./_onnx-facts.ts";
import { CPU, CUDA, OPENVINO, TENSORRT } from "./_onnx-names.ts";
import { ANSWER_MARK, ONNX_SCRIPT } from "./_onnx-script.ts";

export interface ReadRuntimeOptions {
  /** The interpreter. */
  python: string;
  env: Record<string, string | undefined>;
  host: HostFacts;
  /** Which of those that are listed to try; may throw. */
  choose: (listed: readonly string[]) => readonly string[];
  /** Of one child. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** An import from a cold disk takes seconds, and TensorRT builds an engine for its first session. */
const CHILD_MS = 60_000;
const REASON_LENGTH = 240;

/** Throws `missing` where there is no such interpreter, `failed` where it does not answer, `interrupted`. */
export async function readRuntime(given: ReadRuntimeOptions): Promise<RuntimeFacts> {
  const python = findInterpreter(given);
  const options = { ...given, python };
  const said = await ask<Listing>(options, ["list"], {});
  if (said.facts === undefined) throw refuse(python, said.answer);
  const { machine, version, problem, cuda, packages, listed = [], folders = [] } = said.facts;
  const names = listed.filter((name) => name !== CPU);
  const chosen = version === undefined ? [] : options.choose(names).filter((name) => names.includes(name));
  const tried = await Promise.all(chosen.map(async (name) => [name, await tryProvider(options, name, folders)] as const));
  return {
    python,
    ...(machine ? { machine } : {}),
    ...(version === undefined ? {} : { version }),
    ...(problem === undefined ? {} : { problem: shorten(problem) }),
    ...(cuda ? { cuda } : {}),
    packages: (packages ?? []).filter((name) => !NOT_THE_MODULE.test(name)),
    listed: names,
    trials: Object.fromEntries(tried),
  };
}

/** Along PATH, or from the folder we were called in. */
function findInterpreter({ python, env }: ReadRuntimeOptions): string {
  const found = Bun.which(python.includes("/") ? resolve(workingDirectory(), python) : python, { PATH: env.PATH ?? "" });
  if (found !== null) return found;
  throw new HarborError(`Cannot ask "${python}" for its onnxruntime: there is no such program`, {
    exit: "missing",
    hint: "Name the environment's own interpreter, such as .venv/bin/python",
  });
}

/** Distributions named like it that bring other modules. */
const NOT_THE_MODULE = /^onnxruntime-(?:extensions|genai|tools|customops|easy|web)/;

interface Listing {
  machine?: string;
  version?: string;
  problem?: string;
  cuda?: string | null;
  packages?: string[];
  listed?: string[];
  /** Of the environment, with CUDA's and TensorRT's libraries in them. */
  folders?: string[];
}

interface Attempt {
  options: Record<string, string>;
  env: Record<string, string>;
}

/** The ways to open a session, the better first. */
function attemptsFor(name: string, { host, env }: ReadRuntimeOptions, folders: readonly string[]): Attempt[] {
  const plain: Attempt = { options: {}, env: {} };
  if (name === OPENVINO) {
    // left to itself it takes the CPU
    const devices = [...(host.intel?.gpu === undefined && !host.isWsl ? [] : ["GPU"]), ...(host.intel?.npu === undefined ? [] : ["NPU"])];
    return [...devices.map((device) => ({ options: { device_type: device }, env: {} })), plain];
  }
  const isNvidia = name === CUDA || name === TENSORRT;
  if (!isNvidia || host.platform !== "linux" || folders.length === 0) return [plain];
  // pip's CUDA is found by nobody who does not call onnxruntime.preload_dlls()
  const path = [...folders, ...(env.LD_LIBRARY_PATH ? [env.LD_LIBRARY_PATH] : [])].join(":");
  return [plain, { options: {}, env: { LD_LIBRARY_PATH: path } }];
}

async function tryProvider(options: ReadRuntimeOptions, name: string, folders: readonly string[]): Promise<Trial> {
  let problem: string | undefined;
  for (const attempt of attemptsFor(name, options, folders)) {
    const { facts, answer } = await ask<Trial>(options, ["try", name, JSON.stringify(attempt.options)], attempt.env);
    if (facts?.opens === true) {
      const { options: chosen, env } = attempt;
      return { opens: true, ...(isEmpty(chosen) ? {} : { options: chosen }), ...(isEmpty(env) ? {} : { env }) };
    }
    if (answer.cut === INTERRUPTED) throw refuse(options.python, answer);
    problem = explain(facts, answer);
  }
  return { opens: false, ...(problem === undefined ? {} : { problem }) };
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}

async function ask<T>(
  options: ReadRuntimeOptions,
  words: readonly string[],
  extra: Record<string, string>,
): Promise<{ facts?: T; answer: Answer }> {
  const env = { ...options.env, ...extra };
  const { timeoutMs = CHILD_MS, signal } = options;
  const answer = await askProgram([options.python, "-c", ONNX_SCRIPT, ...words], { env, timeoutMs, signal });
  const facts = readAnswer<T>(answer.stdout);
  return facts === undefined ? { answer } : { facts, answer };
}

/** The last line with the mark, which is where the script put it; what start-up files print stands before it. */
function readAnswer<T>(stdout: string): T | undefined {
  const line = stdout.split("\n").findLast((it) => it.startsWith(ANSWER_MARK));
  if (line === undefined) return undefined;
  try {
    return JSON.parse(line.slice(ANSWER_MARK.length)) as T;
  } catch {
    return undefined;
  }
}

function refuse(python: string, { exit, cut, killedBy, stderr }: Answer): HarborError {
  if (cut === INTERRUPTED) return new HarborError(`Cannot ask "${python}" for its onnxruntime: interrupted`, { exit: "interrupted" });
  const last = shorten(stderr.trim().split("\n").at(-1) ?? "");
  const why = cut ?? (killedBy === undefined ? last || `it ends with exit code ${exit} and no answer` : `${killedBy} ended it`);
  return new HarborError(`Cannot ask "${python}" for its onnxruntime: ${why}`, { hint: `Try ${python} -c "import onnxruntime"` });
}

/** Why a session did not open: the child's end, else what onnxruntime wrote on stderr, else what it threw. */
function explain(facts: Trial | undefined, { cut, killedBy, exit, stderr }: Answer): string {
  const written = readReason(stderr);
  if (facts !== undefined) return shorten(written ?? facts.problem ?? "onnxruntime took the CPU instead and did not say why");
  const how =
    cut ?? (killedBy === undefined ? `its process ended with exit code ${exit} and no answer` : `its process crashed (${killedBy})`);
  return shorten(written === undefined ? how : `${how}: ${written}`);
}

/** From the most telling to the least; a hundred other lines may stand around them. */
const REASONS: readonly RegExp[] = [
  /Failed to load library .* with error: (.+)/,
  /LoadLibrary failed with error (\d+.*)/,
  /(CUDA failure \d+: [^;]+)/,
  /(HIP failure \d+: [^;]+)/,
  /^EP Error (.+)/,
  /\[E:onnxruntime:[^\]]*\] (.+)/,
  /\[W:onnxruntime:[^\]]*\] (.*(?:Failed|cannot|not).*)/,
];

function readReason(stderr: string): string | undefined {
  const lines = Bun.stripANSI(stderr).split("\n");
  for (const pattern of REASONS) {
    for (const line of lines) {
      const found = pattern.exec(line)?.[1]?.trim();
      if (found) return found;
    }
  }
  return undefined;
}

function shorten(text: string): string {
  const line = Bun.stripANSI(text)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH)}…` : line;
}
