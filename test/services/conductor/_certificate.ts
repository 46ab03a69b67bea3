/** A certificate for a name, signed by an authority of its own, as openssl makes them. */
import { join } from "node:path";
import { makeLastingFolder } from "../../_workspace.ts";

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Of the authority: who is to trust it is given this one. */
  readonly authority: string;
}

/** Paths of files. `names`: as in `DNS:localhost`, `IP:127.0.0.1`. */
export function makeCertificate(...names: string[]): Certificate {
  const folder = makeLastingFolder("harbor-certificate-");
  const at = (name: string): string => join(folder, name);
  const [authority, authorityKey, certificate, key] = [at("ca.pem"), at("ca.key"), at("cert.pem"), at("cert.key")];
  const pair = (out: string, keyOut: string, subject: string) => [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${subject}`, "-keyout", keyOut, "-out", out],
  ];
  openssl(pair(authority, authorityKey, "An authority of tests"));
  const leaf = [
    "-CA",
    authority,
    "-CAkey",
    authorityKey,
    "-addext",
    `subjectAltName=${names.join(",")}`,
    "-addext",
    "basicConstraints=CA:FALSE",
  ];
  openssl([...pair(certificate, key, "A server of tests"), ...leaf]);
  return { certificate, key, authority };
}

function openssl(args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args]);
  if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
