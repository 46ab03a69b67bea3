/** Tokens of components: `<component id>.<secret>`, so that no index of tokens is needed; only a hash of the secret is kept. */

const SECRET_BYTES = 24;
/** Of 32, none of which can be chosen. */
const HASH_BYTES = 16;

export interface NewToken {
  /** Shown once, to the component. */
  token: string;
  hash: string;
}

export function makeToken(id: string): NewToken {
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64url");
  return { token: `${id}.${secret}`, hash: hashSecret(secret) };
}

/** Undefined for what has not the form of a token. */
export function readToken(token: string): { id: string; hash: string } | undefined {
  const dot = token.lastIndexOf(".");
  if (dot <= 0) return undefined;
  return { id: token.slice(0, dot), hash: hashSecret(token.slice(dot + 1)) };
}

/** The secret is random and long: nothing slower is needed, nor a comparison that takes the same time for all. */
function hashSecret(secret: string): string {
  // written from the bytes: a piece of a longer text would keep all of it
  return new Bun.CryptoHasher("sha256").update(secret).digest().toString("base64url", 0, HASH_BYTES);
}
