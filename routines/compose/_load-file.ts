/** A compose file → its documents, each with its own `extends` and `include` carried out and ready to be merged. */
import { readFileSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { parseYamlDocuments } from "../_script/yaml.ts";
import { type ComposeMap, isMap, shapeError } from "./_merge-tree.ts";
import type { Values } from "./interpolate.ts";

export interface LoadedDocument {
  content: ComposeMap;
  /** Places that `!reset` and `!override` empty in what came before. */
  resets: string[][];
}

export interface LoadContext {
  /** Absolute folder that relative paths in the file mean. */
  directory: string;
  values: Values;
  /** The files that are including this one, outermost first. */
  including: readonly string[];
  /** Told of every file that a service's definition comes from. */
  onService?: (service: string, file: string) => void;
}

/** Reads a file and carries out its extends and includes; relative paths still mean `directory`. */
export function loadFile(path: string, context: LoadContext): LoadedDocument[] {
  const documents = readDocuments(path);
  for (const document of documents) resolveReferences(document, path, context);
  return documents;
}

/** The same for a document that is no file of its own. */
export function resolveReferences(document: LoadedDocument, path: string, context: LoadContext): void {
  const { services, include } = document.content;
  if (isMap(services)) {
    if (Object.values(services).some((service) => isMap(service) && Object.hasOwn(service, "extends"))) {
      const { applyExtends } = require("./_apply-extends.ts") as typeof import("./_apply-extends.ts");
      applyExtends(document, path, context);
    }
    for (const name of Object.keys(services)) context.onService?.(name, path);
  }
  if (include === undefined) return;
  const { applyIncludes } = require("./_apply-includes.ts") as typeof import("./_apply-includes.ts");
  applyIncludes(document.content, path, context);
}

/** A file's documents as they are written. */
export function readDocuments(path: string): LoadedDocument[] {
  const documents = parseYamlDocuments(readText(path), path, { omit: ["!reset"], mark: ["!override"] });
  return documents.map(({ value, marks }) => {
    if (!isMap(value)) throw new HarborError("Cannot read a compose file: its top level has to be a map", { at: { file: path } });
    return { content: checkShape(value, path), resets: marks.map((mark) => mark.path) };
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : String((error as Error).message);
    throw new HarborError(`Cannot read "${path}": ${why}`, { exit: code === "ENOENT" ? "unknown" : "failed", cause: error });
  }
}

const SECTIONS = ["services", "networks", "volumes", "configs", "secrets"] as const;

/** A section or a service that is something else than a map would be noticed late, and far from here. */
function checkShape(content: ComposeMap, path: string): ComposeMap {
  for (const section of SECTIONS) {
    const value = content[section];
    if (value !== undefined && value !== null && !isMap(value)) throw shapeError(path, [section], "it has to be a map");
  }
  for (const [name, service] of Object.entries((content.services ?? {}) as ComposeMap)) {
    if (service !== null && !isMap(service)) throw shapeError(path, ["services", name], "it has to be a map");
  }
  return content;
}
