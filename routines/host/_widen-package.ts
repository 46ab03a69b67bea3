/**
 * A package that refuses this Python → a wheel of it that does not: its source is fetched, `requires-python` in its
 * pyproject.toml widened, and a wheel built. A bound that stands elsewhere (setup.py, setup.cfg, dynamic metadata), and that
 * of a package without published source, is widened in the wheel's own metadata.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { satisfies, validRange } from "@renovatebot/pep440";
import { HarborError } from "../_script/error.ts";
import { readText } from "../_script/read-text.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import type { Refusal } from "./_diagnose.ts";
import { PythonEnvError } from "./_env-error.ts";
import { requirementWords } from "./_installer.ts";
import { normaliseName } from "./_requirement.ts";
import { METADATA_MARK, UNPACK, WHEEL_METADATA } from "./_wheel-scripts.ts";
import { patchPyproject } from "./patch-pyproject.ts";

export interface Widened {
  name: string;
  version: string;
  /** Path of the wheel. */
  wheel: string;
  from: string;
  to: string;
}

export interface WidenOptions {
  refusal: Refusal;
  /** The environment's, with its version. */
  python: { path: string; version: string };
  /** Where its source is: folder, archive or git URL; the index's sdist when left out. */
  source?: string | undefined;
  /** A folder of our own. */
  scratch: string;
  say: (step: "fetch-source" | "patch", text: string) => void;
  /** Runs pip with these words; the failure where it fails. */
  tryPip: (
    step: "fetch-source" | "patch",
    words: readonly string[],
    variables?: Record<string, string>,
  ) => Promise<PythonEnvError | undefined>;
  /** Writes requirements with secrets to a private file, and gives its path. */
  hide: (requirements: readonly string[]) => string;
  /** Runs the environment's interpreter, gives what it printed; throws where that fails. */
  runPython: (step: "fetch-source" | "patch", words: readonly string[]) => Promise<string>;
}

export async function widenPackage(options: WidenOptions): Promise<Widened> {
  const { refusal, scratch } = options;
  const folder = join(scratch, "source", refusal.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const root = await fetchSource(options, folder);
  if (root !== undefined) patchProject(options, root);
  const wheel = root === undefined ? await fetchWheel(options) : await buildWheel(options, root);
  const built = await readWheel(options, wheel);
  if (normaliseName(built.name) !== refusal.name) {
    throw new PythonEnvError("requires-python", `Cannot widen "${refusal.name}": its source is that of "${built.name}"`, {
      hint: `Name the source of "${refusal.name}", or none`,
    });
  }
  const to = await widenWheel(options, wheel, built.requires);
  rmSync(folder, { recursive: true, force: true });
  return { name: refusal.name, version: built.version, wheel, from: refusal.requires, to };
}

/** The folder that holds its pyproject.toml or setup.py; undefined where the index has no source of it. */
async function fetchSource(options: WidenOptions, folder: string): Promise<string | undefined> {
  const { refusal, source, say } = options;
  const target = join(folder, "unpacked");
  if (source?.startsWith("/") && statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    say("fetch-source", `copying ${source}`);
    cpSync(source, target, { recursive: true, filter: (path) => !/^(\.venv|venv|node_modules|__pycache__)$/.test(basename(path)) });
    return projectRoot(target, refusal.name);
  }
  const archive = source?.startsWith("/") ? source : await downloadSource(options, join(folder, "download"));
  if (archive === undefined) return undefined;
  await options.runPython("fetch-source", [scriptFile(options.scratch, "unpack.py", UNPACK), archive, target]);
  return projectRoot(target, refusal.name);
}

async function downloadSource(options: WidenOptions, into: string): Promise<string | undefined> {
  const { refusal, source, say, tryPip } = options;
  const what = source === undefined ? pinned(refusal) : `${refusal.name} @ ${source}`;
  say("fetch-source", `fetching the source of ${source === undefined ? what : refusal.name}`);
  const words = [
    "--no-deps",
    "--ignore-requires-python",
    "--no-binary",
    refusal.name,
    "--dest",
    into,
    ...requirementWords([what], options.hide),
  ];
  const failure = await tryPip("fetch-source", ["download", ...words]);
  if (failure === undefined) return onlyFile(into, refusal.name);
  if (failure.kind !== "unresolvable" || source !== undefined) throw failure;
  return undefined;
}

/** A project that publishes wheels alone. */
async function fetchWheel({ refusal, scratch, say, tryPip }: WidenOptions): Promise<string> {
  say("fetch-source", `there is no source of ${pinned(refusal)}: its wheel is changed instead`);
  const into = join(scratch, "wheels", refusal.name);
  rmSync(into, { recursive: true, force: true });
  const failure = await tryPip("fetch-source", ["download", "--no-deps", "--ignore-requires-python", "--dest", into, pinned(refusal)]);
  if (failure === undefined) return onlyFile(into, refusal.name);
  if (failure.kind !== "unresolvable") throw failure;
  const { name, requires } = refusal;
  throw new PythonEnvError(
    "requires-python",
    `Cannot install "${name}": it asks for Python ${requires}, and there is no source of it to change`,
    {
      hint: `Use a Python that it asks for, or name the source of "${name}"`,
      details: failure.details,
      cause: failure,
    },
  );
}

function pinned({ name, version, specifier }: Refusal): string {
  return version === undefined ? `${name}${specifier}` : `${name}==${version}`;
}

function onlyFile(folder: string, name: string): string {
  const [file] = readdirSync(folder);
  if (file === undefined) throw new PythonEnvError("requires-python", `Cannot widen "${name}": pip fetched nothing`);
  return join(folder, file);
}

function projectRoot(folder: string, name: string): string {
  const isProject = (path: string): boolean => ["pyproject.toml", "setup.py", "setup.cfg"].some((file) => existsSync(join(path, file)));
  if (isProject(folder)) return folder;
  const inner = readdirSync(folder)
    .map((it) => join(folder, it))
    .find(isProject);
  if (inner !== undefined) return inner;
  throw new PythonEnvError("requires-python", `Cannot widen "${name}": its source holds neither pyproject.toml nor setup.py`);
}

/** Where that is not possible the wheel's metadata will do: a build does not ask for it. */
function patchProject({ python, refusal, say }: WidenOptions, root: string): void {
  const file = join(root, "pyproject.toml");
  if (!existsSync(file)) {
    say("patch", `${refusal.name} has no pyproject.toml: its wheel is changed instead`);
    return;
  }
  try {
    const patch = patchPyproject(readText(file), { python: python.version.replace(/[a-z].*/, ""), file });
    // in its place, not through it: a link leads back to the source that was copied, or out of the archive
    if (patch.isChanged) writeFileWhole(file, patch.text);
    for (const change of patch.changes) say("patch", `${refusal.name}: ${change}`);
    if (!patch.isChanged) say("patch", `${refusal.name} states its bound elsewhere: its wheel is changed instead`);
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    say("patch", `${refusal.name}: ${error.message}: its wheel is changed instead`);
  }
}

async function buildWheel({ refusal, scratch, say, tryPip }: WidenOptions, root: string): Promise<string> {
  say("patch", `building ${refusal.name}`);
  const into = join(scratch, "wheels", refusal.name);
  rmSync(into, { recursive: true, force: true });
  // what reads its version from git finds none here
  const version: Record<string, string> = refusal.version === undefined ? {} : { SETUPTOOLS_SCM_PRETEND_VERSION: refusal.version };
  const failure = await tryPip("patch", ["wheel", "--no-deps", "--ignore-requires-python", "--wheel-dir", into, root], version);
  if (failure !== undefined) throw failure;
  return onlyFile(into, refusal.name);
}

interface WheelMetadata {
  name: string;
  version: string;
  requires: string | null;
}

async function readWheel(options: WidenOptions, wheel: string, ...words: string[]): Promise<WheelMetadata> {
  const output = await options.runPython("patch", [scriptFile(options.scratch, "wheel-metadata.py", WHEEL_METADATA), wheel, ...words]);
  const line = output.split("\n").find((it) => it.startsWith(METADATA_MARK)) ?? "";
  return JSON.parse(line.slice(METADATA_MARK.length)) as WheelMetadata;
}

/** The bound that the wheel has in the end. */
async function widenWheel(options: WidenOptions, wheel: string, requires: string | null): Promise<string> {
  const { version } = options.python;
  if (requires === null || isAllowed(version, requires)) return requires ?? "any";
  const to = widenBound(requires, version);
  options.say("patch", `${options.refusal.name}: requires-python ${requires} becomes ${to} in its wheel`);
  await readWheel(options, wheel, to);
  return to;
}

function isAllowed(version: string, requires: string): boolean {
  return validRange(requires) && satisfies(version, requires, { prereleases: true });
}

/** Without the clauses that refuse this version. */
function widenBound(requires: string, version: string): string {
  const kept = requires
    .split(",")
    .map((it) => it.trim())
    .filter((clause) => isAllowed(version, clause));
  return kept.length === 0 ? `>=${version.split(".").slice(0, 2).join(".")}` : kept.join(",");
}

export function scriptFile(scratch: string, name: string, text: string): string {
  const path = join(scratch, name);
  writeFileWhole(path, text);
  return path;
}
