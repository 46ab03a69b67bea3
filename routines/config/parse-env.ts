/**
 * The text of an env file → values, as Docker Compose reads one: the last of two equal keys wins,
 * single quotes are literal, double quotes know escapes, and `${OTHER}` is filled in outside single
 * quotes where `lookup` is given.
 * Rule: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
 */
import { HarborError } from "../_script/error.ts";
import { interpolate } from "../compose/interpolate.ts";

export interface ParseEnvOptions {
  /** Named in messages. */
  file: string;
  /** Values known before this file; left out, `$` has no meaning in it. */
  lookup?: (name: string) => string | undefined;
}

const ENTRY = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]\s*/;

/** Throws with the line for what is neither an entry, a comment nor empty. */
export function parseEnv(text: string, options: ParseEnvOptions): Map<string, string> {
  const values = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  const expand = (value: string): string =>
    options.lookup === undefined || !value.includes("$") ? value : interpolate(value, (name) => values.get(name) ?? options.lookup?.(name));
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const entry = ENTRY.exec(line);
    if (entry === null) {
      if (/^(?:export\s+)?[A-Za-z_][\w.-]*$/.test(trimmed)) continue; // a bare name: inherited from the environment
      throw new HarborError("Cannot read a line: expected KEY=value", { at: { file: options.file, line: index + 1 } });
    }
    const [head, key] = entry as unknown as [string, string];
    const quote = line[head.length];
    if (quote !== '"' && quote !== "'") {
      values.set(key, expand(plainValue(line.slice(head.length))));
      continue;
    }
    let rest = line.slice(head.length + 1);
    let end = closingQuote(rest, quote);
    const start = index;
    while (end === -1 && index + 1 < lines.length) {
      rest += `\n${lines[++index]}`;
      end = closingQuote(rest, quote);
    }
    if (end === -1)
      throw new HarborError(`Cannot read "${key}": its quote is never closed`, { at: { file: options.file, line: start + 1 } });
    const inner = rest.slice(0, end);
    values.set(key, quote === "'" ? inner : expand(unescape(inner, options.lookup !== undefined)));
  }
  return values;
}

/** A value as it may stand after `KEY=`, read back as the same by this reader, by compose and by `source`. */
export function formatEnvValue(value: string): string {
  if (/^[A-Za-z0-9_./:@%+,=-]*$/.test(value)) return value;
  if (!value.includes("'")) return `'${value}'`;
  return `"${value.replace(/[\\"$`]/g, (character) => `\\${character}`)}"`;
}

/** An unquoted value ends at ` #` and carries no space at its ends. */
function plainValue(text: string): string {
  const comment = text.search(/(?:^|\s)#/);
  return (comment === -1 ? text : text.slice(0, comment)).trim();
}

function closingQuote(text: string, quote: string): number {
  for (let index = 0; index < text.length; index++) {
    if (text[index] === "\\" && quote === '"') index++;
    else if (text[index] === quote) return index;
  }
  return -1;
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", "`": "`" };

/** `\$` stays a dollar sign: as `$$`, when the value goes through interpolation yet. */
function unescape(text: string, willInterpolate: boolean): string {
  return text.replace(/\\(.)/gs, (whole, character: string) =>
    character === "$" ? (willInterpolate ? "$$" : "$") : (ESCAPES[character] ?? whole),
  );
}
