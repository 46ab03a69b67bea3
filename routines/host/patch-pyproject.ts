#!/usr/bin/env bun
/**
 * A pyproject.toml and a Python → the file with `requires-python` widened so that this Python is allowed, and no
 * other byte changed but for the classifier that goes with it.
 *
 *   bun routines/host/patch-pyproject.ts pyproject.toml --python 3.11 --dry-run
 */
import { chmodSync, existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { readText } from "../_script/read-text.ts";
import { endWith, runScript } from "../_script/script.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { addClassifier, classifierOf, type Edit } from "./_add-classifier.ts";
import { findBounds, findClassifiers, findDynamic, type PlacedBound } from "./_pyproject-bounds.ts";
import { readToml, type TomlDocument, type TomlValue } from "./_pyproject-toml.ts";
import { parseTarget, type Target } from "./_python-clause.ts";
import { unifiedDiff } from "./_unified-diff.ts";
import { type Refuse, widenConstraint, widenSpecifier } from "./_widen-requirement.ts";

export interface PyprojectPatch {
  text: string;
  isChanged: boolean;
  /** In words, one for each edit. */
  changes: string[];
  /** What it asked for before; null: nothing. */
  requiresPython: string | null;
}

export interface PatchPyprojectOptions {
  /** "3.11", which means the newest release of it, or "3.11.7". */
  python: string;
  /** Named in errors. */
  file?: string;
}

/**
 * Widens what bounds an installation: `[project] requires-python` (PEP 621), Poetry's main dependency on `python`, and the
 * older tables of Flit and PDM. Markers of dependencies and settings of other tools stay. The same text comes back where
 * nothing keeps that Python out. Throws `failed` with the place of what it does not understand, `usage` for a wrong `python`.
 */
export function patchPyproject(text: string, { python, file = "pyproject.toml" }: PatchPyprojectOptions): PyprojectPatch {
  const target = readTarget(python);
  const document = readToml(text, file);
  const bounds = findBounds(document, file);
  const dynamic = findDynamic(document);
  if (bounds.length === 0 && dynamic !== undefined) refuseElsewhere(dynamic, file);
  const changes = planChanges(text, { document, bounds, target, file });
  const patched = splice(
    text,
    changes.flatMap((change) => change.edits),
  );
  if (changes.length > 0) verify(patched, { document, changes, target, file });
  return { text: patched, isChanged: patched !== text, changes: changes.map((it) => it.words), requiresPython: bounds[0]?.asks ?? null };
}

function readTarget(python: string): Target {
  const target = parseTarget(python);
  if (target !== undefined) return target;
  throw new HarborError(`Cannot allow Python "${python}": it is no version of Python 3`, {
    exit: "usage",
    hint: "Say it as 3.11 or as 3.11.7",
  });
}

function refuseElsewhere(dynamic: TomlValue, file: string): never {
  throw new HarborError(`Cannot widen requires-python in "${file}": it is dynamic, so that the build backend finds it elsewhere`, {
    at: { file, line: dynamic.line, column: dynamic.column },
    hint: "With setuptools that is python_requires in setup.cfg or setup.py: change it there",
  });
}

interface Change {
  value: TomlValue;
  /** What the value is to be: a string, or the strings of a list. */
  wanted: string | (string | undefined)[];
  edits: Edit[];
  words: string;
}

interface PlanOptions {
  document: TomlDocument;
  bounds: readonly PlacedBound[];
  target: Target;
  file: string;
}

/** Classifiers bound nothing: they only follow a bound that is widened. */
function planChanges(text: string, { document, bounds, target, file }: PlanOptions): Change[] {
  const widened = bounds.flatMap((bound) => widenBound(bound, target, file));
  if (widened.length === 0) return [];
  return [...widened, ...findClassifiers(document).flatMap((value) => extendClassifiers(text, value, target))];
}

function widenBound({ value, asks, syntax }: PlacedBound, target: Target, file: string): Change[] {
  const refuse: Refuse = (cause) => {
    throw new HarborError(`Cannot widen ${nameOf(value)} in "${file}": ${cause}`, {
      at: { file, line: value.line, column: value.column },
      hint: "Mend it by hand first",
    });
  };
  const wanted = (syntax === "poetry" ? widenConstraint : widenSpecifier)(asks, target, refuse);
  if (wanted === asks) return [];
  const edit = { start: value.start, end: value.start + value.raw.length, text: rewriteString(value.raw, asks, wanted) };
  return [{ value, wanted, edits: [edit], words: `${nameOf(value)}: ${JSON.stringify(asks)} is now ${JSON.stringify(wanted)}` }];
}

function extendClassifiers(text: string, value: TomlValue, { minor }: Target): Change[] {
  const elements = value.elements ?? [];
  const edits = addClassifier(text, elements, minor);
  if (edits.length === 0) return [];
  const added = classifierOf(minor);
  const place = elements.filter(({ start }) => start < (edits.at(-1)?.start ?? 0)).length;
  const strings = elements.map((element) => element.string);
  return [{ value, wanted: strings.toSpliced(place, 0, added), edits, words: `${nameOf(value)}: "${added}" is added` }];
}

function nameOf({ path }: TomlValue): string {
  return path.join(".");
}

/** In its own quotes, and within them on the lines where it stood. */
function rewriteString(raw: string, from: string, to: string): string {
  const quotes = /^(?:"""|'''|"|')/.exec(raw)?.[0] ?? '"';
  const inner = raw.slice(quotes.length, -quotes.length);
  const [before, after, more] = inner.split(from);
  const isPlain = before !== undefined && after !== undefined && more === undefined;
  return isPlain ? `${quotes}${before}${to}${after}${quotes}` : JSON.stringify(to); // it was written with escapes
}

function splice(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((one, other) => other.start - one.start)
    .reduce((result, { start, end, text: put }) => `${result.slice(0, start)}${put}${result.slice(end)}`, text);
}

interface VerifyOptions {
  document: TomlDocument;
  changes: readonly Change[];
  target: Target;
  file: string;
}

/** Reads the result again: nothing may differ but what was meant to, and nothing may be left to do. */
function verify(text: string, { document, changes, target, file }: VerifyOptions): void {
  const after = readToml(text, file);
  const wanted = new Map(changes.map((change) => [change.value, change.wanted]));
  const isSame =
    Bun.deepEquals([after.tables, after.comments], [document.tables, document.comments]) &&
    after.values.length === document.values.length &&
    document.values.every((value, index) => isAsWanted(after.values[index], value, wanted.get(value)));
  const isDone = isSame && planChanges(text, { document: after, bounds: findBounds(after, file), target, file }).length === 0;
  if (isDone) return;
  throw new HarborError(`Cannot patch "${file}": the result would differ in more than was meant, so nothing is changed`, {
    hint: `By hand: ${changes.map((change) => change.words).join("; ")}`,
  });
}

function isAsWanted(after: TomlValue | undefined, before: TomlValue, wanted: Change["wanted"] | undefined): boolean {
  if (after === undefined || !Bun.deepEquals(after.path, before.path)) return false;
  if (wanted === undefined) return after.raw === before.raw;
  return Bun.deepEquals(typeof wanted === "string" ? after.string : after.elements?.map((it) => it.string), wanted);
}

/** Older setuptools projects have their bound beside the file. Throws where there is one. */
function refuseBeside(file: string): void {
  for (const name of ["setup.cfg", "setup.py"]) {
    const path = join(dirname(file), name);
    const lines = existsSync(path) ? readText(path).split("\n") : [];
    const index = lines.findIndex((line) => /^[^#]*\bpython_requires\s*=/.test(line));
    if (index === -1) continue;
    throw new HarborError(`Cannot widen requires-python in "${file}": it says nothing of Python, ${name} does`, {
      at: { file: path, line: index + 1 },
      hint: "Change python_requires there",
    });
  }
}

/** Throws for bytes that are no UTF-8, which TOML has to be: they would not be written back as they were. */
function readExactly(file: string): string {
  const text = readText(file);
  if (Buffer.from(text).equals(readFileSync(file))) return text;
  throw new HarborError(`Cannot read "${file}" as TOML: it is not UTF-8`, { at: { file } });
}

/** Through a link to what it names, with the mode that it had. */
function writeBack(file: string, text: string): void {
  const path = realpathSync(file);
  const mode = statSync(path).mode & 0o7777;
  writeFileWhole(path, text, mode);
  chmodSync(path, mode); // the mask took from it
}

interface Outcome extends Omit<PyprojectPatch, "text"> {
  file: string;
  isWritten: boolean;
  diff: string;
}

function render({ file, isWritten, isChanged, diff, changes, requiresPython }: Outcome, python: string): string {
  if (!isChanged)
    return requiresPython === null ? `${file} asks for no Python` : `${file} allows Python ${python}: ${JSON.stringify(requiresPython)}`;
  return isWritten ? [`${file} is changed:`, ...changes.map((change) => `  ${change}`)].join("\n") : diff;
}

export const command = defineCommand({
  meta: {
    name: "patch-pyproject",
    description: "Widen requires-python in a pyproject.toml so that it allows a Python",
    examples: ["harbor routine patch-pyproject . --python 3.11 --dry-run", "harbor routine patch-pyproject pyproject.toml --python 3.11"],
  },
  args: {
    ...jsonArg,
    place: { type: "positional", description: "The file, or its folder", required: true, completes: "file" },
    python: { type: "string", description: "The Python to allow: 3.11 or 3.11.7", valueHint: "VERSION" },
    check: { type: "boolean", description: "Write nothing; exit 0 if that Python is allowed already, else 1, with a diff" },
    "dry-run": { type: "boolean", description: "Write nothing; print a diff" },
  },
  run({ args }) {
    if (args.python === undefined) {
      throw new HarborError('Cannot patch without "--python": it says which Python to allow', { exit: "usage", hint: "--python 3.11" });
    }
    const place = args.place ?? "";
    const file = existsSync(place) && statSync(place).isDirectory() ? join(place, "pyproject.toml") : place;
    const before = readExactly(file);
    const { text, ...patch } = patchPyproject(before, { python: args.python, file });
    if (patch.requiresPython === null) refuseBeside(file);
    const isWritten = patch.isChanged && !args.check && !args["dry-run"];
    if (isWritten) writeBack(file, text);
    const outcome: Outcome = { file, isWritten, ...patch, diff: unifiedDiff(file, before, text) };
    emit(outcome, { json: args.json, render: (it) => render(it, args.python ?? "") });
    if (args.check && patch.isChanged) endWith(1);
  },
});

if (import.meta.main) await runScript(command);
