/** A request's JSON body and its fields, with complaints that name the field. */
import { ConductorError } from "../core/conductor-error.ts";
import { type Call, replaced, stillSame } from "./call.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Objects and lists within each other. What is nested by the ten thousand can be read and not written again: kept, it could never be shown. */
const NESTING = 128;

/**
 * Throws `invalid_json` for what is no JSON object, `payload_too_large` for what is too much; `unknown_token` where whoever asks registered
 * again, or left, while its body came: what it says would count for another, which may have its place by now.
 */
export async function readFields(call: Call): Promise<Fields> {
  const isStill = stillSame(call);
  const text = await readText(call);
  if (!isStill()) throw replaced(call);
  if (isTooDeep(text)) {
    throw new ConductorError("invalid_json", `The body is nested deeper than ${NESTING} levels`, { details: { limit: NESTING } });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConductorError("invalid_json", `The body is no JSON: ${(error as Error).message.replace(/^JSON Parse error: /, "")}`, {
      hint: text === "" ? "it is empty" : "send one JSON object",
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ConductorError("invalid_json", "The body must be a JSON object", { hint: 'as in {"component_id": "…"}' });
}

/** Told from the text, before anything is made of it. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at);
    else if (code === LIST || code === OBJECT) depth++;
    else if (code === LIST_END || code === OBJECT_END) depth--;
    if (depth > NESTING) return true;
  }
  return false;
}

const [QUOTE, BACKSLASH, LIST, LIST_END, OBJECT, OBJECT_END] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/** Where the quotation mark is that ends it. */
function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

async function readText({ request, conductor }: Call): Promise<string> {
  const limit = conductor.settings.maxBodyBytes;
  const length = request.headers.get("content-length");
  if (length !== null) {
    if (Number(length) > limit) throw tooLarge(limit);
    return request.text();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(limit: number): ConductorError {
  return new ConductorError("payload_too_large", `The body is larger than ${limit} bytes`, {
    hint: "HARBOR_CONDUCTOR_MAX_BODY sets the limit",
    details: { limit },
  });
}

export function invalid(field: string, what: string): ConductorError {
  return new ConductorError("invalid_request", `"${field}" ${what}`, { details: { field } });
}

export interface TextRule {
  readonly pattern: RegExp;
  /** `must be …` */
  readonly words: string;
}

/** A text; undefined where the field is left out or null. */
export function readOptionalText(fields: Fields, field: string, rule: TextRule): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && rule.pattern.test(value)) return value;
  throw invalid(field, `must be ${rule.words}`);
}

export function readRequiredText(fields: Fields, field: string, rule: TextRule): string {
  const value = readOptionalText(fields, field, rule);
  if (value === undefined) throw invalid(field, `is missing: it must be ${rule.words}`);
  return value;
}

/** A number within bounds; undefined where the field is left out or null. */
export function readOptionalNumber(fields: Fields, field: string, least: number, most: number): number | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw invalid(field, `must be a number from ${least} to ${most}`);
}

/** True or false; undefined where the field is left out or null. */
export function readOptionalFlag(fields: Fields, field: string): boolean | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value;
  throw invalid(field, "must be true or false");
}

export function readOptionalChoice<T extends string>(fields: Fields, field: string, choices: readonly T[]): T | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw invalid(field, `must be one of ${choices.map((choice) => `"${choice}"`).join(", ")}`);
  return found;
}

export function readTexts(fields: Fields, field: string, rule: TextRule, most: number): string[] {
  const value = fields[field] ?? [];
  const isRight =
    Array.isArray(value) && value.length <= most && value.every((text) => typeof text === "string" && rule.pattern.test(text));
  if (!isRight) throw invalid(field, `must be a list of at most ${most}, each ${rule.words}`);
  return [...new Set(value as string[])];
}

/** Of lists: how many are left out. */
export const OFFSET = { fallback: 0, least: 0, most: Number.MAX_SAFE_INTEGER };

/** A whole number of the query, within bounds. */
export function readQueryNumber(query: URLSearchParams, name: string, options: { fallback: number; least: number; most: number }): number {
  const text = query.get(name);
  if (text === null) return options.fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= options.least && value <= options.most) return value;
  throw invalid(name, `must be a whole number from ${options.least} to ${options.most}`);
}
