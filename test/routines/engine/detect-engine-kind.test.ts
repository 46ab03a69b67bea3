import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  detectEngineKind,
  type EngineFacts,
  type EngineKind,
  kindOf,
  rememberEngineKind,
} from "../../../routines/engine/detect-engine-kind.ts";
import type { Endpoint } from "../../../routines/engine/find-endpoint.ts";

const home = "/nonexistent";
const usual: Endpoint = { host: "unix:///var/run/docker.sock", origin: "default" };

describe("detectEngineKind", () => {
  const cases: [string, EngineKind, { platform?: NodeJS.Platform; endpoint?: Endpoint; kernel?: string }][] = [
    ["the usual socket on Linux", "linux", {}],
    ["any socket on macOS", "desktop", { platform: "darwin" }],
    ["any pipe on Windows", "desktop", { platform: "win32" }],
    ["WSL2", "desktop", { kernel: "5.15.153.1-microsoft-standard-WSL2" }],
    [
      "Docker Desktop's context on Linux",
      "desktop",
      { endpoint: { host: "unix:///home/a/.docker/desktop/docker.sock", origin: "context", context: "desktop-linux" } },
    ],
    ["a user's own engine", "rootless", { endpoint: { host: "unix:///run/user/1000/docker.sock", origin: "DOCKER_HOST" } }],
    ["Rancher Desktop's socket on Linux", "desktop", { endpoint: { host: "unix:///home/a/.rd/docker.sock", origin: "found" } }],
    ["an engine over ssh", "remote", { endpoint: { host: "ssh://me@gpu", origin: "context", context: "gpu" } }],
    ["another host's engine, on macOS", "remote", { platform: "darwin", endpoint: { host: "tcp://10.0.0.7:2376", origin: "DOCKER_HOST" } }],
    ["Podman's socket", "podman", { endpoint: { host: "unix:///run/user/1000/podman/podman.sock", origin: "DOCKER_HOST" } }],
  ];
  test.each(cases)("guesses for %s: %s", (_, kind, { platform = "linux", endpoint = usual, kernel = "6.1.0" }) => {
    expect(detectEngineKind({ env: {}, home, platform, endpoint, kernel: () => kernel })).toBe(kind);
  });

  test("prefers what the engine itself once answered", () => {
    const folder = mkdtempSync(join(tmpdir(), "harbor-kind-"));
    rememberEngineKind(folder, usual, { kind: "rootless", version: "28.0.0" });
    const kind = detectEngineKind({ env: {}, home: folder, platform: "linux", endpoint: usual });
    rmSync(folder, { recursive: true });
    expect(kind).toBe("rootless");
  });

  test("does as HARBOR_ENGINE_KIND says", () => {
    expect(detectEngineKind({ env: { HARBOR_ENGINE_KIND: "desktop" }, home, platform: "linux", endpoint: usual })).toBe("desktop");
    expect(detectEngineKind({ env: {}, wanted: "podman", home, platform: "linux", endpoint: usual })).toBe("podman");
    expect(() => detectEngineKind({ env: { HARBOR_ENGINE_KIND: "vm" }, home })).toThrow(
      'Cannot use HARBOR_ENGINE_KIND "vm": there is no such kind',
    );
  });
});

describe("kindOf", () => {
  const cases: [EngineKind, EngineFacts][] = [
    ["linux", { components: ["Engine", "containerd"], operatingSystem: "Debian GNU/Linux 12", securityOptions: ["name=seccomp"] }],
    ["rootless", { components: ["Engine"], securityOptions: ["name=seccomp", "name=rootless"] }],
    ["rootless", { components: ["Engine", "rootlesskit"] }],
    ["podman", { components: ["Podman Engine", "Conmon"], securityOptions: ["name=rootless"] }],
    ["desktop", { components: ["Engine"], platformName: "Docker Desktop 4.40.0 (187762)" }],
    ["desktop", { components: ["Engine"], operatingSystem: "OrbStack" }],
    ["desktop", { components: ["Engine"], operatingSystem: "Ubuntu 24.04", name: "colima" }],
  ];
  test.each(cases)("tells %s from %j", (kind, facts) => expect(kindOf(facts, "linux")).toBe(kind));

  test("on macOS every engine runs in a virtual machine", () => expect(kindOf({ operatingSystem: "Ubuntu" }, "darwin")).toBe("desktop"));
});
