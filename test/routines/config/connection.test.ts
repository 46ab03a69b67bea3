import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  authorityOf,
  connectionVariable,
  formatServerUrl,
  isLoopback,
  readCertificates,
  readConnection,
  readServerUrl,
} from "../../../routines/config/connection.ts";
import { Values } from "../../../routines/config/read-values.ts";
import { makeAuthority } from "../../../routines/reach/make-certificate.ts";
import { makeFolder } from "../../_workspace.ts";

describe("readServerUrl", () => {
  test.each([
    ["http://192.168.1.5:11434", { scheme: "http", host: "192.168.1.5", port: 11434, path: "" }],
    ["192.168.1.5:11434", { scheme: "http", host: "192.168.1.5", port: 11434, path: "" }],
    ["gpu:8080", { scheme: "http", host: "gpu", port: 8080, path: "" }],
    ["https://GPU.example/ollama/", { scheme: "https", host: "gpu.example", port: 443, path: "/ollama" }],
    ["http://gpu", { scheme: "http", host: "gpu", port: 80, path: "" }],
    ["http://gpu:80", { scheme: "http", host: "gpu", port: 80, path: "" }],
    ["http://gpu:443/a/b-c_d.e~f", { scheme: "http", host: "gpu", port: 443, path: "/a/b-c_d.e~f" }],
    ["http://[::1]:11434", { scheme: "http", host: "::1", port: 11434, path: "" }],
    ["redis://box:6379", { scheme: "redis", host: "box", port: 6379, path: "" }],
    ["redis://box:80", { scheme: "redis", host: "box", port: 80, path: "" }],
  ])("%s", (text, address) => {
    expect(readServerUrl(text)).toEqual(address);
  });

  test.each([
    ["http://user:secret@gpu:1", "a user and a password in it would be shown in every list"],
    ["http://gpu:1/?a=b", "it ends in a query or a fragment"],
    ["http://gpu:1/#x", "it ends in a query or a fragment"],
    ["http://gpu:1/$(touch /tmp/x)", "its path may have letters"],
    ["http://gpu:1/`id`", "its path may have letters"],
    ["http://gpu:1/a%0ab", "its path may have letters"],
    ["http://gpu:1/a'b", "its path may have letters"],
    ["http://$(id):1", "is no name of a host"],
    ["http://a b:1", "it is no URL"],
    ["http://0.0.0.0:1", "that is every address of this host"],
    ["http://gpu:0", "there is no port 0"],
    ["redis://box", "it has no port"],
    ["http://gpu:99999", "it is no URL"],
  ])("refuses %s, which would end up in another program's configuration or in a list", (text, why) => {
    expect(() => readServerUrl(text)).toThrow(why);
  });

  test("never repeats a password that it refuses", () => {
    expect(() => readServerUrl("http://user:s3cret@gpu:1")).toThrow(/^(?!.*s3cret)/);
  });
});

test("an address as it is written, and as a request names it", () => {
  const write = (text: string): [string, string] => [formatServerUrl(readServerUrl(text)), authorityOf(readServerUrl(text))];
  expect(write("https://gpu:443/x")).toEqual(["https://gpu/x", "gpu"]);
  expect(write("http://gpu:443")).toEqual(["http://gpu:443", "gpu:443"]);
  expect(write("[::1]:8080")).toEqual(["http://[::1]:8080", "[::1]:8080"]);
  expect(["localhost", "127.8.8.8", "::1", "a.localhost"].map((host) => isLoopback({ host }))).toEqual([true, true, true, true]);
  expect(["192.168.1.5", "localhost.example"].map((host) => isLoopback({ host }))).toEqual([false, false]);
});

describe("readConnection", () => {
  const read = (values: Record<string, string>) =>
    readConnection(new Values([{ origin: "test", get: (name) => values[name] }]), "mock-openai");

  test("is none without a URL", () => {
    expect(read({})).toBeUndefined();
    expect(read({ HARBOR_MOCK_OPENAI_REMOTE_URL: "" })).toBeUndefined();
  });

  test("takes what belongs to it, and no value of the token", () => {
    const connection = read({
      [connectionVariable("mock-openai", "URL")]: "https://gpu",
      HARBOR_MOCK_OPENAI_REMOTE_INSECURE: "yes",
      HARBOR_MOCK_OPENAI_REMOTE_TOKEN: "abc",
    });
    expect(connection).toEqual({
      address: { scheme: "https", host: "gpu", port: 443, path: "" },
      isInsecure: true,
      ca: undefined,
      hasToken: true,
    });
  });
});

describe("readCertificates", () => {
  test("takes certificates alone: a key beside them goes nowhere", () => {
    const { certificate, key } = makeAuthority("test");
    const file = join(makeFolder(), "ca.pem");
    writeFileSync(file, `# mine\n${key}${certificate}`);
    expect(readCertificates(file)).toBe(certificate);
  });

  test.each([
    ["no PEM", "hello", "there is none in it"],
    ["a bundle that would not fit", makeAuthority("x").certificate.repeat(60), "they are more than 32 kB"],
  ])("refuses %s", (_, text, why) => {
    const file = join(makeFolder(), "ca.pem");
    writeFileSync(file, text);
    expect(() => readCertificates(file)).toThrow(why);
    expect(() => readCertificates(`${file}.gone`)).toThrow("ENOENT");
  });
});
