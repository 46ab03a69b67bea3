/** The authority of this `HARBOR_HOME`: made at its first use, and the same from then on, so that a device has to trust it but once. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { type CertifiedKey, makeAuthority } from "./make-certificate.ts";

export interface AuthorityFiles {
  /** For everybody. */
  certificate: string;
  /** For nobody. */
  key: string;
}

export function authorityFiles(home: string): AuthorityFiles {
  return { certificate: join(home, "reach", "authority.pem"), key: join(home, "reach", "authority.key") };
}

/** Throws where one of the two files is missing, or not what it is called. */
export function homeAuthority(home: string): Promise<CertifiedKey> {
  const files = authorityFiles(home);
  return withLock(join(home, "reach", "lock"), () => readAuthority(files) ?? create(files), { purpose: "harbor expose" });
}

function create(files: AuthorityFiles): CertifiedKey {
  const authority = makeAuthority(`Harbor on ${hostname()}`);
  writeFileWhole(files.key, authority.key);
  writeFileWhole(files.certificate, authority.certificate, 0o644);
  return authority;
}

/** Undefined where there is none yet. */
export function readAuthority({ certificate, key }: AuthorityFiles): CertifiedKey | undefined {
  const found = { certificate: readOrNothing(certificate), key: readOrNothing(key) };
  if (found.certificate === undefined && found.key === undefined) return undefined;
  try {
    const read = { certificate: found.certificate ?? "", key: found.key ?? "" };
    if (!new X509Certificate(read.certificate).checkPrivateKey(createPrivateKey(read.key))) throw new Error("its key is another's");
    if (Date.parse(new X509Certificate(read.certificate).validTo) > Date.now()) return read;
    throw new Error("it has expired");
  } catch (cause) {
    throw new HarborError(`Cannot use the authority "${certificate}": ${(cause as Error).message}`, {
      cause,
      hint: `Remove it and ${key}: the next use makes another, which devices have to trust anew`,
    });
  }
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HarborError(`Cannot read "${path}": ${(error as NodeJS.ErrnoException).code}`, { cause: error });
  }
}
