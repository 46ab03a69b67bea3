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

/** The hashes of many, packed into one array: as texts they would take five times that. */
export class TokenHashes {
  #bytes = Buffer.alloc(64 * HASH_BYTES);

  read(slot: number): string {
    return this.#bytes.toString("base64url", slot * HASH_BYTES, (slot + 1) * HASH_BYTES);
  }

  write(slot: number, hash: string): void {
    if ((slot + 1) * HASH_BYTES > this.#bytes.length) {
      const grown = Buffer.alloc(Math.ceil((slot + 1) * HASH_BYTES * 1.5));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.write(hash, slot * HASH_BYTES, HASH_BYTES, "base64url");
  }
}
