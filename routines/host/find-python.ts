#!/usr/bin/env bun
/**
 * The Python interpreters of this host, the best for what is wanted first: on PATH, of pyenv, uv and Homebrew, of the
 * system. Each is asked once, all at the same time, and one that hangs is killed.
 *
 *   bun routines/host/find-python.ts ">=3.10,<3.13" --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { table } from "../_script/table.ts";
import { askProgram } from "./_ask-program.ts";
import { type PythonFacts, probePython } from "./_probe-python.ts";
import { describePlace, findPlaces, type PythonPlace, type PythonSource } from "./_python-places.ts";
import { toolEnvironment } from "./_tool-environment.ts";
import { compareRanks, isPrerelease, isWanted, parseWanted, type Rank, type WantedPython } from "./_wanted-python.ts";

export interface Python {
  path: string;
  /** Where `path` leads: names the interpreter. */
  realPath: string;
  /** As PEP 440 writes it; "" where it does not tell. */
  version: string;
  source: PythonSource;
  /** As `uname -m` says it; "" where it does not tell. */
  arch: string;
  /** Whether it makes virtual environments with pip in them by itself; Debian's does with python3-venv. */
  hasVenv: boolean;
  /** Why it cannot be used, to follow "it". */
  problem?: string;
}

export interface FindPythonsOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** `3.12`, `>=3.10,<3.13` (PEP 440), or the path of one: then only that is looked at. */
  wanted?: string | undefined;
  platform?: NodeJS.Platform;
  /** How long one may take to answer: a cold disk, a busy machine and an antivirus together stay below the default. */
  timeoutMs?: number;
}

/** What `venv`, `importlib.metadata` and today's pip need. */
const OLDEST = { specifier: ">=3.8a0" };

/** All that were found, those with a problem last. Throws `usage` for a `wanted` that is no version, specifier or path. */
export async function findPythons(options: FindPythonsOptions): Promise<Python[]> {
  const { env, wanted, platform = process.platform } = options;
  const asked = parseWanted(wanted, env);
  if (asked !== "any" && "path" in asked) return [(await lookAtGiven(asked.path, options)).python];
  const [places, hasTools] = await Promise.all([findPlaces(env), hasDeveloperTools(env, platform)]);
  const looked = await Promise.all(
    places.map((place) => {
      if (place.realPath.startsWith("/usr/bin/python3") && !hasTools) {
        return unusable(place, "opens an installer: the command line tools are missing (xcode-select --install)");
      }
      return look(place, options, asked);
    }),
  );
  return unique(looked.sort((one, other) => compareRanks(one.rank, other.rank)).map(({ python }) => python));
}

interface Looked {
  python: Python;
  rank: Rank;
}

async function lookAtGiven(path: string, options: FindPythonsOptions): Promise<Looked> {
  const place = describePlace(path, options.env, "given");
  if (place === undefined) return unusable({ path, realPath: path, source: "given" }, "does not exist");
  return look(place, options, "any");
}

async function look(place: PythonPlace, { env, timeoutMs }: FindPythonsOptions, wanted: WantedPython): Promise<Looked> {
  const facts = await probePython(place.path, env, timeoutMs);
  if (typeof facts === "string") return unusable(place, facts.replace(/^it /, ""));
  const { version, arch, hasVenv } = facts;
  // what a virtual environment's own link leads to is the interpreter below it, not the environment
  const realPath = facts.isVenv ? place.path : facts.realPath;
  const problem = findProblem(facts, wanted);
  const order = [problem === undefined, !isPrerelease(version), facts.implementation === "cpython", !facts.isFreeThreaded, hasVenv];
  const python = { path: place.path, realPath, version, source: place.source, arch, hasVenv };
  return { python: problem === undefined ? python : { ...python, problem }, rank: { order, version } };
}

function findProblem({ version, isVenv, bits }: PythonFacts, wanted: WantedPython): string | undefined {
  if (!isWanted(version, OLDEST)) return `is ${version}, older than 3.8`;
  if (isVenv) return "is a virtual environment's own";
  if (bits !== 64) return `is a ${bits}-bit one`;
  return isWanted(version, wanted) ? undefined : `is ${version}`;
}

function unusable({ path, realPath, source }: Pick<PythonPlace, "path" | "realPath" | "source">, problem: string): Looked {
  const python = { path, realPath, version: "", source, arch: "", hasVenv: false, problem };
  return { python, rank: { order: [false], version: "0" } };
}

/** Wrapper scripts lead to an interpreter that was found by its own path as well. */
function unique(pythons: readonly Python[]): Python[] {
  const seen = new Set<string>();
  return pythons.filter(({ realPath }) => !seen.has(realPath) && seen.add(realPath));
}

/** Without them macOS' own python3 is a stub that opens a dialogue. */
async function hasDeveloperTools(env: FindPythonsOptions["env"], platform: NodeJS.Platform): Promise<boolean> {
  if (platform !== "darwin") return true;
  const program = Bun.which("xcode-select", { PATH: `${env.PATH ?? ""}:/usr/bin` });
  if (program === null) return false;
  return (await askProgram([program, "-p"], { env: toolEnvironment(env), timeoutMs: 2_000 })).exit === 0;
}

export const command = defineCommand({
  meta: {
    name: "find-python",
    description: "List the Python interpreters of this host, the best first, and why the others will not do",
    examples: ["harbor routine find-python", "harbor routine find-python '>=3.10,<3.13' --json"],
  },
  args: { ...jsonArg, wanted: { type: "positional", description: "A version, a specifier (PEP 440) or a path" } },
  async run({ args }) {
    const pythons = await findPythons({ env: process.env, wanted: args.wanted });
    emit(pythons, { json: args.json, render: renderTable });
    if (pythons.some(({ problem }) => problem === undefined)) return;
    throw new HarborError(`Cannot find a Python${args.wanted === undefined ? "" : ` "${args.wanted}"`} that can be used`, {
      exit: "missing",
      hint: "Install uv, which fetches one, or install it with your package manager or pyenv",
    });
  },
});

function renderTable(pythons: readonly Python[]): string {
  if (pythons.length === 0) return "none";
  const note = ({ problem, hasVenv }: Python): string => (problem === undefined ? (hasVenv ? "" : "has no venv") : `no: it ${problem}`);
  return table([
    ["VERSION", "SOURCE", "ARCH", "PATH", ""],
    ...pythons.map((it) => [it.version || "-", it.source, it.arch || "-", it.path, note(it)]),
  ]).join("\n");
}

if (import.meta.main) await runScript(command);
