/**
 * YAML with file and line: a fast reader for everyday files, an exact one (npm `yaml`, loaded only then) for all else.
 * Both mean by a scalar what the Go reader in compose means by it.
 */
import { findBuiltYaml } from "./_built-yaml.ts";
import type { ExactDocument, ExactOptions } from "./_exact-yaml.ts";
import { parsePlainYaml } from "./_plain-yaml.ts";
import { HarborError } from "./error.ts";

export { RawScalar, rawToNumber } from "./_yaml-scalar.ts";

/** One document of a file; `marks` says where the tags asked for stood. */
export type YamlDocument = ExactDocument;

/** The value of a text with one document; an empty text is null. */
export function parseYaml(text: string, file: string): unknown {
  const documents = parseYamlDocuments(text, file);
  if (documents.length > 1) {
    throw new HarborError("Cannot read YAML: it holds several documents where one is expected", { at: { file } });
  }
  return documents[0]?.value ?? null;
}

/** Every document of a text. */
export function parseYamlDocuments(text: string, file: string, options: ExactOptions = {}): YamlDocument[] {
  const plain = findBuiltYaml(text, file) ?? parsePlainYaml(text);
  if (plain !== undefined) return [{ value: plain.value, marks: [] }];
  return exact().parseExactYaml(text.startsWith("\ufeff") ? text.slice(1) : text, file, options);
}

/** Where the key (or list item) at a path stands: for messages only, it reads the text anew with the exact reader. */
export function locateYaml(text: string, path: readonly (string | number)[]): { line: number; column: number } | undefined {
  const { readDocuments, placeOf } = require("./_yaml-nodes.ts") as typeof import("./_yaml-nodes.ts");
  try {
    for (const document of readDocuments(text)) {
      const offset = offsetOf(document.contents, path);
      if (offset === undefined) continue;
      const { line, column } = placeOf(text, "", offset);
      return { line, column };
    }
  } catch {
    return undefined; // a place is a courtesy: text that cannot be read has an error of its own
  }
  return undefined;
}

interface Located {
  range?: [number, number, number] | null;
  items?: unknown[];
}

function offsetOf(root: unknown, path: readonly (string | number)[]): number | undefined {
  let node = root as Located | null;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    const items = node?.items ?? [];
    const found = typeof part === "number" ? items[part] : items.find((item) => keyOf(item) === part);
    if (found === undefined || found === null) return undefined;
    const pair = found as { key?: Located; value?: Located };
    offset = (pair.key ?? (found as Located)).range?.[0] ?? offset;
    node = (pair.key === undefined ? (found as Located) : pair.value) ?? null;
  }
  return offset;
}

function keyOf(item: unknown): unknown {
  return (item as { key?: { value?: unknown } } | null)?.key?.value;
}

function exact(): typeof import("./_exact-yaml.ts") {
  return require("./_exact-yaml.ts") as typeof import("./_exact-yaml.ts");
}
