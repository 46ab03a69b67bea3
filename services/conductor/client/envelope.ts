/**
 * A payload that only its receiver opens: signed by who sends it (JWS, RFC 7515), then encrypted for who receives it (JWE, RFC 7516), both in
 * compact form. Who it is from, who it is for and what it is stand in both protected headers, so that it is good for nothing else.
 */
import type { JWK } from "jose";
import { ConductorClientError } from "./http.ts";

/** What it is bound to. `re`: the SHA-256 of the request that an answer is for. */
export interface Binding {
  readonly from: string;
  readonly to: string;
  readonly kind: "message" | "request" | "answer";
  readonly type: string;
  readonly re?: string;
}

/** How it stands where a payload stands. */
export interface Envelope {
  readonly jwe: string;
}

const KEY_ALGORITHMS = ["ECDH-ES+A256KW", "ECDH-ES"];
const CONTENT_ALGORITHM = "A256GCM";
const SIGNATURE_ALGORITHMS = ["ES256", "Ed25519", "EdDSA"];
/** RFC 7516, 4.1.12: what is inside is a JWS. */
const CONTENT_TYPE = "JOSE";

export function isEnvelope(payload: unknown): payload is Envelope {
  if (typeof payload !== "object" || payload === null) return false;
  const [name, ...others] = Object.keys(payload);
  return name === "jwe" && others.length === 0 && typeof (payload as Envelope).jwe === "string";
}

/** `own`: signs. `to`: the receiver's public key. */
export async function seal(payload: unknown, binding: Binding, { own, to }: { own: JWK; to: JWK }): Promise<Envelope> {
  const { CompactEncrypt, CompactSign, calculateJwkThumbprint } = await import("jose");
  const { kty, crv, x, y } = own as unknown as Record<string, string>;
  // the key itself as well: who has pinned it need not ask anybody for it
  const jwk = { kty, crv, x, ...(y === undefined ? {} : { y }) } as unknown as JWK;
  const text = new TextEncoder().encode(JSON.stringify(payload ?? null));
  const signed = await new CompactSign(text).setProtectedHeader({ alg: signatureAlgorithm(own), jwk, ...binding } as never).sign(own);
  const jwe = await new CompactEncrypt(new TextEncoder().encode(signed))
    .setProtectedHeader({
      ...{ alg: "ECDH-ES+A256KW", enc: CONTENT_ALGORITHM, cty: CONTENT_TYPE, kid: await calculateJwkThumbprint(to) },
      ...binding,
    })
    .encrypt(to);
  return { jwe };
}

export interface OpenOptions {
  /** Opens it. */
  readonly own: JWK;
  /** Whether a signature by the key of this thumbprint (RFC 7638) is the sender's. */
  readonly isSenders: (thumbprint: string) => Promise<boolean>;
}

/** Throws `undecipherable` (another's, or altered), `forged` (not by the sender, or meant for something else). */
export async function open<T>({ jwe }: Envelope, binding: Binding, { own, isSenders }: OpenOptions): Promise<T> {
  const { calculateJwkThumbprint, compactDecrypt, compactVerify, decodeProtectedHeader } = await import("jose");
  const options = { keyManagementAlgorithms: KEY_ALGORITHMS, contentEncryptionAlgorithms: [CONTENT_ALGORITHM] };
  const opened = await compactDecrypt(jwe, own, options).catch((cause: Error) => {
    throw new ConductorClientError("undecipherable", `What ${binding.from} sent cannot be opened: ${cause.message}`, {
      cause,
      hint: "it was encrypted for another key, or altered on its way",
    });
  });
  const { plaintext, protectedHeader } = opened;
  refuseOther(protectedHeader, binding);
  if (protectedHeader.cty !== CONTENT_TYPE) throw forged(binding, "it is not signed");
  try {
    const signed = new TextDecoder().decode(plaintext);
    const { jwk, ...claims } = decodeProtectedHeader(signed) as Record<string, unknown> & { jwk?: JWK };
    if (jwk === undefined) throw forged(binding, "it does not say which key signed it");
    refuseOther(claims, binding);
    if (!(await isSenders(await calculateJwkThumbprint(jwk)))) throw forged(binding, `another key than ${binding.from}'s signed it`);
    const { payload } = await compactVerify(signed, jwk, { algorithms: SIGNATURE_ALGORITHMS });
    return JSON.parse(new TextDecoder().decode(payload)) as T;
  } catch (error) {
    if (error instanceof ConductorClientError) throw error;
    throw forged(binding, `its signature is not good: ${(error as Error).message}`);
  }
}

/** What an answer names its request by. */
export async function digestOf({ jwe }: Envelope): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(jwe)));
  return btoa(String.fromCharCode(...hash))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function signatureAlgorithm({ crv }: JWK): string {
  return crv === "Ed25519" ? "Ed25519" : "ES256";
}

function refuseOther(header: Readonly<Record<string, unknown>>, binding: Binding): void {
  for (const name of ["from", "to", "kind", "type", "re"] as const) {
    if (header[name] === binding[name]) continue;
    throw forged(binding, `its "${name}" is ${JSON.stringify(header[name])}, where it came as ${JSON.stringify(binding[name])}`);
  }
}

function forged({ from, kind }: Binding, why: string): ConductorClientError {
  return new ConductorClientError("forged", `This ${kind} is not as ${from} made it: ${why}`, {
    hint: "somebody between has put it there, or a key was replaced and its pin was not",
  });
}
