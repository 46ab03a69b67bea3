/** The certificate and its key: read and checked before anybody is shown them, and again whenever the files are others. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";

/** Paths of PEM files; the certificate with those that it hangs on after it. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  /** What whoever runs it should know: it is over, or others may read the key. */
  readonly caution: string | undefined;
}

/** Throws an Error that names the file and says what is wrong with it. */
export function readPair(files: TlsFiles, now: number): TlsPair {
  const cert = readText(files.cert, "certificate");
  const key = readText(files.key, "key");
  const certificate = attempt(
    () => new X509Certificate(cert),
    () => `"${files.cert}" is no certificate in PEM`,
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    () => `"${files.key}" is no private key in PEM${key.includes("ENCRYPTED") ? " without a passphrase" : ""}`,
  );
  if (!certificate.checkPrivateKey(privateKey))
    throw new Error(`the key in "${files.key}" is not that of the certificate in "${files.cert}"`);
  const { validTo } = certificate;
  const cautions = [
    ...(Date.parse(validTo) < now ? [`the certificate in "${files.cert}" is over since ${validTo}`] : []),
    ...(process.platform !== "win32" && (statSync(files.key).mode & 0o004) !== 0 ? [`everybody may read the key in "${files.key}"`] : []),
  ];
  return { cert, key, caution: cautions.length === 0 ? undefined : cautions.join("; ") };
}

/** Another text whenever the files are others. Files that are renamed into their place, or that links lead to, are noticed too. */
export function fingerprintOf({ cert, key }: TlsFiles): string {
  return [cert, key]
    .map((file) => {
      const facts = statSync(file, { throwIfNoEntry: false });
      return facts === undefined ? "none" : `${facts.ino} ${facts.size} ${facts.mtimeMs}`;
    })
    .join("; ");
}

function readText(file: string, what: string): string {
  return attempt(
    () => readFileSync(file, "utf8"),
    (error) => `the ${what} "${file}" cannot be read: ${error.code ?? error.message}`,
  );
}

function attempt<T>(work: () => T, explain: (error: NodeJS.ErrnoException) => string): T {
  try {
    return work();
  } catch (error) {
    throw new Error(explain(error as NodeJS.ErrnoException), { cause: error });
  }
}
