/**
 * The text of an env file → values, as Docker Compose reads one: the last of two equal keys wins,
 * single quotes are literal, double quotes know escapes, and `${OTHER}` is filled in outside single
 * quotes where `lookup` is given.
 * Rule: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
 */
import { interpolate } from "../compose/interpolate.ts";
import { commentStart, readEntries } from "./_env-entries.ts";

export interface ParseEnvOptions {
  /** Named in messages. */
  file: string;
  /** Values known before this file; left out, `$` has no meaning in it. */
  lookup?: (name: string) => string | undefined;
}

/** Throws with the line for what is neither an entry, a comment nor empty. */
export function parseEnv(text: string, options: ParseEnvOptions): Map<string, string> {
  const values = new Map<string, string>();
  const expand = (value: string): string =>
    options.lookup === undefined || !value.includes("$") ? value : interpolate(value, (name) => options.lookup?.(name) ?? values.get(name));
  for (const { key, quote, raw } of readEntries(text.split(/\r?\n/), options.file)) {
    if (quote === undefined) values.set(key, expand(plainValue(raw)));
    else values.set(key, quote === "'" ? raw : expand(resolveEscapes(raw, options.lookup !== undefined)));
  }
  return values;
}

/** A value as it may stand after `KEY=`, read back as the same by this reader, by compose and by `source`. */
export function formatEnvValue(value: string): string {
  if (/^[A-Za-z0-9_./:@%+,=-]*$/.test(value)) return value;
  // a carriage return would be taken for a part of the line's end; a shell's `source` alone does not know the escape
  if (value.includes("\r")) return `"${escapeForDouble(value).replaceAll("\r", "\\r")}"`;
  return value.includes("'") ? `"${escapeForDouble(value)}"` : `'${value}'`;
}

function escapeForDouble(value: string): string {
  return value.replace(/[\\"$`]/g, (character) => `\\${character}`);
}

/** An unquoted value ends at ` #` and carries no space at its ends. */
function plainValue(raw: string): string {
  const comment = commentStart(raw);
  return (comment === -1 ? raw : raw.slice(0, comment)).trim();
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", "`": "`" };

/** `\$` stays a dollar sign: as `$$`, when the value goes through interpolation yet. */
function resolveEscapes(text: string, willInterpolate: boolean): string {
  return text.replace(/\\(.)/gs, (whole, character: string) =>
    character === "$" ? (willInterpolate ? "$$" : "$") : (ESCAPES[character] ?? whole),
  );
}
