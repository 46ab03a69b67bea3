/** A component's own keys, in a file that nobody else may read: one to be written to, one to sign with (a JWK Set, RFC 7517). */
import type { JWK } from "jose";
import { ConductorClientError } from "./http.ts";

export interface OwnKeys {
  /** Private, for ECDH-ES. */
  readonly encryption: JWK;
  /** Private, for signatures. */
  readonly signature: JWK;
  /** What others may know: a JWK Set, for `public_key`. */
  readonly publicKey: { readonly keys: readonly JWK[] };
  /** RFC 7638, of both: what others pin. */
  readonly thumbprints: readonly string[];
}

const CURVE = "P-256";
const PRIVATE_PARTS: readonly string[] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Reads it; makes it, for this user alone, where it is not there. Throws `bad_key_file`. */
export async function openKeyFile(file: string): Promise<OwnKeys> {
  const { chmod, link, readFile, rm, stat, writeFile } = await import("node:fs/promises");
  const isThere = await stat(file).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const own = `${file}.${crypto.randomUUID()}`;
    try {
      await writeFile(own, `${JSON.stringify(await makeKeys(), null, 2)}\n`, { mode: 0o600, flag: "wx" });
      await chmod(own, 0o600);
      // of two that make it at once the first one counts, for both
      await link(own, file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
    } catch (error) {
      throw badFile(file, `it cannot be made: ${(error as Error).message}`, "its folder has to be there");
    } finally {
      await rm(own, { force: true });
    }
  }
  const { mode } = await stat(file);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) throw badFile(file, "others may read it", `chmod 600 ${file}`);
  return readKeys(file, await readFile(file, "utf8"));
}

async function makeKeys(): Promise<{ keys: JWK[] }> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import("jose");
  const make = async (use: "enc" | "sig", alg: string): Promise<JWK> => {
    const { privateKey } = await generateKeyPair(alg, { crv: CURVE, extractable: true });
    const jwk = await exportJWK(privateKey);
    return { ...jwk, use, alg, kid: await calculateJwkThumbprint(jwk) } as JWK;
  };
  return { keys: [await make("enc", "ECDH-ES+A256KW"), await make("sig", "ES256")] };
}

async function readKeys(file: string, text: string): Promise<OwnKeys> {
  const { calculateJwkThumbprint } = await import("jose");
  let keys: JWK[];
  try {
    keys = (JSON.parse(text) as { keys: JWK[] }).keys;
  } catch {
    throw badFile(file, "it is no JSON", "put a backup in its place; a new key opens nothing that was sent to the old one");
  }
  const find = (use: "enc" | "sig"): JWK => {
    const found = Array.isArray(keys) ? keys.find((key) => key.use === use && "d" in key) : undefined;
    if (found === undefined) throw badFile(file, `it has no private key with "use": "${use}"`, "it is a JWK Set of two: enc and sig");
    return found;
  };
  const [encryption, signature] = [find("enc"), find("sig")];
  return {
    encryption,
    signature,
    publicKey: { keys: [withoutPrivate(encryption), withoutPrivate(signature)] },
    thumbprints: [await calculateJwkThumbprint(encryption), await calculateJwkThumbprint(signature)],
  };
}

function withoutPrivate(key: JWK): JWK {
  return Object.fromEntries(Object.entries(key).filter(([part]) => !PRIVATE_PARTS.includes(part))) as unknown as JWK;
}

function badFile(file: string, why: string, hint: string): ConductorClientError {
  return new ConductorClientError("bad_key_file", `Cannot use the keys in "${file}": ${why}`, { hint });
}
