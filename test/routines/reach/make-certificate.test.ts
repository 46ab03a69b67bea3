import { describe, expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fingerprintOf, makeAuthority, makeCertificate } from "../../../routines/reach/make-certificate.ts";
import { makeFolder } from "../../_workspace.ts";

const authority = makeAuthority("Harbor of a test");
const made = makeCertificate({
  authority,
  names: ["box.local", "localhost"],
  addresses: ["127.0.0.1", "192.168.1.5", "fe80::1"],
  days: 30,
});

describe("makeCertificate", () => {
  test("is one that the authority signed, for these names and addresses and no other", () => {
    const [leaf, signer] = [new X509Certificate(made.certificate), new X509Certificate(authority.certificate)];
    expect(leaf.verify(signer.publicKey)).toBe(true);
    expect(leaf.checkIssued(signer)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
    expect([leaf.ca, signer.ca]).toEqual([false, true]);
    expect(["box.local", "localhost"].map((name) => leaf.checkHost(name))).toEqual(["box.local", "localhost"]);
    expect(leaf.checkHost("other.local")).toBeUndefined();
    expect(["127.0.0.1", "192.168.1.5", "fe80::1"].map((address) => leaf.checkIP(address))).toEqual([
      "127.0.0.1",
      "192.168.1.5",
      "fe80::1",
    ]);
    expect(leaf.checkIP("192.168.1.6")).toBeUndefined();
  });

  test("holds from a day ago, for clocks that are behind, for as long as it was asked for", () => {
    const { validFrom, validTo } = new X509Certificate(made.certificate);
    const days = (text: string): number => Math.round((Date.parse(text) - Date.now()) / 86_400_000);
    expect([days(validFrom), days(validTo)]).toEqual([-1, 30]);
  });

  test("is taken by a client that trusts the authority, and by no other", async () => {
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { cert: made.certificate, key: made.key },
      fetch: () => new Response("hello"),
    });
    const url = `https://127.0.0.1:${server.port}`;
    // each on a connection of its own
    const get = (ca?: string): Promise<Response> => fetch(url, { keepalive: false, tls: ca === undefined ? {} : { ca } });
    expect(await (await get(authority.certificate)).text()).toBe("hello");
    await expect(get(makeAuthority("another").certificate)).rejects.toThrow();
    await expect(get()).rejects.toThrow();
  });

  test("two of them have numbers of their own", () => {
    const other = makeCertificate({ authority, names: ["box.local"], addresses: [], days: 1 });
    expect(new X509Certificate(other.certificate).serialNumber).not.toBe(new X509Certificate(made.certificate).serialNumber);
    expect(fingerprintOf(other.certificate)).toMatch(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });
});

/** Another reader than the one that made them, where this machine has it. */
describe.skipIf(Bun.which("openssl") === null)("openssl, by the letter of RFC 5280", () => {
  const verify = (certificate: string, ...words: string[]): string => {
    const folder = makeFolder();
    writeFileSync(join(folder, "ca.pem"), authority.certificate);
    writeFileSync(join(folder, "leaf.pem"), certificate);
    const argv = ["openssl", "verify", "-x509_strict", "-CAfile", join(folder, "ca.pem"), ...words, join(folder, "leaf.pem")];
    const { stdout, stderr } = Bun.spawnSync(argv);
    return `${stdout}${stderr}`;
  };

  test.each([
    ["-verify_hostname", "box.local"],
    ["-verify_ip", "192.168.1.5"],
    ["-verify_ip", "fe80::1"],
  ])("takes it for %s %s", (option, name) => {
    expect(verify(made.certificate, option, name)).toEndWith("leaf.pem: OK\n");
  });

  test("refuses one for a name of the internet: whoever trusts the authority is not at its mercy", () => {
    const other = makeCertificate({ authority, names: ["bank.example"], addresses: [], days: 1 });
    expect(verify(other.certificate)).toContain("permitted subtree violation");
  });
});
