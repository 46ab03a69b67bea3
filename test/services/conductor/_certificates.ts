/** Certificates for tests, by openssl. */
import { join } from "node:path";

export interface Certificate {
  cert: string;
  key: string;
}

/** Its own authority, for this host; files under this name in the folder. */
export async function makeCertificate(folder: string, name: string, days = 2): Promise<Certificate> {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const args = ["req", "-x509", ...curve, "-keyout", key, "-out", cert, "-days", String(days), ...names];
  const child = Bun.spawn(["openssl", ...args], { stdout: "ignore", stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
  return { cert, key };
}
