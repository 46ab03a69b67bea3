/** A compose file → its documents as they are written, their outermost shape checked. */
import { readFileSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { readText } from "../_script/read-text.ts";
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

/** A file's documents as they are written. */
export function readDocuments(path: string): LoadedDocument[] {
  const documents = parseYamlDocuments(readUtf8(path), path, { omit: ["!reset"], mark: ["!override"] });
  return documents.map(({ value, marks }) => {
    if (!isMap(value)) throw new HarborError("Cannot read a compose file: its top level has to be a map", { at: { file: path } });
    return { content: checkShape(value, path), resets: marks.map((mark) => mark.path) };
  });
}

function readUtf8(path: string): string {
  const text = readText(path);
  if (text.includes("\ufffd")) refuseOtherEncodings(text, path);
  return text;
}

/** Bytes that are no UTF-8 would silently become a replacement character. */
function refuseOtherEncodings(text: string, path: string): void {
  if (Buffer.from(text).equals(readFileSync(path))) return;
  throw new HarborError("Cannot read YAML: the file is not UTF-8", { at: { file: path }, hint: "Save it as UTF-8" });
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
