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

/** A name without a value: inherited from the environment. */
const BARE_NAME = /^(?:export\s+)?[A-Za-z_][\w.-]*$/;

/** Throws with the line for what is neither an entry, a comment nor empty. */
export function parseEnv(text: string, options: ParseEnvOptions): Map<string, string> {
  const values = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  const expand = (value: string): string =>
    options.lookup === undefined || !value.includes("$") ? value : interpolate(value, (name) => options.lookup?.(name) ?? values.get(name));
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#") || BARE_NAME.test(trimmed)) continue;
    const entry = ENTRY.exec(line);
    if (entry === null) throw new HarborError("Cannot read a line: expected KEY=value", { at: { file: options.file, line: index + 1 } });
    const [head, key] = entry as unknown as [string, string];
    const quote = line[head.length];
    if (quote !== '"' && quote !== "'") {
      values.set(key, expand(plainValue(line.slice(head.length))));
      continue;
    }
    const quoted = readQuoted(lines, index, head.length + 1, quote);
    if (quoted === undefined) {
      throw new HarborError(`Cannot read "${key}": its quote is never closed`, { at: { file: options.file, line: index + 1 } });
    }
    index = quoted.last;
    values.set(key, quote === "'" ? quoted.text : expand(resolveEscapes(quoted.text, options.lookup !== undefined)));
  }
  return values;
}

/** From behind the opening quote to before the closing one, over as many lines as it takes. */
function readQuoted(lines: readonly string[], first: number, from: number, quote: string): { text: string; last: number } | undefined {
  let text = (lines[first] as string).slice(from);
  for (let last = first; ; text += `\n${lines[last]}`) {
    const end = closingQuote(text, quote);
    if (end !== -1) return { text: text.slice(0, end), last };
    if (++last >= lines.length) return undefined;
  }
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
function resolveEscapes(text: string, willInterpolate: boolean): string {
  return text.replace(/\\(.)/gs, (whole, character: string) =>
    character === "$" ? (willInterpolate ? "$$" : "$") : (ESCAPES[character] ?? whole),
  );
}
