import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { Endpoint } from "../../../routines/engine/find-endpoint.ts";
import { detectDevices } from "../../../routines/host/detect-capabilities.ts";
import { detectGpu } from "../../../routines/host/detect-gpu.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

interface Host {
  files?: string[];
  platform?: NodeJS.Platform;
  host?: string;
  capabilities?: string[];
  kernel?: string;
}

/** Presence on the host, presence in containers, the reason. */
function detect({
  files = [],
  platform = "linux",
  host = "unix:///var/run/docker.sock",
  capabilities = [],
  kernel = "6.1",
}: Host): unknown[] {
  const root = makeTree(Object.fromEntries(files.map((file) => [file, ""])));
  for (const file of files) if (file.startsWith("bin/")) chmodSync(join(root, file), 0o755);
  const env = { PATH: "/bin" };
  const endpoint: Endpoint = { host, origin: "default" };
  const devices = detectDevices({ env, root });
  const gpu = detectGpu({
    env,
    home: makeFolder(),
    platform,
    endpoint,
    devices,
    capabilities: new Set(capabilities),
    kernel: () => kernel,
  });
  return [gpu.isPresent, gpu.isPassedOn, gpu.reason];
}

const DRIVER = "dev/nvidiactl";
const TOOLKIT = "bin/nvidia-ctk";

describe("detectGpu", () => {
  test.each<[string, Host, unknown[]]>([
    ["a bare Linux", {}, [false, false, "this host has no GPU"]],
    ["Linux with driver and toolkit", { files: [DRIVER, TOOLKIT] }, [true, true, "containers get the GPU (nvidia)"]],
    [
      "Linux with a driver alone",
      { files: [DRIVER] },
      [true, false, "containers get none (a driver (dev/nvidiactl), but no NVIDIA Container Toolkit)"],
    ],
    [
      "Linux with a driver, and a capability named by the user",
      { files: [DRIVER], capabilities: ["cdi"] },
      [true, true, "containers get the GPU (cdi)"],
    ],
    ["Linux with AMD's device", { files: ["dev/kfd", "dev/dri/renderD128"] }, [true, true, "containers get the GPU (rocm)"]],
    [
      "Docker Desktop on Linux",
      { files: [DRIVER, TOOLKIT], host: "unix:///home/u/.docker/desktop/docker.sock" },
      [true, false, "Docker Desktop gives containers none"],
    ],
    [
      "Docker Desktop on Windows",
      { files: ["usr/lib/wsl/lib/nvidia-smi"], kernel: "6.6-microsoft-WSL2" },
      [true, true, "containers get the GPU (WSL)"],
    ],
    ["Windows without one", { kernel: "6.6-microsoft-WSL2" }, [false, false, "this host has no GPU"]],
    ["a Mac with Docker Desktop", { platform: "darwin" }, [true, false, "Docker Desktop gives containers none"]],
    [
      "a Mac with OrbStack",
      { platform: "darwin", host: "unix:///Users/u/.orbstack/run/docker.sock" },
      [true, false, "OrbStack gives containers none"],
    ],
    [
      "a Mac with Colima",
      { platform: "darwin", host: "unix:///Users/u/.colima/default/docker.sock" },
      [true, false, "Colima gives containers none"],
    ],
  ])("%s", (_, host, expected) => {
    expect(detect(host)).toEqual(expected);
  });
});
