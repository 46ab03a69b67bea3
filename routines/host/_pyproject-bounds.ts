/**
 * A pyproject.toml, read → where it says which Pythons it may be installed on, and the lists of classifiers beside that.
 *
 * - `[project] requires-python`: PEP 621, every backend.
 * - `[tool.poetry.dependencies] python`: Poetry, also beside `[project]`. Only the main group: its other groups do not bound.
 * - `[tool.flit.metadata] requires-python`, `[tool.pdm] python_requires`: from before PEP 621; without a `[project]` only.
 */
import { HarborError } from "../_script/error.ts";
import type { TomlDocument, TomlPath, TomlValue } from "./_pyproject-toml.ts";
import type { Syntax } from "./_python-clause.ts";

export interface PlacedBound {
  value: TomlValue;
  asks: string;
  syntax: Syntax;
}

const STANDARD = "project.requires-python";
const BEFORE_STANDARD = ["tool.flit.metadata.requires-python", "tool.pdm.python_requires", "tool.pdm.requires-python"];
const CLASSIFIERS = ["project.classifiers", "tool.poetry.classifiers", "tool.flit.metadata.classifiers", "tool.pdm.classifiers"];

/** The standard one first. Throws `failed` where one is no string. */
export function findBounds(document: TomlDocument, file: string): PlacedBound[] {
  const isStandard = hasProject(document);
  const bounds = document.values.flatMap((value): PlacedBound[] => {
    const syntax = syntaxAt(value.path, isStandard);
    if (syntax === undefined) return [];
    const isTable = syntax === "pep440" && isAt(value.path.slice(0, 2), STANDARD) && value.path.length > 2;
    if (value.string !== undefined && !isTable) return [{ value, asks: value.string, syntax }];
    const { line, column } = value;
    throw new HarborError(`Cannot widen ${value.path.join(".")} in "${file}": it is no string`, { at: { file, line, column } });
  });
  return bounds.sort((one, other) => Number(one.syntax === "poetry") - Number(other.syntax === "poetry"));
}

function syntaxAt(path: TomlPath, isStandard: boolean): Syntax | undefined {
  if (isAt(path.slice(0, 2), STANDARD)) return "pep440";
  if (!isStandard && BEFORE_STANDARD.some((place) => isAt(path, place))) return "pep440";
  return isPoetryPython(path) ? "poetry" : undefined;
}

/** `python = "^3.12"`; a table, or a list of them, has it under `version`. */
function isPoetryPython(path: TomlPath): boolean {
  const [name, ...within] = path.slice(3);
  if (!isAt(path.slice(0, 3), "tool.poetry.dependencies") || String(name).toLowerCase() !== "python") return false;
  const keys = within.filter((part) => typeof part === "string");
  return keys.length === 0 || (keys.length === 1 && keys[0] === "version");
}

export function findClassifiers(document: TomlDocument): TomlValue[] {
  return document.values.filter(({ path, elements }) => elements !== undefined && CLASSIFIERS.some((place) => isAt(path, place)));
}

/** Where the file itself says that the bound is not in it (PEP 621, `dynamic`). */
export function findDynamic({ values }: TomlDocument): TomlValue | undefined {
  return values.find(
    ({ path, elements }) => isAt(path, "project.dynamic") && elements?.some((element) => element.string === "requires-python"),
  );
}

function hasProject({ values, tables }: TomlDocument): boolean {
  return [...tables, ...values.map((value) => value.path)].some(([first]) => first === "project");
}

function isAt(path: TomlPath, place: string): boolean {
  const names = place.split(".");
  return path.length === names.length && names.every((name, index) => path[index] === name);
}
