/**
 * Certificates of our own: an authority that a person makes a browser or a phone trust once, and what it signs. Written here,
 * since not every host has openssl, and not every openssl the same options. Source: RFC 5280.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { addressBytes } from "../host/is-local-address.ts";
import { bits, integer, objectId, octets, sequence, set, TRUE, tagged, time, utf8 } from "./_der.ts";

/** PEM, both. */
export interface CertifiedKey {
  certificate: string;
  key: string;
}

export interface MakeCertificateOptions {
  authority: CertifiedKey;
  /** Names of the host, the first for who shows but one. */
  names: readonly string[];
  /** Its addresses, IPv4 or IPv6. */
  addresses: readonly string[];
  /** From now on. */
  days: number;
}

const DAY_MS = 86_400_000;
/** Clocks of a local network differ. */
const SLACK_MS = DAY_MS;
/** Longer is not needed by whoever makes it anew with each use; authorities are trusted by hand. */
const AUTHORITY_DAYS = 3650;

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAlternativeName: "2.5.29.17",
  subjectKeyId: "2.5.29.14",
  authorityKeyId: "2.5.29.35",
  nameConstraints: "2.5.29.30",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

/**
 * One that can vouch for no name that a host of the internet has, so that whoever trusts it is not at the mercy of who gets its
 * key. Addresses are not limited: BoringSSL, and bun with it, refuses an authority that says anything about them.
 */
export function makeAuthority(name: string): CertifiedKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyId = keyIdOf(publicKey);
  const subject = distinguishedName(name);
  const extensions = [
    extension(OID.basicConstraints, sequence(TRUE, integer(Uint8Array.of(0))), true),
    extension(OID.keyUsage, bits(Uint8Array.of(0b0000_0110), 1), true),
    extension(OID.nameConstraints, sequence(tagged(0, Buffer.concat(permitted()))), true),
    extension(OID.subjectKeyId, octets(keyId), false),
  ];
  const certificate = signed({ subject, issuer: subject, publicKey, extensions, days: AUTHORITY_DAYS, signer: privateKey });
  return { certificate, key: pemOf(privateKey) };
}

/** For a server. Throws for an authority that cannot be read. */
export function makeCertificate({ authority, names, addresses, days }: MakeCertificateOptions): CertifiedKey {
  const issuer = new X509Certificate(authority.certificate);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const alternatives = [
    ...names.map((name) => tagged(2, Buffer.from(name, "ascii"), true)),
    ...addresses.map((address) => tagged(7, addressBytes(address), true)),
  ];
  const extensions = [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, bits(Uint8Array.of(0b1000_0000), 7), true),
    extension(OID.extendedKeyUsage, sequence(objectId(OID.serverAuth)), false),
    extension(OID.subjectAlternativeName, sequence(...alternatives), false),
    extension(OID.authorityKeyId, sequence(tagged(0, keyIdOf(issuer.publicKey), true)), false),
  ];
  const subject = distinguishedName(names[0] ?? addresses[0] ?? "");
  const name = issuer.subject.replace(/^CN=/, "");
  const signer = createPrivateKey(authority.key);
  return { certificate: signed({ subject, issuer: distinguishedName(name), publicKey, extensions, days, signer }), key: pemOf(privateKey) };
}

/** As browsers show it: SHA-256, in pairs of digits. */
export function fingerprintOf(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256;
}

interface ToSign {
  subject: Uint8Array;
  issuer: Uint8Array;
  publicKey: KeyObject;
  extensions: readonly Uint8Array[];
  days: number;
  signer: KeyObject;
}

function signed({ subject, issuer, publicKey, extensions, days, signer }: ToSign): string {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const now = Date.now();
  const content = sequence(
    tagged(0, integer(Uint8Array.of(2))), // version 3
    integer(Uint8Array.from([0x40 | ((randomBytes(1)[0] as number) % 0x40), ...randomBytes(15)])),
    algorithm,
    issuer,
    sequence(time(new Date(now - SLACK_MS)), time(new Date(now + days * DAY_MS))),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(3, sequence(...extensions)),
  );
  const whole = sequence(content, algorithm, bits(sign("sha256", content, signer)));
  const lines =
    Buffer.from(whole)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(set(sequence(objectId(OID.commonName), utf8(commonName))));
}

function extension(id: string, content: Uint8Array, isCritical: boolean): Uint8Array {
  return sequence(objectId(id), ...(isCritical ? [TRUE] : []), octets(content));
}

function keyIdOf(key: KeyObject): Uint8Array {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}

function pemOf(key: KeyObject): string {
  return String(key.export({ type: "pkcs8", format: "pem" }));
}

/** Names that are local by RFC 6761, RFC 6762, RFC 8375 and ICANN's own choice, or by custom. */
const LOCAL_NAMES = ["local", "localhost", "lan", "home", "internal", "home.arpa", "localdomain"];

function permitted(): Uint8Array[] {
  return LOCAL_NAMES.map((name) => sequence(tagged(2, Buffer.from(name, "ascii"), true)));
}
