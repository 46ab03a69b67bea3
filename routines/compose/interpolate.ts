/**
 * The `${…}` of compose files, evaluated as compose does: `$A`, `${A}`, `${A:-d}`, `${A-d}`, `${A:?e}`,
 * `${A?e}`, `${A:+x}`, `${A+x}`, `$$`, nested; one pass, in time linear in the text.
 */
import { HarborError } from "../_script/error.ts";

/** Looks up a variable; undefined when it is not set. */
export type Values = (name: string) => string | undefined;

export type Operator = "" | "$" | ":-" | "-" | ":?" | "?" | ":+" | "+";

/** One `$…` in a text. `$$` has the operator `$` and no name. */
export interface Expression {
  start: number;
  end: number;
  name: string;
  operator: Operator;
  /** What stands after the operator, not yet evaluated. */
  word: string;
}

/** Deeper nesting than this is an attack or a mistake. */
const MAX_DEPTH = 100;

/** The text with its variables filled in; throws where one is required and missing, or where `${` is not closed. */
export function interpolate(text: string, values: Values): string {
  return text.includes("$") ? evaluate(text, values, 0) : text;
}

/** Text that interpolation gives back unchanged. */
export function escapeDollars(text: string): string {
  return text.includes("$") ? text.replaceAll("$", "$$$$") : text;
}

/** A copy of a tree with every string value changed (keys are not, as in compose). */
export function mapStrings(node: unknown, change: (text: string) => string): unknown {
  if (typeof node === "string") return change(node);
  if (Array.isArray(node)) return node.map((item) => mapStrings(item, change));
  if (!isPlainObject(node)) return node;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(node)) copy[key] = mapStrings(node[key], change);
  return copy;
}

function isPlainObject(node: unknown): node is Record<string, unknown> {
  if (typeof node !== "object" || node === null) return false;
  const prototype = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null;
}

function evaluate(text: string, values: Values, depth: number): string {
  if (depth > MAX_DEPTH) throw invalid(text, `nested more than ${MAX_DEPTH} deep`);
  let result = "";
  let from = 0;
  for (let found = findExpression(text, 0); found !== undefined; found = findExpression(text, from)) {
    result += text.slice(from, found.start) + evaluateExpression(found, values, depth);
    from = found.end;
  }
  return result + text.slice(from);
}

function evaluateExpression(expression: Expression, values: Values, depth: number): string {
  const { name, operator } = expression;
  if (operator === "$") return "$";
  const value = values(name);
  if (operator === "") return value ?? "";
  const word = expression.word.includes("$") ? evaluate(expression.word, values, depth + 1) : expression.word;
  const isMissing = value === undefined || (operator.startsWith(":") && value === "");
  if (operator.endsWith("-")) return isMissing ? word : value;
  if (operator.endsWith("+")) return isMissing ? (value ?? "") : word;
  if (!isMissing) return value;
  throw new HarborError(`Cannot interpolate "\${${name}}": the variable is required and has no value${word === "" ? "" : `: ${word}`}`, {
    hint: `Set ${name} in the environment or the configuration`,
  });
}

/** The first `$…` at or after `from`; a `$` before anything else is plain text, as in compose. */
export function findExpression(text: string, from: number): Expression | undefined {
  for (let at = text.indexOf("$", from); at !== -1; at = text.indexOf("$", at + 1)) {
    const next = text[at + 1];
    if (next === "$") return { start: at, end: at + 2, name: "", operator: "$", word: "" };
    if (next === "{") return readBraced(text, at);
    const end = nameEnd(text, at + 1);
    if (end > at + 1) return { start: at, end, name: text.slice(at + 1, end), operator: "", word: "" };
  }
  return undefined;
}

const NEWLINE = 10;
const OPEN = 123;
const CLOSE = 125;
const OPERATOR = /:?[-+?]/y;

function readBraced(text: string, start: number): Expression {
  const end = nameEnd(text, start + 2);
  if (end === start + 2) throw invalid(text, "a variable's name is missing after ${");
  const name = text.slice(start + 2, end);
  if (text[end] === "}") return { start, end: end + 1, name, operator: "", word: "" };
  OPERATOR.lastIndex = end;
  const operator = OPERATOR.exec(text)?.[0] as Operator | undefined;
  const wordStart = end + (operator?.length ?? 0);
  const close = operator === undefined ? -1 : closingBrace(text, start + 1, wordStart);
  if (operator === undefined || close === -1) throw invalid(text, `\${${name} is not closed on its line`);
  return { start, end: close + 1, name, operator, word: text.slice(wordStart, close) };
}

/**
 * Where the expression opened at `open` ends: its matching brace, with compose's own way of counting (the character
 * after a `{` is skipped); where braces do not match up, the last one on the line.
 */
function closingBrace(text: string, open: number, wordStart: number): number {
  let depth = 0;
  let last = -1;
  for (let at = open; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (letter === NEWLINE) break;
    if (letter === CLOSE) last = at;
    if (letter === CLOSE && --depth === 0) return at;
    if (letter !== OPEN) continue;
    depth++;
    at++;
    const skipped = text.charCodeAt(at);
    if (skipped === NEWLINE) break;
    if (skipped === CLOSE) last = at;
  }
  return last >= wordStart ? last : -1;
}

function nameEnd(text: string, from: number): number {
  let at = from;
  while (isNameLetter(text.charCodeAt(at), at > from)) at++;
  return at;
}

/** Letters as a case-insensitive Go pattern takes them: the long s and the Kelvin sign are letters too. */
function isNameLetter(code: number, digits: boolean): boolean {
  if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95) return true;
  return (digits && code >= 48 && code <= 57) || code === 0x17f || code === 0x212a;
}

function invalid(text: string, why: string): HarborError {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return new HarborError(`Cannot interpolate "${shown}": ${why}`, { hint: "Write $$ for a dollar sign that is meant as one" });
}
