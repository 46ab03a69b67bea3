/**
 * What pip or uv printed before it failed → which kind of failure that is, and which package refuses this Python.
 * Both tools' words are looked for, whichever ran: uv's are those of its own tests (`crates/uv/tests/it`), pip's those of 22 to 25.
 */
import { rcompare, satisfies } from "@renovatebot/pep440";
import type { PythonEnvProblem } from "./_env-error.ts";
import { normaliseName } from "./_requirement.ts";

export interface Refusal {
  /** As PEP 503 writes it. */
  name: string;
  /** The version that was refused; undefined where the tool does not tell. */
  version?: string;
  /** What it asks for: `>=3.12`. */
  requires: string;
}

export interface Diagnosis {
  kind: PythonEnvProblem;
  /** With `requires-python`. */
  refusal?: Refusal;
  /** The line that says it best. */
  reason: string;
}

const DISK = /No space left on device|Disk quota exceeded|not enough (?:disk )?space/i;
const PERMISSION = /Permission denied|Read-only file system|Operation not permitted/i;
const BUILD =
  /Failed (?:to download and )?(?:to )?build\b|build backend (?:returned an error|failed)|subprocess-exited-with-error|metadata-generation-failed|Failed building wheel|Could not build wheels|BackendUnavailable|Failed to build installable wheels|error: legacy-install-failure/i;
const NETWORK =
  /connection broken by|Could not connect, are you offline|error sending request|dns error|NewConnectionError|NameResolutionError|ReadTimeout|ConnectTimeout|ProxyError|SSLError|HTTP error \d|HTTP status (?:client|server) error|Failed to (?:fetch|download)|401 Error|403 Client Error|network was disabled|Connection (?:refused|reset)|Could not fetch URL|Temporary failure in name resolution/i;
const UNRESOLVABLE =
  /No matching distribution found|Could not find a version that satisfies|ResolutionImpossible|No solution found|not found in the (?:package registry|provided package locations|cache)|no version of|is not a supported wheel|no wheels? (?:is|are) usable|Invalid requirement|does not appear to be a Python project|Could not find a tag or branch|neither 'setup\.py' nor 'pyproject\.toml' found/i;
const NO_PYTHON = /No (?:interpreter|download) found for|No Python at|No interpreter found|Could not find .*interpreter/i;
const NO_VENV = /ensurepip is not available|No module named (?:'?)(?:ensurepip|venv)\b/;

/** In this order: a full disk also breaks builds, and a resolver that was refused also says that it found nothing. */
const KINDS: readonly (readonly [PythonEnvProblem, RegExp])[] = [
  ["disk", DISK],
  ["no-venv", NO_VENV],
  ["no-python", NO_PYTHON],
  ["build", BUILD],
  ["network", NETWORK],
  ["permission", PERMISSION],
  ["unresolvable", UNRESOLVABLE],
];

export function diagnose(output: string): Diagnosis {
  const refusal = findRefusal(output);
  const isDisk = DISK.test(output);
  if (refusal !== undefined && !isDisk) {
    return { kind: "requires-python", refusal, reason: `"${refusal.name}" asks for Python ${refusal.requires}` };
  }
  const lines = output.split("\n").map((line) => line.trim());
  for (const [kind, words] of KINDS) {
    const line = lines.findLast((it) => words.test(it));
    if (line !== undefined) return { kind, reason: strip(line) };
  }
  return { kind: "failed", reason: strip(lines.findLast((line) => line !== "") ?? "it printed nothing") };
}

function strip(line: string): string {
  return line.replace(/^(?:ERROR:|error:|[×╰├│─▶\s])+/, "");
}

function findRefusal(output: string): Refusal | undefined {
  return refusedByPip(output) ?? ignoredByPip(output) ?? refusedByUv(output);
}

/** The metadata of what it has just looked into refuses: `ERROR: Package 'x' requires a different Python: 3.10.13 not in '>=3.12'`. */
function refusedByPip(output: string): Refusal | undefined {
  const found = [...output.matchAll(/Package '([^']+)' requires a different Python: \S+ not in '([^']*)'/g)].at(-1);
  if (found === undefined) return undefined;
  const [, name = "", requires = ""] = found;
  const version = lastVersionOf(name, output.slice(0, found.index));
  return version === undefined ? { name: normaliseName(name), requires } : { name: normaliseName(name), version, requires };
}

/** From the name of the file that was looked into. */
function lastVersionOf(name: string, output: string): string | undefined {
  const files = output.matchAll(/([A-Za-z0-9][A-Za-z0-9._-]*?)-(\d[^\s/-]*?)(?:\.tar\.gz|\.zip|-[^\s/]*?\.whl)\b/g);
  return [...files].filter(([, it = ""]) => normaliseName(it) === normaliseName(name)).at(-1)?.[2];
}

/**
 * The index itself says so, and no version is left: `Ignored the following versions that require a different python
 * version: 1.0 Requires-Python >=3.12; …`, then `Could not find a version that satisfies the requirement x==1.0`.
 */
function ignoredByPip(output: string): Refusal | undefined {
  const list = /Ignored the following versions that require a different python version: (.*)/.exec(output)?.[1];
  const wanted = /Could not find a version that satisfies the requirement ([A-Za-z0-9._-]+)(?:\[[^\]]*\])?([^(;]*)/.exec(output);
  if (list === undefined || wanted === null) return undefined;
  const [, name = "", text = ""] = wanted;
  const specifier = text.trim();
  const fits = [...list.matchAll(/(\S+) Requires-Python ([^;]*)/g)]
    .map(([, version = "", requires = ""]) => ({ version, requires: requires.trim() }))
    .filter(({ version }) => specifier === "" || satisfies(version, specifier, { prereleases: true }))
    .sort((one, other) => rcompare(one.version, other.version));
  const best = fits.find(({ version }) => !/[a-z]/.test(version)) ?? fits[0];
  return best === undefined ? undefined : { name: normaliseName(name), ...best };
}

/**
 * `Because the current Python version (3.10.13) does not satisfy Python>=3.12 and x==1.0 depends on Python>=3.12, …`; of
 * several versions it says `all versions of x depend on`. Its lines are wrapped.
 */
function refusedByUv(output: string): Refusal | undefined {
  const text = output.replace(/[│╰├─▶×]/g, " ").replace(/\s+/g, " ");
  if (!/Python version \([^)]*\) does not satisfy Python/.test(text)) return undefined;
  const found = [
    ...text.matchAll(
      /(?:all versions of )?([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?((?:[<>=!~][^\s]*)?) depends? on Python([<>=!~][^\s]*)/g,
    ),
  ].at(-1);
  if (found === undefined) return undefined;
  const [, name = "", range = "", requires = ""] = found;
  const version = /^==([^,*]+)$/.exec(range)?.[1];
  const refusal = { name: normaliseName(name), requires: requires.replace(/[,.]$/, "") };
  return version === undefined ? refusal : { ...refusal, version };
}
