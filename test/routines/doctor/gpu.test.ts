/** Checks of the GPU, on recorded facts. */
import { expect, test } from "bun:test";
import { type GpuFacts, judgeGpu } from "../../../routines/doctor/check-gpu.ts";
import { judgeOnnx } from "../../../routines/doctor/check-onnx.ts";
import type { State } from "../../../routines/doctor/finding.ts";

const card = { name: "NVIDIA GeForce RTX 3090", driver: "580.65.06", computeCapability: "8.6" };
const passed = { isPresent: true, isPassedOn: true, reason: "containers get the GPU (nvidia)" };
const kept = { isPresent: true, isPassedOn: false, reason: "containers get none (a driver, but no NVIDIA Container Toolkit)" };
const none = { isPresent: false, isPassedOn: false, reason: "this host has no GPU" };

test.each<[string, GpuFacts["host"], GpuFacts["gpu"], State, string]>([
  ["none", { platform: "linux", isWsl: false }, none, "ok", "this host has no GPU"],
  [
    "driver and toolkit",
    { platform: "linux", isWsl: false, nvidia: { hasCard: true, module: "580.65.06", gpus: [card] } },
    passed,
    "ok",
    card.name,
  ],
  [
    "a driver alone",
    { platform: "linux", isWsl: false, nvidia: { hasCard: true, module: "580.65.06", gpus: [card] } },
    kept,
    "warning",
    "Toolkit",
  ],
  [
    "a driver that was updated under a running kernel",
    {
      platform: "linux",
      isWsl: false,
      nvidia: { hasCard: true, module: "570.1", smiProblem: "Failed to initialize NVML: Driver/library version mismatch" },
    },
    passed,
    "failed",
    "version mismatch",
  ],
  ["a card without a driver", { platform: "linux", isWsl: false, nvidia: { hasCard: true } }, none, "warning", "no driver"],
  [
    "nvidia-smi without a card",
    { platform: "linux", isWsl: false, nvidia: { hasCard: false, smiProblem: "No devices were found" } },
    none,
    "ok",
    "no GPU",
  ],
  [
    "AMD's without permission",
    { platform: "linux", isWsl: false, amd: { hasComputeDevice: true, isAccessible: false, targets: ["gfx1100"] } },
    passed,
    "failed",
    "/dev/kfd",
  ],
  [
    "a Mac",
    { platform: "darwin", isWsl: false },
    { isPresent: true, isPassedOn: false, reason: "Docker Desktop gives containers none" },
    "ok",
    "Docker Desktop",
  ],
])("judgeGpu: %s", (_, host, gpu, state, what) => {
  expect(judgeGpu({ host, gpu })).toMatchObject({ state, what: expect.stringContaining(what) });
});

test("judgeOnnx tells the order, why the others are not in it, and what the detection warns of", () => {
  const providers = [
    { name: "CUDAExecutionProvider", isUsable: false, reason: "no NVIDIA driver" },
    { name: "CPUExecutionProvider", isUsable: true, reason: "always" },
  ];
  const detection = { order: ["CPUExecutionProvider"], providers, warnings: [] };
  expect(judgeOnnx(detection)).toEqual({
    state: "ok",
    what: "in this order: CPUExecutionProvider",
    details: ["not CUDAExecutionProvider: no NVIDIA driver"],
  });
  expect(judgeOnnx({ ...detection, warnings: ["cuda cannot be used"] }, "cuda")).toMatchObject({
    state: "warning",
    why: "cuda cannot be used",
    fix: expect.stringContaining("harbor config unset onnx_provider"),
  });
});
