/**
 * A compose model as YAML that a Go reader takes back as the same: every text in double quotes, numbers as they were
 * written.
 */
import { RawScalar } from "../_script/yaml.ts";

/** Names that no YAML reader takes for anything but text. */
const PLAIN_KEY = /^[A-Za-z_][\w.-]*$/;
const WORD = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
/** What JSON leaves as it is and a YAML reader refuses, folds or cannot hold. */
const UNSAFE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;
const MAY_BE_UNSAFE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/;
/** A longer key has to be announced by `?`: Go looks no further than 1024 bytes for its colon. */
const MAX_SIMPLE_KEY = 200;

/** Writes the model; keys keep their order. */
export function formatCompose(model: Record<string, unknown>): string {
  const body = formatMap(model, "");
  return body === "" ? "{}\n" : body;
}

function formatMap(map: Record<string, unknown>, indent: string): string {
  let text = "";
  for (const key of Object.keys(map)) {
    const value = map[key];
    if (value === undefined) continue;
    text += `${indent}${formatKey(key, indent)}:${formatValue(value, indent)}`;
  }
  return text;
}

function formatKey(key: string, indent: string): string {
  if (PLAIN_KEY.test(key) && !WORD.test(key) && key.length <= MAX_SIMPLE_KEY) return key;
  const quoted = quote(key);
  return quoted.length > MAX_SIMPLE_KEY ? `? ${quoted}\n${indent}` : quoted;
}

/** What follows the colon or dash, with its newline. */
function formatValue(value: unknown, indent: string): string {
  if (typeof value === "string") return ` ${quote(value)}\n`;
  if (Array.isArray(value)) return value.length === 0 ? " []\n" : `\n${formatList(value, `${indent}  `)}`;
  if (typeof value !== "object" || value === null || value instanceof RawScalar) return ` ${formatScalar(value)}\n`;
  const body = formatMap(value as Record<string, unknown>, `${indent}  `);
  return body === "" ? " {}\n" : `\n${body}`;
}

function formatList(list: readonly unknown[], indent: string): string {
  let text = "";
  for (const item of list) {
    const isMap = typeof item === "object" && item !== null && !Array.isArray(item) && !(item instanceof RawScalar);
    const body = isMap ? formatMap(item as Record<string, unknown>, `${indent}  `) : "";
    text += body === "" ? `${indent}-${formatValue(item ?? null, indent)}` : `${indent}- ${body.slice(indent.length + 2)}`;
  }
  return text;
}

function formatScalar(value: unknown): string {
  if (typeof value !== "number" || Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return ".nan";
  return value > 0 ? ".inf" : "-.inf";
}

function quote(text: string): string {
  if (!MAY_BE_UNSAFE.test(text)) return JSON.stringify(text);
  // Half of a surrogate pair has no UTF-8 at all.
  return JSON.stringify(text.toWellFormed()).replace(UNSAFE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
