/** Facts of a host, and of a Python environment where there is one → the execution providers to try, each with the reason. */
import type { HostFacts, RuntimeFacts, Trial } from "./_onnx-facts.ts";
import { judgeHost } from "./_onnx-judge.ts";
import { COREML, CPU, CUDA, homeOf, providersOf, readOverride, TENSORRT } from "./_onnx-names.ts";
import { explainMismatch } from "./_onnx-nvidia.ts";
import { no, type Verdict } from "./_onnx-verdict.ts";

export interface OnnxProvider {
  /** ONNX Runtime's own: "CUDAExecutionProvider". */
  name: string;
  isUsable: boolean;
  /** One line, for people: what was found or is missing, and what would help. */
  reason: string;
  /** What pip must install for it, as a requirement ("onnxruntime-gpu>=1.27"), where onnxruntime as installed (or plain) has it not. */
  needs?: string;
  /** The provider's options that it opens with; without them OpenVINO takes the CPU. */
  options?: Record<string, string>;
  /** What a process must have in its environment for it: LD_LIBRARY_PATH, where pip installed CUDA's libraries. */
  env?: Record<string, string>;
}

export interface OnnxDetection {
  /** In the order to try, CPU last. What can never be on this platform is left out, unless it was asked for. */
  providers: OnnxProvider[];
  /** Names of the usable ones, CPUExecutionProvider always last. */
  order: string[];
  /** What HARBOR_ONNX_PROVIDER asked for; undefined for `auto`. */
  override?: string;
  /** What somebody should hear of: an override that cannot work, a broken driver, a provider that is listed and does not load. */
  warnings: string[];
  /** What a given Python environment has. */
  onnxruntime?: { version: string; python: string };
}

export interface ChooseOptions {
  /** HARBOR_ONNX_PROVIDER. */
  override?: string | undefined;
  runtime?: RuntimeFacts | undefined;
}

/** Pure. Throws `usage` where the override has a word that is no provider. */
export function chooseOnnxProviders(facts: HostFacts, { override, runtime }: ChooseOptions = {}): OnnxDetection {
  const asked = readOverride(override, runtime?.listed);
  const names = namesToJudge(facts, asked, runtime);
  const judged = names.map((name) => settle(name, facts, runtime, asked?.includes(name) ?? false));
  const providers = [...judged.map(({ provider }) => provider), CPU_PROVIDER];
  const { order, warnings } = decide(providers, asked);
  const faults = new Set(judged.flatMap(({ warning }) => warning ?? []));
  return {
    providers,
    order,
    ...(asked === undefined ? {} : { override: (override ?? "").trim() }),
    warnings: [...faults, ...describeRuntime(runtime), ...warnings],
    ...(runtime?.version === undefined ? {} : { onnxruntime: { version: runtime.version, python: runtime.python } }),
  };
}

/** Those asked for, those of this platform, and what else the environment lists; without the CPU. */
function namesToJudge({ platform }: HostFacts, asked: readonly string[] | undefined, runtime: RuntimeFacts | undefined): string[] {
  const names = new Set([...(asked ?? []), ...providersOf(platform), ...(runtime?.listed ?? [])]);
  names.delete(CPU);
  return [...names];
}

/** Those whose session is worth a process: what Harbor may choose, and what was asked for. */
export function worthTrying(facts: HostFacts, override: string | undefined, listed: readonly string[]): string[] {
  return [...new Set([...(readOverride(override, listed) ?? []), ...providersOf(facts.platform)])];
}

const CPU_PROVIDER: OnnxProvider = { name: CPU, isUsable: true, reason: "always there" };

interface Settled {
  provider: OnnxProvider;
  warning?: string;
}

function settle(name: string, facts: HostFacts, runtime: RuntimeFacts | undefined, isAsked: boolean): Settled {
  const verdict = judge(name, facts, runtime, isAsked);
  const warning = verdict.fault === undefined ? {} : { warning: verdict.fault };
  if (runtime?.version === undefined) {
    const { reason, needs } = verdict;
    const isUsable = isTaken(verdict, isAsked);
    return { provider: { name, isUsable, reason, ...(isUsable && needs !== undefined ? { needs } : {}) }, ...warning };
  }
  if (!runtime.listed.includes(name)) return { provider: unlisted(name, verdict, runtime.version, isAsked), ...warning };
  const trial = runtime.trials[name];
  if (trial === undefined) return { provider: { name, isUsable: false, reason: verdict.reason }, ...warning };
  if (trial.opens) return { provider: opened(name, verdict, trial, runtime.version, isAsked), ...warning };
  return { ...warning, ...refused(name, verdict, trial, facts, runtime) };
}

function judge(name: string, facts: HostFacts, runtime: RuntimeFacts | undefined, isAsked: boolean): Verdict {
  if (name === COREML && facts.arch === "arm64" && runtime?.machine === "x86_64") {
    const reason = "this Python is built for Intel Macs and runs under Rosetta, where CoreML is of no use: take one for arm64";
    return { state: "barred", reason, fault: `${runtime.python}: ${reason}` };
  }
  const home = homeOf(name);
  if (home === undefined) return { state: "unwise", reason: isAsked ? "asked for" : "taken only where HARBOR_ONNX_PROVIDER asks for it" };
  return (providersOf(facts.platform).includes(name) ? judgeHost(name, facts) : undefined) ?? no(`a provider of ${home} alone`);
}

function isTaken({ state }: Verdict, isAsked: boolean): boolean {
  return state === "yes" || (state === "unwise" && isAsked);
}

/** The hardware may be fine: then another package would help. */
function unlisted(name: string, verdict: Verdict, version: string, isAsked: boolean): OnnxProvider {
  if (!isTaken(verdict, isAsked)) return { name, isUsable: false, reason: verdict.reason };
  const needs = verdict.needs ?? (name === COREML ? "onnxruntime>=1.17" : undefined);
  const help = needs === undefined ? "" : `; install ${needs}`;
  const reason = `${verdict.reason}; but onnxruntime ${version} as installed is built without it${help}`;
  return { name, isUsable: false, reason, ...(needs === undefined ? {} : { needs }) };
}

/** A session that opens outweighs what files say, but for what must not be taken. */
function opened(name: string, verdict: Verdict, { options, env }: Trial, version: string, isAsked: boolean): OnnxProvider {
  const isUsable = verdict.state !== "barred" && (verdict.state !== "unwise" || isAsked);
  const how = [
    ...Object.entries(options ?? {}).map(([key, value]) => `${key} ${value}`),
    ...(env === undefined ? [] : ["with this environment's own CUDA libraries on LD_LIBRARY_PATH"]),
  ];
  const opens = `opens in onnxruntime ${version}${how.length === 0 ? "" : ` (${how.join(", ")})`}`;
  return {
    name,
    isUsable,
    reason: isUsable ? `${opens}; ${verdict.reason}` : verdict.reason,
    ...(isUsable && options !== undefined ? { options } : {}),
    ...(isUsable && env !== undefined ? { env } : {}),
  };
}

function refused(name: string, verdict: Verdict, { problem }: Trial, facts: HostFacts, { version = "", cuda }: RuntimeFacts): Settled {
  const refusal = `listed by onnxruntime ${version}, but no session opens${problem === undefined ? "" : `: ${problem}`}`;
  if (verdict.state !== "yes") return { provider: { name, isUsable: false, reason: `${verdict.reason}; ${refusal}` } };
  const isNvidia = name === CUDA || name === TENSORRT;
  const mismatch = isNvidia ? explainMismatch(facts, version, cuda) : undefined;
  const isOtherPackage = mismatch !== undefined || (isNvidia && MISSING_LIBRARY.test(problem ?? ""));
  const needs = isOtherPackage ? verdict.needs : undefined;
  const reason = [refusal, mismatch, needs === undefined ? undefined : `install ${needs}`].filter((part) => part !== undefined).join("; ");
  return {
    provider: { name, isUsable: false, reason, ...(needs === undefined ? {} : { needs }) },
    warning: `${name} is ${reason}`,
  };
}

/** CUDA of another version than the one that is here, or of none. */
const MISSING_LIBRARY = /^lib\w+\.so\.\d+: cannot open/;

function describeRuntime(runtime: RuntimeFacts | undefined): string[] {
  if (runtime === undefined) return [];
  const { python, packages, problem, version } = runtime;
  const several =
    packages.length > 1
      ? [`${python} has ${packages.join(" and ")}, which overwrite each other's files: uninstall them, then install the one that is meant`]
      : [];
  if (version !== undefined) return several;
  const what = problem === undefined ? "has no onnxruntime" : `cannot import its onnxruntime (${problem})`;
  return [...several, `${python} ${what}: this says what the hardware and the drivers alone allow`];
}

/** What was asked for, as far as it can be used; where none of it can, what would have been taken unasked. */
function decide(providers: readonly OnnxProvider[], asked: readonly string[] | undefined): { order: string[]; warnings: string[] } {
  const usable = providers.filter(({ name, isUsable }) => isUsable && name !== CPU).map(({ name }) => name);
  if (asked === undefined) return { order: [...usable, CPU], warnings: [] };
  const taken = asked.filter((name) => usable.includes(name));
  const order = taken.length > 0 || asked.includes(CPU) ? [...taken, CPU] : [...usable, CPU];
  const warnings = providers
    .filter(({ name, isUsable }) => asked.includes(name) && !isUsable)
    .map(({ name, reason }) => `HARBOR_ONNX_PROVIDER asks for ${name}, which cannot be used: ${reason}. Instead: ${order.join(", ")}`);
  return { order, warnings };
}
