#!/usr/bin/env bun
/**
 * Merge compose files into one model that means what `docker compose -f a -f b … config` means.
 *
 *   bun routines/compose/merge-compose.ts compose.yml compose.override.yml
 */
import { resolve } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { cloneTree } from "./_clone-tree.ts";
import { collectVariables, type Variable } from "./_collect-variables.ts";
import { loadFile, resolveReferences } from "./_load-file.ts";
import { COMPOSE } from "./_merge-rules.ts";
import { type ComposeMap, isMap, Merging, mergeMaps, shapeError } from "./_merge-tree.ts";
import type { LoadContext, LoadedDocument } from "./_read-documents.ts";
import { resetKeys } from "./_reset-keys.ts";
import { formatCompose } from "./format-compose.ts";
import type { Values } from "./interpolate.ts";

export type { Variable } from "./_collect-variables.ts";

export type ComposeModel = Record<string, unknown>;

export interface MergeFile {
  path: string;
  /** What relative paths in the file mean. */
  directory: string;
  /** Applied to the file's own document, extends and include carried out, before it is merged. */
  transform?: (document: ComposeModel) => ComposeModel;
  /** Used instead of reading `path`. */
  document?: ComposeModel;
}

export interface MergeOptions {
  files: readonly MergeFile[];
  /** The folder that relative paths of the result mean. */
  projectDirectory: string;
  /** Needed where two files name the same thing with variables; the result keeps `${…}` as written. */
  values: Values;
}

export interface MergedCompose {
  model: ComposeModel;
  /** The variables that occur in the files. */
  variables: Map<string, Variable>;
  /** Service → the files that contribute to it, in merge order. */
  sources: Map<string, string[]>;
}

/** Merges the files in their order; relative paths of the result mean the project directory. */
export function mergeCompose(options: MergeOptions): MergedCompose {
  const projectDirectory = resolve(options.projectDirectory);
  const model: ComposeMap = {};
  const sources = new Map<string, string[]>();
  const variables = new Map<string, Variable>();
  for (const file of options.files) {
    const directory = resolve(projectDirectory, file.directory);
    for (const document of documentsOf(file, { directory, values: options.values, including: [], onService: noteSource(sources) })) {
      if (directory !== projectDirectory) movePaths(document.content, directory, model, options.values);
      collectVariables(document.content, file.path, variables);
      layOn(model, document, new Merging(file.path, options.values));
    }
  }
  return { model, variables, sources };
}

function documentsOf(file: MergeFile, context: LoadContext): LoadedDocument[] {
  const documents = file.document === undefined ? loadFile(file.path, context) : [givenDocument(file.document, file.path, context)];
  const { transform } = file;
  if (transform === undefined) return documents;
  return documents.map(({ content, resets }) => ({ content: cloneTree(transform(content)) as ComposeMap, resets }));
}

function givenDocument(content: ComposeModel, path: string, context: LoadContext): LoadedDocument {
  const document = { content: cloneTree(content) as ComposeMap, resets: [] };
  resolveReferences(document, path, context);
  return document;
}

function movePaths(content: ComposeMap, from: string, model: ComposeMap, values: Values): void {
  const { rebasePaths } = require("./_relative-paths.ts") as typeof import("./_relative-paths.ts");
  const services = isMap(model.services) ? model.services : {};
  const hasBuild = (name: string): boolean => isMap(services[name]) && Object.hasOwn(services[name], "build");
  rebasePaths(content, { from, values, hasBuild });
}

/** One document onto the model; a section or service that comes with nothing in it is refused, as compose does. */
function layOn(model: ComposeMap, { content, resets }: LoadedDocument, merging: Merging): void {
  resetKeys(model, resets, merging);
  if (content.name === "") delete content.name; // an empty name does not count
  mergeMaps(model, content, COMPOSE, merging);
  for (const section of ["services", "networks", "volumes", "configs", "secrets"]) {
    if (Object.hasOwn(content, section) && model[section] === null) throw shapeError(merging.file, [section], "it is empty");
  }
  const services = model.services as ComposeMap | undefined;
  for (const name of Object.keys((content.services ?? {}) as ComposeMap)) {
    if (services?.[name] === null) throw shapeError(merging.file, ["services", name], "it is empty");
  }
}

function noteSource(sources: Map<string, string[]>): (service: string, file: string) => void {
  return (service, file) => {
    const files = sources.get(service);
    if (files === undefined) sources.set(service, [file]);
    else if (!files.includes(file)) files.push(file);
  };
}

export const command = defineCommand({
  meta: {
    name: "merge-compose",
    description: "Merge compose files into one that means the same",
    examples: ["harbor routine merge-compose compose.yml compose.override.yml"],
  },
  args: {
    ...jsonArg,
    "project-directory": { type: "string", description: "What relative paths mean (default: the first file's folder)", valueHint: "DIR" },
    file: { type: "positional", description: "Compose files, later ones on top", required: true, multiple: true },
  },
  async run({ args }) {
    const { readEnvironment } = await import("./_read-environment.ts");
    const files = args.file.map((path) => resolve(path));
    const projectDirectory = resolve(args["project-directory"] ?? resolve(files[0] as string, ".."));
    const merged = mergeCompose({
      files: files.map((path) => ({ path, directory: projectDirectory })),
      projectDirectory,
      values: readEnvironment(projectDirectory),
    });
    emit(merged.model, { json: args.json, render: formatCompose });
  },
});

if (import.meta.main) await runScript(command);
