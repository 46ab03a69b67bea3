/** Opens a JWE with nothing but Web Crypto, by RFC 7516 and RFC 7518 alone: whether another library can take part. */

interface PrivateKey {
  crv?: string | undefined;
  x?: string | undefined;
  y?: string | undefined;
  d?: string | undefined;
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "base64url"));

/** RFC 7518, 4.6.2: one round of SHA-256 gives 256 bits. */
async function deriveKey(secret: ArrayBuffer, algorithm: string): Promise<CryptoKey> {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const name = Buffer.from(algorithm);
  const info = Buffer.concat([number(name.length), name, number(0), number(0), number(256)]);
  const hash = await crypto.subtle.digest("SHA-256", Buffer.concat([number(1), Buffer.from(secret), info]));
  return crypto.subtle.importKey("raw", hash, "AES-KW", false, ["unwrapKey"]);
}

export async function decryptByHand(jwe: string, { crv = "P-256", x, y, d }: PrivateKey): Promise<{ header: object; content: string }> {
  const [head = "", wrapped = "", iv = "", ciphertext = "", tag = ""] = jwe.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString());
  const curve = { name: "ECDH", namedCurve: crv };
  const own = { kty: "EC", crv, ...(x === undefined ? {} : { x }), ...(y === undefined ? {} : { y }), ...(d === undefined ? {} : { d }) };
  const ours = await crypto.subtle.importKey("jwk", own, curve, false, ["deriveBits"]);
  const theirs = await crypto.subtle.importKey("jwk", header.epk, curve, false, []);
  const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, ours, 256);
  const wrapping = await deriveKey(secret, header.alg);
  const key = await crypto.subtle.unwrapKey("raw", bytesOf(wrapped), wrapping, "AES-KW", "AES-GCM", false, ["decrypt"]);
  const sealed = new Uint8Array(Buffer.concat([bytesOf(ciphertext), bytesOf(tag)]));
  const options = { name: "AES-GCM", iv: bytesOf(iv), additionalData: new Uint8Array(Buffer.from(head, "ascii")) };
  const content = await crypto.subtle.decrypt(options, key, sealed);
  return { header, content: Buffer.from(content).toString() };
}
