import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findEndpoint } from "../../../routines/engine/find-endpoint.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "harbor-endpoint-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function writeContext(name: string, host: string): string {
  const hash = createHash("sha256").update(name).digest("hex");
  write(`home/.docker/contexts/meta/${hash}/meta.json`, JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
  return hash;
}

const find = (env: Record<string, string> = {}) => findEndpoint({ env: { HOME: join(root, "home"), ...env }, platform: "linux", root });

describe("findEndpoint", () => {
  test("takes DOCKER_HOST before all else", () => {
    writeContext("far", "ssh://far");
    expect(find({ DOCKER_HOST: "10.0.0.1:2375", DOCKER_CONTEXT: "far" })).toEqual({ host: "tcp://10.0.0.1:2375", origin: "DOCKER_HOST" });
    expect(find({ DOCKER_HOST: "tcp://h:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" }).certificates).toBe("/certs");
  });

  test("takes the current context, or the one DOCKER_CONTEXT names", () => {
    writeContext("near", "unix:///near.sock");
    const hash = writeContext("far", "tcp://far:2376");
    write("home/.docker/config.json", JSON.stringify({ currentContext: "near" }));
    mkdirSync(join(root, `home/.docker/contexts/tls/${hash}/docker`), { recursive: true });
    expect(find()).toEqual({ host: "unix:///near.sock", origin: "context", context: "near" });
    expect(find({ DOCKER_CONTEXT: "far" })).toMatchObject({ host: "tcp://far:2376", certificates: expect.stringContaining(hash) });
    expect(find({ DOCKER_CONTEXT: "default" }).origin).toBe("default");
  });

  test("throws missing for a context that does not exist", () => {
    expect(() => find({ DOCKER_CONTEXT: "gone" })).toThrow(
      expect.objectContaining({ exit: "missing", message: expect.stringContaining('"gone"') }),
    );
  });

  test("takes the usual socket, also where there is none", () => {
    expect(find()).toEqual({ host: "unix:///var/run/docker.sock", origin: "default" });
  });

  test("finds an engine that docker must be told about, and says so", () => {
    write("run/podman/podman.sock", "");
    expect(find()).toEqual({ host: "unix:///run/podman/podman.sock", origin: "found" });
    write("run/user/1000/docker.sock", "");
    expect(find({ XDG_RUNTIME_DIR: "/run/user/1000" }).host).toBe("unix:///run/user/1000/docker.sock");
    write("var/run/docker.sock", "");
    expect(find().origin).toBe("default");
  });

  test("knows the pipe of Windows", () => {
    expect(findEndpoint({ env: {}, platform: "win32", root }).host).toBe("npipe:////./pipe/docker_engine");
  });
});
