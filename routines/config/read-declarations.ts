/**
 * What service folders say of their configuration keys: `settings` of the `x-harbor` block of a definition, a contract or the
 * base file. A key that is not declared is a text like any other.
 *
 *   x-harbor:
 *     settings:
 *       ollama.bridge: { choices: [relay, direct], description: How containers reach it }
 */
import { HarborError, type Place } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { readText } from "../_script/read-text.ts";
import { isSecretName } from "../_script/secret-name.ts";
import { locateYaml, parseYamlDocuments, RawScalar } from "../_script/yaml.ts";
import type { ServiceFile } from "../workspace/list-files.ts";
import { variableOf } from "./name-variable.ts";

/** `port` is a whole number that a socket can have, `duration` like 5m, `size` like 4GB, `url` one of http or https. */
export const SETTING_TYPES = ["text", "integer", "number", "boolean", "port", "duration", "size", "url", "path"] as const;
export type SettingType = (typeof SETTING_TYPES)[number];

export interface Declaration {
  /** The variable. */
  name: string;
  type: SettingType;
  /** What it may be, where that is a list. */
  choices: string[] | undefined;
  /** Of a number, both included. */
  min: number | undefined;
  max: number | undefined;
  description: string | undefined;
  /** Never shown in a listing, whatever it is called. */
  isSecret: boolean;
  /** How it is made at the first start of its service; undefined where it is the user's to give. */
  generate: Generate | undefined;
  /** Whether its service takes it at its very first start alone, and keeps it in a database of its own from then on. */
  isTakenOnce: boolean;
  /** Whether a profile from elsewhere may set it: what can name no file, program, address or option. */
  isPortable: boolean;
  /** The file that says so, and the key as it is written there; undefined for Harbor's own. */
  source: { file: string; key: string } | undefined;
}

/** A credential of random letters and digits. */
export interface Generate {
  /** How many, without the prefix. */
  length: number;
  prefix: string;
  /** A variable without which it is of no use, and is not made. */
  needs: string | undefined;
}

export interface Declarations {
  /** By variable. */
  found: Map<string, Declaration>;
  /** Variable → what is wrong with its declaration, which is then none. */
  wrong: Map<string, HarborError>;
}

/** A definition's goes before a contract's. A file that cannot be read declares nothing: whoever runs it says why. */
export function readDeclarations(files: readonly Pick<ServiceFile, "kind" | "path">[]): Declarations {
  const result: Declarations = { found: new Map(), wrong: new Map() };
  const declaring = files.filter(({ kind }) => kind === "base" || kind === "definition" || kind === "contract");
  for (const { path } of declaring.sort((a, b) => Number(a.kind === "contract") - Number(b.kind === "contract"))) {
    for (const [key, fields] of Object.entries(settingsOf(path))) {
      const name = variableOf(key);
      if (result.found.has(name) || result.wrong.has(name)) continue;
      try {
        result.found.set(name, readDeclaration(key, fields, path));
      } catch (error) {
        if (!(error instanceof HarborError)) throw error;
        result.wrong.set(name, error);
      }
    }
  }
  return result;
}

/** Whether a key is a secret, by these files or by its name. */
export function secretTest(files: readonly Pick<ServiceFile, "kind" | "path">[]): (name: string) => boolean {
  const { found } = readDeclarations(files);
  return (name) => found.get(name)?.isSecret === true || isSecretName(name);
}

/** Where a declaration stands. Reads the file anew: for messages alone. */
export function placeOfDeclaration({ source }: Pick<Declaration, "source">): { at?: Place } {
  return source === undefined ? {} : { at: placeIn(source.file, [source.key]) };
}

function settingsOf(path: string): Record<string, unknown> {
  try {
    const text = readText(path);
    if (!text.includes("settings:")) return {};
    const documents = parseYamlDocuments(text, path).map(({ value }) => value as { "x-harbor"?: { settings?: unknown } } | null);
    const settings = documents.map((document) => document?.["x-harbor"]?.settings).find((it) => it !== undefined);
    return isMap(settings) ? settings : {};
  } catch {
    return {};
  }
}

const FIELDS = ["type", "choices", "min", "max", "description", "secret", "generate", "once", "portable"];

type Fail = (what: string, ...path: string[]) => HarborError;

function readDeclaration(key: string, fields: unknown, file: string): Declaration {
  const fail: Fail = (what, ...path) =>
    new HarborError(`Cannot read the declaration of "${key}": ${what}`, { at: placeIn(file, [key, ...path]) });
  if (!isMap(fields)) throw fail("it has to be a map, such as { type: integer }");
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    const guess = nearest(unknown, FIELDS);
    throw fail(`there is no field "${unknown}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`, unknown);
  }
  const type = SETTING_TYPES.find((known) => known === (fields.type ?? "text"));
  if (type === undefined) throw fail(`its type is none of ${SETTING_TYPES.join(", ")}`, "type");
  const { description } = fields;
  const choices = readChoices(fields.choices, fail);
  const isSecret = readFlag("secret", fields, fail) ?? false;
  const generate = readGenerate(fields.generate, fail);
  if (generate !== undefined && !isSecret) throw fail("what is generated has to be a secret", "generate");
  const isTakenOnce = readFlag("once", fields, fail) ?? false;
  const isPortable = readFlag("portable", fields, fail) ?? (choices !== undefined || CLOSED_TYPES.has(type));
  return {
    name: variableOf(key),
    type,
    choices,
    min: readLimit("min", fields, fail),
    max: readLimit("max", fields, fail),
    description: typeof description === "string" ? description : undefined,
    isSecret,
    generate,
    isTakenOnce,
    isPortable: isPortable && !isSecret,
    source: { file, key },
  };
}

/** Of these a value is one of a kind: nothing else can be said by it. */
const CLOSED_TYPES: ReadonlySet<SettingType> = new Set(["integer", "number", "boolean", "port", "duration", "size"]);

function readFlag(field: string, fields: Record<string, unknown>, fail: Fail): boolean | undefined {
  const value = fields[field];
  if (value === undefined || typeof value === "boolean") return value;
  throw fail(`${field} has to be true or false`, field);
}

/** 190 bits. */
const USUAL_LENGTH = 32;
const LENGTHS = { least: 20, most: 256 };

/** `true`, or a map of length, prefix and needs. */
function readGenerate(value: unknown, fail: Fail): Generate | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return { length: USUAL_LENGTH, prefix: "", needs: undefined };
  if (!isMap(value)) throw fail("generate has to be true, or a map such as { prefix: sk-, length: 32 }", "generate");
  const unknown = Object.keys(value).find((field) => !["length", "prefix", "needs"].includes(field));
  if (unknown !== undefined) throw fail(`there is no field "${unknown}" of generate`, "generate", unknown);
  const length = value.length === undefined ? USUAL_LENGTH : Number(textOf(value.length));
  if (!Number.isInteger(length) || length < LENGTHS.least || length > LENGTHS.most) {
    throw fail(`its length has to be a whole number from ${LENGTHS.least} to ${LENGTHS.most}`, "generate", "length");
  }
  const prefix = value.prefix === undefined ? "" : textOf(value.prefix);
  if (!/^[A-Za-z0-9_.~-]*$/.test(prefix)) throw fail("its prefix has to be letters, digits, - _ . and ~ alone", "generate", "prefix");
  return { length, prefix, needs: value.needs === undefined ? undefined : variableOf(textOf(value.needs)) };
}

function readChoices(choices: unknown, fail: Fail): string[] | undefined {
  if (choices === undefined) return undefined;
  if (!Array.isArray(choices) || choices.length === 0) throw fail("choices has to be a list", "choices");
  return choices.map(textOf);
}

function readLimit(field: "min" | "max", fields: Record<string, unknown>, fail: Fail): number | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  const number = typeof value === "number" || value instanceof RawScalar ? Number(textOf(value)) : Number.NaN;
  if (Number.isNaN(number)) throw fail(`${field} has to be a number`, field);
  return number;
}

/** A number as it is written, `0644` as much as `1e3`. */
function textOf(value: unknown): string {
  return value instanceof RawScalar ? value.text : String(value);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function placeIn(file: string, path: readonly string[]): Place {
  return { file, ...locateYaml(readText(file), ["x-harbor", "settings", ...path]) };
}
