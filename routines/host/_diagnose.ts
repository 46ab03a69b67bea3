/**
 * What pip or uv printed before it failed → which kind of failure that is, and which package refuses this Python.
 * Both tools' words are looked for, whichever ran: uv's are those of its own tests (`crates/uv/tests/it`), pip's those of 22 to 25.
 */
import { rcompare, satisfies, validRange } from "@renovatebot/pep440";
import type { PythonEnvProblem } from "./_env-error.ts";
import { normaliseName } from "./_requirement.ts";

export interface Refusal {
  /** As PEP 503 writes it. */
  name: string;
  /** The newest of those that were refused; undefined where the tool does not tell. */
  version?: string;
  /** Which versions would do: `<2`, or "" where the tool does not tell. */
  specifier: string;
  /** What it asks for: `>=3.12`. */
  requires: string;
}

export interface Diagnosis {
  kind: PythonEnvProblem;
  /** With `requires-python`: each package that refuses, once. */
  refusals: Refusal[];
  /** The line that says it best. */
  reason: string;
}

const DISK = /No space left on device|Disk quota exceeded|not enough (?:disk )?space/i;
const NO_VENV = /ensurepip is not|No module named '?(?:ensurepip|venv)\b/;
const NO_PYTHON = /No (?:interpreter|download) found for|No interpreter found|Could not find .*interpreter/i;
/** The index is there, and says that it has no such file. */
const GONE = /HTTP error (?:404|410)|(?:404|410) Client Error|HTTP status client error \((?:404|410)/;
const NETWORK =
  /Could not connect, are you offline|error sending request|dns error|NewConnectionError|NameResolutionError|ReadTimeout|ConnectTimeout|ProxyError|SSLError|HTTP error \d|HTTP status (?:client|server) error|Failed to fetch|network was disabled|Connection (?:refused|reset)|Could not fetch URL|Temporary failure in name resolution|\b40[137] (?:Error|Client Error)/i;
const RETRY = /^WARNING: Retrying \(.* after connection broken by/;
const BUILD =
  /Failed to (?:download and )?build\b|build backend (?:returned an error|failed)|subprocess-exited-with-error|metadata-generation-failed|Failed building wheel|Could not build wheels|BackendUnavailable|Failed to build installable wheels/i;
const PERMISSION = /Permission denied|Read-only file system|Operation not permitted/i;
const UNRESOLVABLE =
  /No matching distribution found|Could not find a version that satisfies|ResolutionImpossible|No solution found|not found in the (?:package registry|provided package locations|cache)|no version of|is not a supported wheel|no wheels? (?:is|are) usable|Invalid requirement|does not appear to be a Python project|neither 'setup\.py' nor 'pyproject\.toml' found/i;

/** In this order: a full disk also breaks builds, and a build also fails where what it needs cannot be fetched. */
const KINDS: readonly (readonly [PythonEnvProblem, RegExp])[] = [
  ["disk", DISK],
  ["no-venv", NO_VENV],
  ["no-python", NO_PYTHON],
  ["unresolvable", GONE],
  ["network", NETWORK],
  ["build", BUILD],
  ["permission", PERMISSION],
  ["unresolvable", UNRESOLVABLE],
];

export function diagnose(output: string): Diagnosis {
  const refusals = [...refusedByPip(output), ...listedByPip(output), ...ignoredByPip(output), ...refusedByUv(output)];
  const lines = output.split("\n").map((line) => line.trim());
  const said = (words: RegExp): string | undefined => lines.findLast((line) => words.test(line));
  const [first] = refusals;
  if (first !== undefined && said(DISK) === undefined) {
    return { kind: "requires-python", refusals, reason: `"${first.name}" asks for Python ${first.requires}` };
  }
  const isReached = wasReached(output, lines);
  for (const [kind, words] of KINDS) {
    const line = said(words);
    if (line === undefined || (kind === "network" && isReached)) continue;
    return { kind, refusals: [], reason: wordReason(kind, line, lines) };
  }
  return { kind: "failed", refusals: [], reason: strip(lines.findLast((line) => line !== "") ?? "it printed nothing") };
}

function wordReason(kind: PythonEnvProblem, line: string, lines: readonly string[]): string {
  if (kind === "network") return wordNetwork(line);
  return (kind === "build" ? wordBuild(lines) : undefined) ?? strip(line);
}

/** pip says no more than that there was a failure; the last line that the build printed says which. */
function wordBuild(lines: readonly string[]): string | undefined {
  const end = lines.lastIndexOf("[end of output]");
  const last = lines.slice(0, Math.max(end, 0)).findLast((line) => line !== "");
  return last === undefined ? undefined : `a build fails: ${strip(last)}`;
}

function strip(line: string): string {
  return line.replace(/^(?:ERROR:|error:|WARNING:|[×╰├│─▶\s])+/, "");
}

/** All that speaks of the network is that pip had to try again, and what it lacks in the end is not what it tried again for. */
function wasReached(output: string, lines: readonly string[]): boolean {
  if (lines.some((line) => NETWORK.test(line) && !RETRY.test(line))) return false;
  const missing = /No matching distribution found for ([A-Za-z0-9._-]+)/.exec(output)?.[1];
  const tried = lines.filter((line) => RETRY.test(line)).map((line) => /([A-Za-z0-9._-]+)\/?$/.exec(line)?.[1] ?? "");
  return missing === undefined || !tried.map(normaliseName).includes(normaliseName(missing));
}

const CAUSES =
  /Connection refused|Connection reset by peer|Name or service not known|nodename nor servname provided|Temporary failure in name resolution|Network is unreachable|CERTIFICATE_VERIFY_FAILED|invalid peer certificate|timed out|\b40[13]\b[^)]*|\b407\b[^)]*|\b50\d\b[^)]*/i;

/** The cause within what urllib3 and reqwest wrap around it. */
function wordNetwork(line: string): string {
  const cause = CAUSES.exec(line)?.[0];
  return cause === undefined ? strip(line) : `the index cannot be reached (${cause.trim()})`;
}

/** What it has just looked into refuses: `ERROR: Package 'x' requires a different Python: 3.10.13 not in '>=3.12'`. */
function refusedByPip(output: string): Refusal[] {
  return [...output.matchAll(/Package '([^']+)' requires a different Python: \S+ not in '([^']*)'/g)].slice(-1).map((found) => {
    const [, name = "", requires = ""] = found;
    const version = lastVersionOf(name, output.slice(0, found.index));
    const refusal = { name: normaliseName(name), specifier: "", requires };
    return version === undefined ? refusal : { ...refusal, version };
  });
}

/** From the name of the file that was looked into. */
function lastVersionOf(name: string, output: string): string | undefined {
  const files = output.matchAll(/([A-Za-z0-9][A-Za-z0-9._-]*?)-(\d[^\s/-]*?)(?:\.tar\.gz|\.zip|-[^\s/]*?\.whl)\b/g);
  return [...files].filter(([, it = ""]) => normaliseName(it) === normaliseName(name)).at(-1)?.[2];
}

/** Of several versions, the newest first: `Packages require a different Python. 3.10.13 not in:`, then lines `'>=3.12' (required by x 2.0 (from …))`. */
function listedByPip(output: string): Refusal[] {
  const list = output.slice(output.search(/Packages require a different Python\./)).match(/^'[^']*' \(required by \S+ \S+/gm) ?? [];
  if (!/Packages require a different Python\./.test(output)) return [];
  const found = list.flatMap((line) => {
    const [, requires = "", name = "", version = ""] = /^'([^']*)' \(required by (\S+) ([^\s)]+)/.exec(line) ?? [];
    return name === "" ? [] : [{ name: normaliseName(name.replace(/\[.*/, "")), version, specifier: "", requires }];
  });
  return found.filter((it, at) => found.findIndex(({ name }) => name === it.name) === at);
}

/**
 * The index itself says so, and no version is left: `Ignored the following versions that require a different python
 * version: 1.0 Requires-Python >=3.12; …`, then `Could not find a version that satisfies the requirement x==1.0`.
 */
function ignoredByPip(output: string): Refusal[] {
  const list = /Ignored the following versions that require a different python version: (.*)/.exec(output)?.[1];
  const wanted = /Could not find a version that satisfies the requirement ([A-Za-z0-9._-]+)(?:\[[^\]]*\])?([^(;]*)/.exec(output);
  if (list === undefined || wanted === null) return [];
  const [, name = "", text = ""] = wanted;
  const specifier = text.trim();
  const fits = [...list.matchAll(/(\S+) Requires-Python ([^;]*)/g)]
    .map(([, version = "", requires = ""]) => ({ version, requires: requires.trim() }))
    .filter(({ version }) => specifier === "" || satisfies(version, specifier, { prereleases: true }))
    .sort((one, other) => rcompare(one.version, other.version));
  const best = fits.find(({ version }) => !/[a-z]/.test(version)) ?? fits[0];
  return best === undefined ? [] : [{ name: normaliseName(name), specifier, ...best }];
}

const UV_REFUSAL = /([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?((?:[<>=!~]\S*)?) depends? on Python([<>=!~]\S*)/g;

/**
 * `Because the current Python version (3.10.13) does not satisfy Python>=3.12 and x==1.0 depends on Python>=3.12, …`; of
 * several versions it says `all versions of x depend on`. Its lines may be wrapped.
 */
function refusedByUv(output: string): Refusal[] {
  const text = output.replace(/[│╰├─▶×]/g, " ").replace(/\s+/g, " ");
  if (!/Python version \([^)]*\) does not satisfy Python/.test(text)) return [];
  const found = [...text.matchAll(UV_REFUSAL)].map(([, name = "", range = "", requires = ""]) => {
    const version = /^==([^,*]+)$/.exec(range)?.[1];
    const refusal = { name: normaliseName(name), specifier: specifierInUv(text, name), requires: requires.replace(/[,.]$/, "") };
    return version === undefined ? refusal : { ...refusal, version };
  });
  return found.filter((it, at) => found.findIndex(({ name }) => name === it.name) === at);
}

/** `y==1.0 depends on x>=1,<2`, `you require x<2`. */
function specifierInUv(text: string, name: string): string {
  const quoted = name.replace(/[.]/g, "\\.");
  const found = new RegExp(`(?:depends? on|you require) ${quoted}(?:\\[[^\\]]*\\])?([<>=!~]\\S*)`).exec(text)?.[1] ?? "";
  const specifier = found.replace(/[,.]+$/, "");
  return validRange(specifier) ? specifier : "";
}
