/** What a caller asks for → what is to be done, checked: absolute paths, a requirement that is one. */
import { dirname, resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import type { Index } from "./_installer.ts";
import { normaliseName, parseRequirement, type Requirement, resolveLocation, stampOf } from "./_requirement.ts";

export type PythonEnvStep = "find-python" | "create" | "install" | "fetch-source" | "patch" | "verify";

export interface PythonEnvProgress {
  step: PythonEnvStep;
  /** One line: ours, or the last that the tool printed. */
  text: string;
}

export interface PythonEnvRequest {
  /** Where the environment is to be: nothing, or one made here before. Beside it come `<folder>.lock`, `.log` and `.work/`. */
  folder: string;
  /** PEP 508: `speaches[ui]==0.8.3`, a path, or a URL (`speaches @ https://…tar.gz`). */
  requirement: string;
  /** Where its source is, for when the resolver refuses: a folder, an archive (path or URL) or a git URL. Default: the sdist of the index or the links. */
  source?: string | undefined;
  /** `3.12`, `>=3.10`, or a path. Default: what the package asks for as far as that is known, else the newest that works. */
  python?: string | undefined;
  /** Instead of, and beside, what the tools' own configuration says. */
  index?: Omit<Index, "isOffline"> | undefined;
  /** Nothing is fetched: local files and uv's cache alone. */
  isOffline?: boolean | undefined;
  /** Requirements that are installed, and resolved, with it. */
  extra?: readonly string[] | undefined;
  /** Of several packages that bring one module, the one that is to be there, alone. */
  only?: Alternative | undefined;
  /** Of the caller: `PATH`, `PIP_*`, `UV_*`, proxies and certificates are what the tools get. */
  env: Readonly<Record<string, string | undefined>>;
  onProgress?: ((progress: PythonEnvProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Two packages with one module overwrite each other's files: which of them works is chance then. */
export interface Alternative {
  /** A requirement: `onnxruntime-gpu>=1.22`. */
  package: string;
  /** Names of all that bring the module. */
  of: readonly string[];
}

export interface ReadRequest {
  folder: string;
  lock: string;
  log: string;
  scratch: string;
  /** In it, empty before and after. */
  temporary: string;
  requirement: Requirement;
  extra: readonly Requirement[];
  only: { requirement: Requirement; of: readonly string[] } | undefined;
  source: string | undefined;
  python: string | undefined;
  index: Index;
  env: PythonEnvRequest["env"];
  /** Changes when another install is called for. */
  asked: string;
  say: (step: PythonEnvStep, text: string) => void;
  signal: AbortSignal | undefined;
}

/** Throws `usage`. */
export function readRequest(request: PythonEnvRequest): ReadRequest {
  const { env, python, signal } = request;
  const folder = resolve(request.folder);
  if (folder === dirname(folder))
    throw new HarborError(`Cannot make a Python environment in "${folder}": name a folder`, { exit: "usage" });
  const requirement = parseRequirement(request.requirement, env);
  const extra = (request.extra ?? []).map((it) => parseRequirement(it, env));
  const only = request.only === undefined ? undefined : readAlternative(request.only, env);
  const source = request.source === undefined ? undefined : readSource(request.source, env);
  const links = (request.index?.links ?? []).map((link) => resolveLocation(refuseOption(link, "find-links"), env));
  const url = request.index?.url === undefined ? undefined : refuseOption(request.index.url, "index-url");
  const stamps = [requirement, ...extra].map(stampOf);
  return {
    folder,
    lock: `${folder}.lock`,
    log: `${folder}.log`,
    scratch: `${folder}.work`,
    temporary: `${folder}.work/tmp`,
    requirement,
    extra,
    only,
    source: source ?? sourceOf(requirement),
    python,
    index: { url, links, isOffline: request.isOffline, isUnused: request.index?.isUnused },
    env,
    asked: digest([requirement.text, extra.map((it) => it.text), python ?? null, source ?? null, request.only?.package ?? null, stamps]),
    say: (step, text) => request.onProgress?.({ step, text }),
    signal,
  };
}

function readAlternative({ package: wanted, of }: Alternative, env: PythonEnvRequest["env"]): ReadRequest["only"] {
  const requirement = parseRequirement(wanted, env);
  if (requirement.name === undefined || requirement.location !== undefined) {
    throw new HarborError(`Cannot install "${wanted}" instead of others: it is not the name of a package`, { exit: "usage" });
  }
  return { requirement, of: [...new Set([...of.map(normaliseName), requirement.name])] };
}

/** A digest, as what was asked for may hold a secret. */
function digest(asked: unknown): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(asked)).digest("hex");
}

function refuseOption(value: string, option: string): string {
  if (value !== "" && !value.startsWith("-")) return value;
  throw new HarborError(`Cannot use "${value}" as ${option}: it is neither a folder nor a URL`, { exit: "usage" });
}

function readSource(given: string, env: PythonEnvRequest["env"]): string {
  const source = resolveLocation(refuseOption(given, "source"), env);
  // a repository's own address, as it is copied from its page
  return /^(?:https?|ssh):.*\.git(?:@[^/@]+)?$/.test(source) ? `git+${source}` : source;
}

/** A requirement that says where it comes from says where its source is, unless that is a wheel. */
function sourceOf({ location }: Requirement): string | undefined {
  return location === undefined || /\.whl(?:#.*)?$/.test(location) ? undefined : location;
}
