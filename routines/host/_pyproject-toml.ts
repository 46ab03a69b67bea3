/**
 * The text of a TOML file → its values, each with its path and where it stands, so that one of them can be
 * changed and no other byte. Offsets count in the text that was given, a byte order mark included.
 */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { HarborError } from "../_script/error.ts";

export type TomlPath = readonly (string | number)[];

export interface TomlElement {
  /** Undefined where it is no string. */
  string: string | undefined;
  start: number;
  end: number;
  /** Where the comma behind it ends. */
  commaEnd: number | undefined;
}

export interface TomlValue {
  path: TomlPath;
  /** As written, with its quotes. */
  raw: string;
  start: number;
  line: number;
  /** Counts from 1. */
  column: number;
  /** Undefined where it is no string. */
  string: string | undefined;
  /** Of a list that holds no tables; undefined where it is none. */
  elements: readonly TomlElement[] | undefined;
}

export interface TomlDocument {
  /** In the order of the text. Lists that hold tables are taken apart: their paths have numbers in them. */
  values: readonly TomlValue[];
  /** Paths of the tables that have a heading. */
  tables: readonly TomlPath[];
  comments: readonly string[];
}

/** TOML 1.1 is read as well, which newer tools take. Throws `failed` with the place of what is no TOML. */
export function readToml(text: string, file: string): TomlDocument {
  const offset = text.startsWith("\ufeff") ? 1 : 0;
  const source = text.slice(offset);
  const program = parse(source, file);
  const reader: Reader = { source, offset, commas: commaEnds(program.tokens), values: [] };
  const top = program.body[0].body;
  for (const node of top) {
    if (node.type === "TOMLKeyValue") readKeyValue(reader, [], node);
    else for (const entry of node.body) readKeyValue(reader, node.resolvedKey, entry);
  }
  return {
    values: reader.values,
    tables: top.flatMap((node) => (node.type === "TOMLTable" ? [node.resolvedKey] : [])),
    comments: program.comments.map((comment) => comment.value),
  };
}

function parse(source: string, file: string): AST.TOMLProgram {
  try {
    return parseTOML(source, { tomlVersion: "1.1" });
  } catch (cause) {
    const at = cause instanceof ParseError ? { file, line: cause.lineNumber, column: cause.column + 1 } : { file };
    const { message } = cause as Error;
    throw new HarborError(`Cannot read "${file}" as TOML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`, { at, cause });
  }
}

interface Reader {
  source: string;
  offset: number;
  commas: ReadonlyMap<number, number>;
  values: TomlValue[];
}

/** Where the token before a comma ends → where the comma ends. */
function commaEnds(tokens: readonly AST.Token[]): Map<number, number> {
  const ends = new Map<number, number>();
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (token.type === "Punctuator" && token.value === "," && before !== undefined) ends.set(before.range[1], token.range[1]);
  }
  return ends;
}

function readKeyValue(reader: Reader, parent: TomlPath, { key, value }: AST.TOMLKeyValue): void {
  const names = key.keys.map((part) => (part.type === "TOMLBare" ? part.name : part.value));
  readContent(reader, [...parent, ...names], value);
}

function readContent(reader: Reader, path: TomlPath, node: AST.TOMLContentNode): void {
  if (node.type === "TOMLInlineTable" && node.body.length > 0) {
    for (const entry of node.body) readKeyValue(reader, path, entry);
  } else if (node.type === "TOMLArray" && node.elements.some(holdsTable)) {
    for (const [index, element] of node.elements.entries()) readContent(reader, [...path, index], element);
  } else {
    reader.values.push({
      path,
      raw: reader.source.slice(...node.range),
      start: node.range[0] + reader.offset,
      line: node.loc.start.line,
      column: node.loc.start.column + 1,
      string: stringOf(node),
      elements: node.type === "TOMLArray" ? node.elements.map((element) => readElement(reader, element)) : undefined,
    });
  }
}

function holdsTable(node: AST.TOMLContentNode): boolean {
  return node.type === "TOMLInlineTable" || (node.type === "TOMLArray" && node.elements.some(holdsTable));
}

function readElement({ offset, commas }: Reader, node: AST.TOMLContentNode): TomlElement {
  const [start, end] = node.range;
  const commaEnd = commas.get(end);
  return {
    string: stringOf(node),
    start: start + offset,
    end: end + offset,
    commaEnd: commaEnd === undefined ? undefined : commaEnd + offset,
  };
}

function stringOf(node: AST.TOMLContentNode): string | undefined {
  return node.type === "TOMLValue" && node.kind === "string" ? node.value : undefined;
}
