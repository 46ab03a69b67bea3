/** Which interpreter an environment stands on: what the caller asks for, else what the package does, else the newest that works. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { validRange } from "@renovatebot/pep440";
import { readText } from "../_script/read-text.ts";
import { PythonEnvError } from "./_env-error.ts";
import type { ReadRequest } from "./_env-request.ts";
import type { Installer } from "./_installer.ts";
import { findPythons, type Python } from "./find-python.ts";

export interface SelectedPython {
  /** A path, or with uv a version that it fetches; undefined leaves the choice to uv. */
  python: string | undefined;
  /** For a person. */
  words: string;
}

/** Throws `no-python`, `no-venv` where none fits. */
export async function selectPython(request: ReadRequest, installer: Installer): Promise<SelectedPython> {
  const { python: wanted, env, index } = request;
  const known = wanted === undefined ? requiredBySource(request) : undefined;
  const pythons = await findPythons({ env, wanted: wanted ?? known });
  const usable = firstUsable(pythons, installer) ?? (known === undefined ? undefined : firstUsable(await findPythons({ env }), installer));
  if (usable !== undefined) return { python: usable.path, words: `Python ${usable.version} (${usable.path})` };
  const isPath = wanted?.includes("/") === true;
  if (installer.name === "uv" && !index.isOffline && !isPath) {
    return { python: wanted ?? known, words: `no Python${wanted === undefined ? "" : ` ${wanted}`} here: uv fetches one` };
  }
  throw noPython(wanted, pythons);
}

/** One of this host that satisfies all of these, where the caller leaves the choice to us; undefined where there is none. */
export async function findFitting(request: ReadRequest, installer: Installer, requires: readonly string[]): Promise<Python | undefined> {
  if (request.python !== undefined || requires.some((it) => !validRange(it))) return undefined;
  return firstUsable(await findPythons({ env: request.env, wanted: requires.join(",") }), installer);
}

/** uv needs no module of the interpreter to make an environment. */
function firstUsable(pythons: readonly Python[], installer: Installer): Python | undefined {
  return pythons.find((it) => it.problem === undefined && (installer.name === "uv" || it.hasVenv));
}

/** Which Pythons a source on this disk says that it wants. */
export function requiredBySource({ source }: ReadRequest): string | undefined {
  if (source?.startsWith("/") !== true) return undefined;
  const file = join(source, "pyproject.toml");
  if (!existsSync(file)) return undefined;
  try {
    return requiresOf(Bun.TOML.parse(readText(file)));
  } catch {
    return undefined; // the build will say it better
  }
}

function requiresOf(document: unknown): string | undefined {
  const project = (document as { project?: { "requires-python"?: unknown } } | undefined)?.project;
  const requires = project?.["requires-python"];
  return typeof requires === "string" && validRange(requires) ? requires : undefined;
}

const SHOWN = 10;

function noPython(wanted: string | undefined, pythons: readonly Python[]): PythonEnvError {
  const lacking = pythons.find((it) => it.problem === undefined);
  const what = wanted === undefined ? "" : ` ${wanted}`;
  if (lacking !== undefined) {
    const minor = lacking.version.split(".").slice(0, 2).join(".");
    return new PythonEnvError(
      "no-venv",
      `Cannot make a Python environment: ${lacking.path} (Python ${lacking.version}) has no venv module`,
      {
        hint: existsSync("/etc/debian_version")
          ? `Install it: apt install python${minor}-venv (or python3-venv); or install uv`
          : "Install the venv and ensurepip modules of that Python, or install uv",
      },
    );
  }
  const listed = pythons.map(({ path, version, problem }) => `${path}${version === "" ? "" : ` (${version})`}: it ${problem}`);
  return new PythonEnvError("no-python", `Cannot make a Python environment: this host has no Python${what} that can be used`, {
    details: listed.slice(0, SHOWN),
    hint: installHint(wanted),
  });
}

function installHint(wanted: string | undefined): string {
  const version = /\d+\.\d+/.exec(wanted ?? "")?.[0];
  const by =
    process.platform === "darwin" ? `brew install python${version === undefined ? "" : `@${version}`}` : "your package manager or pyenv";
  return `Install uv, which fetches the Python it needs, or install one with ${by}`;
}
