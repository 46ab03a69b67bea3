/**
 * Trees → YAML in many styles: block and flow, quoted and plain, with tags, raw numbers and paths that can be written
 * relative to a folder or absolute.
 */
import { join } from "node:path";
import type { Random } from "./_random.ts";

/** Text that goes into the file as it is: `0777`, `1_000`, `!reset null`. */
export class Raw {
  constructor(readonly text: string) {}
}

/** A value with a tag before it. */
export class Tagged {
  constructor(
    readonly tag: string,
    readonly value: unknown,
  ) {}
}

/** Marks a path on the host inside a text, so that it can be written both ways. */
export function host(path: string): string {
  return `\u0001${path}\u0002`;
}

export interface WriteOptions {
  random: Random;
  /** Where given, marked paths are written absolute, from here. */
  directory?: string;
}

export function writeYaml(tree: Record<string, unknown>, options: WriteOptions): string {
  return writeMap(tree, "", options);
}

function writeMap(map: Record<string, unknown>, indent: string, options: WriteOptions): string {
  return Object.entries(map)
    .map(([key, value]) => `${indent}${writeText(key, options)}:${writeValue(value, indent, options)}`)
    .join("");
}

function writeValue(value: unknown, indent: string, options: WriteOptions): string {
  if (value instanceof Tagged) return ` ${value.tag}${writeValue(value.value, indent, options)}`;
  if (!isCollection(value)) return ` ${writeScalar(value, options)}\n`;
  if (options.random.chance(0.2) || isEmpty(value)) return ` ${writeFlow(value, options)}\n`;
  if (Array.isArray(value)) {
    const deeper = options.random.chance(0.5) ? `${indent}  ` : indent;
    return `\n${value.map((item) => writeItem(item, deeper, options)).join("")}`;
  }
  return `\n${writeMap(value as Record<string, unknown>, `${indent}${options.random.chance(0.8) ? "  " : "    "}`, options)}`;
}

function writeItem(item: unknown, indent: string, options: WriteOptions): string {
  const isBlock = isCollection(item) && !Array.isArray(item) && !isEmpty(item) && options.random.chance(0.7);
  if (!isBlock) return `${indent}- ${writeFlow(item, options)}\n`;
  return `${indent}- ${writeMap(item as Record<string, unknown>, `${indent}  `, options).slice(indent.length + 2)}`;
}

function writeFlow(value: unknown, options: WriteOptions): string {
  if (value instanceof Tagged) return `${value.tag} ${writeFlow(value.value, options)}`;
  if (!isCollection(value)) return writeScalar(value, options, true);
  if (Array.isArray(value)) return `[${value.map((item) => writeFlow(item, options)).join(", ")}]`;
  const pairs = Object.entries(value as Record<string, unknown>);
  return `{${pairs.map(([key, item]) => `${writeText(key, options, true)}: ${writeFlow(item, options)}`).join(", ")}}`;
}

function writeScalar(value: unknown, options: WriteOptions, inFlow = false): string {
  if (value instanceof Raw) return value.text;
  if (value === null) return options.random.chance(0.5) || inFlow ? "null" : "~";
  return typeof value === "string" ? writeText(value, options, inFlow) : String(value);
}

const SAFE = /^[A-Za-z/.$][A-Za-z0-9_./$ -]*$/;
const RESERVED = /^(?:true|false|null|yes|no|on|off|y|n|~|\.nan|[-+]?\.inf|\.[\d_]+)$/i;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the marks are control characters so that no value has them
const MARKED = /\u0001([^\u0002]*)\u0002/g;

function writeText(marked: string, { random, directory }: WriteOptions, inFlow = false): string {
  const text = marked.replace(MARKED, (_, path: string) => (directory === undefined ? path : join(directory, path)));
  const isPlain =
    (SAFE.test(text) || (!inFlow && /^[A-Za-z/.$][^\n"'#]*[^\s:]$/.test(text) && !text.includes(": "))) && !RESERVED.test(text);
  if (isPlain && !text.endsWith(" ") && random.chance(0.6)) return text;
  if (!text.includes("\n") && random.chance(0.4)) return `'${text.replaceAll("'", "''")}'`;
  return JSON.stringify(text);
}

function isCollection(value: unknown): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Raw) && !(value instanceof Tagged);
}

function isEmpty(value: unknown): boolean {
  return Object.keys(value as object).length === 0;
}
