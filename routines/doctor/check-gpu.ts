/** The GPU: its driver, whether it answers, and whether containers get it. */

import { detectDevices } from "../host/detect-capabilities.ts";
import { detectGpu, type Gpu } from "../host/detect-gpu.ts";
import { type HostFacts, readHostFacts } from "../host/detect-onnx-providers.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface GpuFacts {
  host: Pick<HostFacts, "platform" | "isWsl" | "nvidia" | "amd">;
  gpu: Gpu;
}

const TOOLKIT = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html";

export function judgeGpu({ host, gpu }: GpuFacts): Finding {
  return judgeNvidiaDriver(host) ?? judgeAmdDevice(host) ?? judgePassing(host, gpu);
}

function judgeNvidiaDriver({ nvidia, isWsl }: GpuFacts["host"]): Finding | undefined {
  if (nvidia === undefined || !nvidia.hasCard) return undefined;
  if (nvidia.smiProblem !== undefined) {
    return failed({
      what: `NVIDIA's driver does not answer: ${nvidia.smiProblem}`,
      why: "Models run on the processor, or not at all",
      fix: isWsl
        ? "Update the driver in Windows, then `wsl --shutdown`"
        : "Restart the machine: after an update of the driver the old one still runs; else install it anew",
    });
  }
  if (nvidia.module !== undefined || nvidia.gpus !== undefined || nvidia.tegra !== undefined) return undefined;
  return warning({
    what: "an NVIDIA card, but no driver for it",
    why: "Models run on the processor",
    fix: "Install NVIDIA's driver: https://www.nvidia.com/drivers, or your distribution's package",
  });
}

function judgeAmdDevice({ amd }: GpuFacts["host"]): Finding | undefined {
  if (amd === undefined || !amd.hasComputeDevice || amd.isAccessible) return undefined;
  return failed({
    what: "an AMD GPU, but no permission on /dev/kfd",
    why: "Native services cannot use it",
    fix: 'sudo usermod -aG render,video "$USER", then log in again',
  });
}

function judgePassing({ platform, nvidia }: GpuFacts["host"], { isPresent, isPassedOn, reason }: Gpu): Finding {
  const names = nvidia?.gpus?.map(({ name, driver }) => `${name} (driver ${driver})`).join(", ");
  const what = names === undefined ? reason : `${names}; ${reason}`;
  if (!isPresent || isPassedOn || platform === "darwin") return ok(what);
  return warning({
    what,
    why: "In a container models run on the processor; natively they have the GPU",
    fix:
      nvidia === undefined
        ? "Run them natively: harbor up -x <service>"
        : `Install the NVIDIA Container Toolkit (${TOOLKIT}), or run them natively: harbor up -x <service>`,
  });
}

export const checkGpu: Check = {
  name: "gpu",
  group: "gpu",
  about: "the GPU, its driver, and whether containers get it",
  async run(context) {
    const { env, home, platform, signal } = context;
    const host = await readHostFacts({ env, platform, signal });
    const wanted = context.wantedKind();
    return judgeGpu({ host, gpu: detectGpu({ env, home, platform, wanted, devices: detectDevices({ env }) }) });
  },
};
