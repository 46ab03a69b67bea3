/** `public_key` of a registration: a JWK or a JWK Set (RFC 7517), as it comes; what must not be told to anybody is refused. */
import { type Fields, invalid } from "./fields.ts";

export type PublicKey = Readonly<Record<string, unknown>>;

const BYTES = 4_096;
const KEYS = 8;
/** Parts of a private or a shared key (RFC 7518, 6.2.2, 6.3.2, 6.4; RFC 8037, 2). */
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/** Undefined where there is none. */
export function readPublicKey({ public_key: value }: Fields): PublicKey | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw invalid("public_key", "must be a JWK, or a JWK Set");
  if (JSON.stringify(value).length > BYTES) throw invalid("public_key", `may have at most ${BYTES} characters`);
  const keys = "keys" in value ? value.keys : [value];
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > KEYS || !keys.every(isKey)) {
    throw invalid("public_key", `must be a JWK with its "kty", or {"keys": [...]} of 1 to ${KEYS}`);
  }
  if (keys.some((key) => PRIVATE.some((part) => part in key))) {
    throw invalid("public_key", "has a private part, which nobody else may have: make a new key, this one is not good any more");
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isKey(value: unknown): value is Record<string, unknown> {
  return isObject(value) && typeof value.kty === "string";
}
