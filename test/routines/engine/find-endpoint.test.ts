import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Endpoint, findEndpoint, isRemote, listEndpoints, productOf } from "../../../routines/engine/find-endpoint.ts";

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

  test.each([
    [".docker/run/docker.sock", {}],
    [".docker/desktop/docker.sock", {}],
    [".orbstack/run/docker.sock", {}],
    [".colima/default/docker.sock", {}],
    [".config/colima/default/docker.sock", {}],
    ["elsewhere/default/docker.sock", { COLIMA_HOME: "home/elsewhere" }],
    [".rd/docker.sock", {}],
    [".lima/docker/sock/docker.sock", {}],
    [".local/share/containers/podman/machine/podman.sock", {}],
    ["tmp/podman/podman-machine-default-api.sock", { TMPDIR: "home/tmp" }],
  ])("finds ~/%s", (socket, env) => {
    write(`home/${socket}`, "");
    const found = findEndpoint({ env: { HOME: "/home", ...mapValues(env, (it) => `/${it}`) }, platform: "linux", root });
    expect(found).toEqual({ host: `unix:///home/${socket}`, origin: "found" });
  });

  test("knows the pipe of Windows", () => {
    expect(findEndpoint({ env: {}, platform: "win32", root }).host).toBe("npipe:////./pipe/docker_engine");
  });
});

function mapValues(env: Record<string, string>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, change(value)]));
}

test("listEndpoints names each engine once, whatever links lead to it, and none that is gone", () => {
  write("home/.rd/docker.sock", "");
  write("home/.orbstack/run/docker.sock", "");
  mkdirSync(join(root, "var/run"), { recursive: true });
  symlinkSync("../../home/.rd/docker.sock", join(root, "var/run/docker.sock"));
  mkdirSync(join(root, "home/.colima/default"), { recursive: true });
  symlinkSync("/nowhere", join(root, "home/.colima/default/docker.sock"));
  const found = listEndpoints({ env: { HOME: "/home" }, platform: "linux", root });
  expect(found).toEqual(["unix:///var/run/docker.sock", "unix:///home/.orbstack/run/docker.sock"]);
});

test.each<[Partial<Endpoint>, string]>([
  [{ host: "unix:///var/run/docker.sock" }, "Docker Engine"],
  [{ host: "unix:///Users/a/.docker/run/docker.sock" }, "Docker Desktop"],
  [{ host: "unix:///x.sock", context: "desktop-linux" }, "Docker Desktop"],
  [{ host: "unix:///Users/a/.orbstack/run/docker.sock" }, "OrbStack"],
  [{ host: "unix:///Users/a/.colima/work/docker.sock" }, "Colima"],
  [{ host: "unix:///Users/a/.config/colima/default/docker.sock" }, "Colima"],
  [{ host: "unix:///Users/a/.rd/docker.sock" }, "Rancher Desktop"],
  [{ host: "unix:///Users/a/.lima/docker/sock/docker.sock" }, "Lima"],
  [{ host: "unix:///run/user/1000/podman/podman.sock" }, "Podman"],
  [{ host: "unix:///run/user/1000/docker.sock" }, "rootless Docker"],
])("productOf %j is %s", (endpoint, product) => {
  expect(productOf({ host: "", ...endpoint })).toBe(product);
});

test.each<[string, boolean]>([
  ["unix:///var/run/docker.sock", false],
  ["npipe:////./pipe/docker_engine", false],
  ["tcp://127.0.0.1:2375", false],
  ["tcp://localhost:2375", false],
  ["tcp://[::1]:2375", false],
  ["tcp://10.0.0.7:2376", true],
  ["tcp://build.example.com:2376", true],
  ["ssh://me@gpu", true],
])("isRemote %s: %p", (host, is) => {
  expect(isRemote({ host })).toBe(is);
});
