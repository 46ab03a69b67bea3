/**
 * What an unquoted YAML scalar means to the reader the container engine uses (Go, YAML 1.1 and 1.2 mixed):
 * `0777`, `1_000` and `0b1` are numbers there, a plain date is a timestamp, `yes` is text.
 */

export type RawKind = "int" | "float" | "timestamp" | "tagged";

/** A scalar that JavaScript cannot hold as it was written; it is written back exactly so. */
export class RawScalar {
  constructor(
    readonly text: string,
    readonly kind: RawKind,
  ) {}

  toString(): string {
    return this.text;
  }

  /** Its nearest JSON value. */
  toJSON(): unknown {
    if (this.kind !== "int" && this.kind !== "float") return this.text;
    const value = rawToNumber(this.text);
    return typeof value === "bigint" ? (isSafe(value) ? Number(value) : value.toString()) : Number.isFinite(value) ? value : this.text;
  }
}

const WORDS = new Map<string, boolean | null | RawScalar>([
  ["", null],
  ["~", null],
  ...["null", "Null", "NULL"].map((word): [string, null] => [word, null]),
  ...["true", "True", "TRUE"].map((word): [string, boolean] => [word, true]),
  ...["false", "False", "FALSE"].map((word): [string, boolean] => [word, false]),
  ...[".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF"].map((word): [string, RawScalar] => [word, new RawScalar(word, "float")]),
  ...["+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"].map((word): [string, RawScalar] => [word, new RawScalar(word, "float")]),
]);

const INTEGER = /^[-+]?(?:0|[1-9][0-9]*|0[0-7]+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d*)?(?:Z|[-+]\d{2}:\d{2})?)?$/;

/** The value of an unquoted scalar: text, null, a boolean, a number, or a RawScalar where a number would lose its spelling. */
export function resolvePlainScalar(text: string): unknown {
  const first = text.charCodeAt(0);
  const isNumeric = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46;
  if (!isNumeric) {
    if (text.length > 5) return text;
    const word = WORDS.get(text);
    return word === undefined ? text : word;
  }
  return resolveNumeric(text);
}

function resolveNumeric(text: string): unknown {
  const digits = text.includes("_") ? text.replaceAll("_", "") : text;
  const kind = INTEGER.test(digits) ? "int" : FLOAT.test(digits) ? "float" : undefined;
  if (kind !== undefined) {
    const value = Number(text);
    const isFaithful = String(value) === text && Math.abs(value) < Number.MAX_SAFE_INTEGER;
    return isFaithful ? value : new RawScalar(text, kind);
  }
  if (TIMESTAMP.test(text)) return new RawScalar(text, "timestamp");
  return WORDS.get(text) ?? text;
}

/** The number a raw scalar stands for. */
export function rawToNumber(text: string): number | bigint {
  const digits = text.replaceAll("_", "");
  const isNegative = digits.startsWith("-");
  const bare = digits.replace(/^[-+]/, "");
  if (!INTEGER.test(bare)) return Number(digits.replace(/\.inf$/i, "Infinity").replace(/^\.nan$/i, "NaN"));
  const value = BigInt(/^0[0-7]+$/.test(bare) ? `0o${bare.slice(1)}` : bare.toLowerCase());
  return isNegative ? -value : value;
}

function isSafe(value: bigint): boolean {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
}
