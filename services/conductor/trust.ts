/**
 * How Harbor's own programs know the conductor of this host: by the certificate that it is configured to show, whatever names are in that.
 * Whoever else signed one for this host's names is believed as elsewhere.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import tls, { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Trust } from "./client/http.ts";

/** Bun has it, and its types do not. */
const { getCACertificates } = tls as unknown as { getCACertificates(kind: "default"): string[] };

/** The file that `conductor.tls_cert_file` names. One that is not absolute is in the conductor's data folder. */
export function certificateFile(cert: string, data: string): string {
  return resolve(data, "conductor", cert);
}

/** Undefined where the file cannot be read, as one that is only in a container: then the system's authorities have to do. */
export function trustFile(file: string): Trust | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  const own = bytesOf(text);
  return {
    // those that its certificate hangs on may stand in the file, or be known to all
    ca: [text, ...getCACertificates("default")],
    checkServerIdentity: (hostname, certificate) =>
      own.equals(certificate.raw) ? undefined : checkServerIdentity(hostname, certificate as PeerCertificate),
  };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Of the first certificate, which is the one that is shown. */
function bytesOf(pem: string): Buffer {
  const [, base64 = ""] = /-----BEGIN CERTIFICATE-----([^-]*)-----END/.exec(pem) ?? [];
  return Buffer.from(base64, "base64");
}
