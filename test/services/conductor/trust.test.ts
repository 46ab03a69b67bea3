import { expect, test } from "bun:test";
import { appendFileSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Operator } from "../../../services/conductor/client/operator.ts";
import { certificateFile, trustFile } from "../../../services/conductor/trust.ts";
import { makeFolder } from "../../_workspace.ts";
import { makeCertificate as makeSigned } from "./_certificate.ts";
import { makeCertificate } from "./_certificates.ts";
import { TOKEN, useServers } from "./_server.ts";

const start = useServers();

const ask = (url: string, file: string): Promise<string> =>
  new Operator({ url, token: TOKEN, trust: () => trustFile(file) }).services().then(
    () => "answered",
    (error: { cause?: { code?: string } }) => error.cause?.code ?? "refused",
  );

test("a conductor is known by the certificate that it is to show, and another is not taken for it", async () => {
  const folder = makeFolder();
  const [own, other] = [await makeCertificate(folder, "own"), await makeCertificate(folder, "other")];
  const { url } = await start({ settings: { tls: own } });
  expect(await ask(url, own.cert)).toBe("answered");
  expect(await ask(url, other.cert)).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
  expect(await ask(url, join(folder, "none.crt"))).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
});

test("it is known whatever names it has, by who signed it where that is in its file", async () => {
  const file = join(makeFolder(), "chain.crt");
  const { certificate, key, authority } = makeSigned("DNS:conductor.lan");
  copyFileSync(certificate, file);
  const { url } = await start({ settings: { tls: { cert: file, key } } });
  expect(await ask(url, file)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  appendFileSync(file, readFileSync(authority));
  expect(await ask(url, file)).toBe("answered");
  // of the same authority, and for other names
  const mixed = join(makeFolder(), "mixed.crt");
  copyFileSync(authority, mixed);
  expect(await ask(url, mixed)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});

test("its file is in the conductor's data folder unless it says otherwise", () => {
  expect(certificateFile("tls/a.crt", "/srv/data")).toBe("/srv/data/conductor/tls/a.crt");
  expect(certificateFile("/etc/ssl/a.crt", "/srv/data")).toBe("/etc/ssl/a.crt");
});
