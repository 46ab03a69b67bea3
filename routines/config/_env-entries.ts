/** The text of an env file → its entries, each with where it stands, so that one can be changed and all else stays. */
import { HarborError } from "../_script/error.ts";

export interface EnvEntry {
  key: string;
  /** The line it begins on and the one it ends on, from 0. */
  first: number;
  last: number;
  /** All before the value: `export KEY=`. */
  head: string;
  quote: '"' | "'" | undefined;
  /** Between the quotes, escapes as written; without quotes all that follows, a comment included. */
  raw: string;
  /** What stands behind the closing quote. */
  tail: string;
}

const ENTRY = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]\s*/;

/** A name without a value: inherited from the environment. */
const BARE_NAME = /^(?:export\s+)?[A-Za-z_][\w.-]*$/;

/**
 * Throws with the line for what is neither an entry, a comment nor empty. A carriage return at the end of a line is a part
 * of its end, as editors of Windows write it; within quotes it is one of the value, to compose and to a shell as well.
 */
export function readEntries(text: string, file: string): EnvEntry[] {
  const lines = text.split("\n");
  const entries: EnvEntry[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = withoutReturn(lines[index] as string);
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#") || BARE_NAME.test(trimmed)) continue;
    const found = ENTRY.exec(line);
    if (found === null) throw new HarborError("Cannot read a line: expected KEY=value", { at: { file, line: index + 1 } });
    const [head, key] = found as unknown as [string, string];
    const quote = line[head.length];
    if (quote !== '"' && quote !== "'") {
      entries.push({ key, first: index, last: index, head, quote: undefined, raw: line.slice(head.length), tail: "" });
      continue;
    }
    const quoted = readQuoted(lines, index, head.length + 1, quote);
    if (quoted === undefined) throw new HarborError(`Cannot read "${key}": its quote is never closed`, { at: { file, line: index + 1 } });
    entries.push({ key, first: index, head, quote, ...quoted });
    index = quoted.last;
  }
  return entries;
}

/** From behind the opening quote to before the closing one, over as many lines as it takes. */
function readQuoted(
  lines: readonly string[],
  first: number,
  from: number,
  quote: string,
): { raw: string; last: number; tail: string } | undefined {
  let text = (lines[first] as string).slice(from);
  for (let last = first; ; text += `\n${lines[last]}`) {
    const end = closingQuote(text, quote);
    if (end !== -1) return { raw: text.slice(0, end), last, tail: withoutReturn(text.slice(end + 1)) };
    if (++last >= lines.length) return undefined;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function closingQuote(text: string, quote: string): number {
  for (let index = 0; index < text.length; index++) {
    if (text[index] === "\\" && quote === '"') index++;
    else if (text[index] === quote) return index;
  }
  return -1;
}

/** Where a comment begins in a value without quotes, the space before it included; -1 where there is none. */
export function commentStart(raw: string): number {
  return raw.search(/(?:^|\s)#/);
}
