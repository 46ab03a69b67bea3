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
  for (const { key, quote, raw } of readEntries(text, options.file)) {
    if (quote === undefined) values.set(key, expand(plainValue(raw)));
    else values.set(key, quote === "'" ? raw : expand(resolveEscapes(raw, options.lookup !== undefined)));
  }
  return values;
}

/**
 * A value as it may stand after `KEY=`, read back as the same by this reader and by a shell's `source`; by compose too, but for
 * a text with both `'` and `` ` ``, which the two cannot be told in one way (`formatComposeValue` is for compose).
 */
export function formatEnvValue(value: string): string {
  return formatValue(value, /[\\"$`]/g);
}

/** The same for a file that compose alone reads, as which any value is read back. */
export function formatComposeValue(value: string): string {
  return formatValue(value, /[\\"$]/g);
}

/** `special`: what has to be escaped in double quotes. */
function formatValue(value: string, special: RegExp): string {
  if (/^[A-Za-z0-9_./:@%+,=-]*$/.test(value)) return value;
  // a backslash right before the closing single quote would escape it for compose
  const backslashes = /\\*$/.exec(value)?.[0].length ?? 0;
  const isSingle = !value.includes("'") && backslashes % 2 === 0;
  return isSingle ? `'${value}'` : `"${value.replace(special, "\\$&")}"`;
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
