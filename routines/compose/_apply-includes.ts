/** `include`: other compose files taken in as they stand, with their own folder and their own env files. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { HarborError } from "../_script/error.ts";
import { parseEnv } from "../config/parse-env.ts";
import { COMPOSE } from "./_merge-rules.ts";
import { type ComposeMap, isMap, Merging, mergeMaps, shapeError } from "./_merge-tree.ts";
import type { LoadContext, LoadedDocument } from "./_read-documents.ts";
import { rebasePaths } from "./_relative-paths.ts";
import { resetKeys } from "./_reset-keys.ts";
import { escapeDollars, interpolate, mapStrings, type Values } from "./interpolate.ts";

interface Include {
  paths: string[];
  projectDirectory: string;
  envFiles: string[];
}

const IMPORTED = ["services", "volumes", "networks", "secrets", "configs"] as const;

/** How an included file is read, its own includes carried out. */
type Load = (path: string, context: LoadContext) => LoadedDocument[];

/** Replaces a document's `include` by what the included files define. */
export function applyIncludes(content: ComposeMap, path: string, context: LoadContext, loadFile: Load): void {
  const merging = new Merging(path, context.values);
  merging.path.push("include");
  const { include } = content;
  delete content.include;
  if (include === null) return;
  if (!Array.isArray(include)) throw merging.fail("it has to be a list");
  for (const entry of include) {
    const { directory } = context;
    const imported = loadIncluded(readEntry(entry, merging, context), path, context, loadFile);
    rebasePaths(imported.model, { from: relative(directory, imported.folder) || ".", values: imported.values });
    importInto(content, settleAll(imported, context.values), path);
  }
}

function readEntry(entry: unknown, merging: Merging, context: LoadContext): Include {
  const long: ComposeMap = isMap(entry) ? entry : { path: entry };
  const texts = (value: unknown): string[] => (value === undefined ? [] : [value].flat().map((item) => merging.text(item)));
  const toAbsolute = (file: string): string => (isAbsolute(file) ? file : join(context.directory, file));
  const paths = texts(long.path).map(toAbsolute);
  const [first] = paths;
  if (first === undefined) return merging.fail('an entry without "path"');
  const given = texts(long.project_directory)[0] ?? "";
  const projectDirectory = given === "" ? dirname(first) : toAbsolute(given);
  const listed = texts(long.env_file).map(toAbsolute);
  for (const file of listed) {
    if (!existsSync(file) || statSync(file).isDirectory()) merging.fail(`there is no env file ${file}`);
  }
  const own = join(projectDirectory, ".env");
  const hasOwn = existsSync(own) && !statSync(own).isDirectory();
  return { paths, projectDirectory, envFiles: listed.length > 0 ? listed : hasOwn ? [own] : [] };
}

interface Imported {
  model: ComposeMap;
  folder: string;
  values: Values;
  hasOwnValues: boolean;
}

function loadIncluded(include: Include, path: string, context: LoadContext, loadFile: Load): Imported {
  const including = [...context.including, path];
  const [first = ""] = include.paths;
  if (including.includes(first)) {
    throw new HarborError("Cannot include a file: the files include each other in a circle", {
      at: { file: path },
      details: [...including, first],
    });
  }
  const values = valuesOf(include, context.values);
  const model: ComposeMap = {};
  for (const file of include.paths) {
    const merging = new Merging(file, values);
    for (const document of loadFile(file, { ...context, directory: include.projectDirectory, values, including })) {
      resetKeys(model, document.resets, merging);
      mergeMaps(model, document.content, COMPOSE, merging);
    }
  }
  return { model, folder: include.projectDirectory, values, hasOwnValues: include.envFiles.length > 0 };
}

/** Leaves nothing in the model that means something else outside. */
function settleAll({ model, values, hasOwnValues }: Imported, outer: Values): ComposeMap {
  if (!hasOwnValues) return model;
  takeEnvironment(model, outer, values);
  return mapStrings(model, (text) => settle(text, outer, values)) as ComposeMap;
}

/** What is set outside wins over the included files' own env files. */
function valuesOf(include: Include, outer: Values): Values {
  const own = new Map<string, string>();
  for (const file of include.envFiles) {
    const lookup: Values = (name) => outer(name) ?? own.get(name);
    for (const [name, value] of parseEnv(readFileSync(file, "utf8"), { file, lookup })) own.set(name, value);
  }
  return (name) => outer(name) ?? own.get(name);
}

/** A text that only the included files' variables explain is written out; all others stay as they are. */
function settle(text: string, outer: Values, inner: Values): string {
  if (!text.includes("$")) return text;
  const shown = interpolate(text, inner);
  return interpolateOr(text, outer) === shown ? text : escapeDollars(shown);
}

function interpolateOr(text: string, values: Values): string | undefined {
  try {
    return interpolate(text, values);
  } catch {
    return undefined; // a variable that is required and known inside only
  }
}

/** `- NAME` in an included environment takes its value from the included env files as well. */
function takeEnvironment(model: ComposeMap, outer: Values, inner: Values): void {
  for (const service of Object.values((model.services ?? {}) as ComposeMap)) {
    if (!isMap(service) || !Array.isArray(service.environment)) continue;
    service.environment = service.environment.map((item) => {
      const value = typeof item === "string" && outer(item) === undefined ? inner(item) : undefined;
      return value === undefined ? item : `${item}=${escapeDollars(value)}`;
    });
  }
}

/** Compose refuses a resource that is defined on both sides, unless the same. */
function importInto(content: ComposeMap, imported: ComposeMap, path: string): void {
  for (const section of IMPORTED) {
    const from = imported[section];
    if (!isMap(from)) continue;
    const to = (content[section] ?? {}) as ComposeMap;
    for (const name of Object.keys(from)) {
      if (Object.hasOwn(to, name) && !Bun.deepEquals(to[name], from[name])) {
        throw shapeError(path, [section, name], "an included file defines it too");
      }
      to[name] = from[name];
    }
    content[section] = to;
  }
}
