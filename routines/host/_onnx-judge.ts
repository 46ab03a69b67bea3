/**
 * The facts of a host → what they say of each execution provider. Sources: ONNX Runtime's pages of the providers and its release
 * notes; for AMD's GPUs the page "ONNX Runtime for ROCm" of ROCm 10.1; its pull requests 17844 (CoreML in the wheels of
 * macOS) and 25181 (the end of the ROCm provider, in 1.23).
 */
import type { HostFacts, Library } from "./_onnx-facts.ts";
import { COREML, CUDA, DIRECTML, MIGRAPHX, OPENVINO, ROCM, TENSORRT } from "./_onnx-names.ts";
import { judgeCuda, judgeTensorrt } from "./_onnx-nvidia.ts";
import { no, type Verdict } from "./_onnx-verdict.ts";

const JUDGES: Readonly<Record<string, (facts: HostFacts) => Verdict>> = {
  [TENSORRT]: judgeTensorrt,
  [CUDA]: judgeCuda,
  [MIGRAPHX]: judgeMigraphx,
  [ROCM]: judgeRocm,
  [OPENVINO]: judgeOpenvino,
  [DIRECTML]: judgeDirectml,
  [COREML]: judgeCoreml,
};

/** Of a provider that belongs to another platform nothing is known here. */
export function judgeHost(name: string, facts: HostFacts): Verdict | undefined {
  return JUDGES[name]?.(facts);
}

/** Since 1.17 the plain wheel for macOS has it. */
function judgeCoreml({ arch, macos }: HostFacts): Verdict {
  const machine = `${macos?.chip || "a Mac"}, macOS ${macos?.version || "of unknown version"}`;
  if (arch !== "arm64") {
    return {
      state: "unwise",
      reason: `${machine}: an Intel Mac has no Neural Engine, and onnxruntime 1.23 was the last with a wheel for it`,
    };
  }
  const major = Number(macos?.version.split(".")[0] || Number.POSITIVE_INFINITY);
  return { state: "yes", reason: major >= 14 ? machine : `${machine}; from 1.24 on onnxruntime needs macOS 14` };
}

/** The GPUs that AMD names for ONNX Runtime. */
const AMD_TARGETS = /^gfx(90a|942|950|110[0-2]|115[0-3]|120[01])$/;

function judgeMigraphx(facts: HostFacts): Verdict {
  const hardware = judgeAmd(facts);
  if (hardware.state !== "yes") return hardware;
  const library = facts.libraries.find(({ name }) => name === "libmigraphx_c");
  const rocm = facts.amd?.rocm === undefined ? "" : `, ROCm ${facts.amd.rocm}`;
  if (library === undefined) return no(`${hardware.reason}${rocm}, but no libmigraphx_c.so: install ROCm's package migraphx`);
  if (!library.isLoadable)
    return no(`${hardware.reason}${rocm}; MIGraphX in ${library.folder}, where nothing looks: add that to LD_LIBRARY_PATH`);
  return { state: "yes", reason: `${hardware.reason}${rocm}, MIGraphX`, needs: "onnxruntime-migraphx" };
}

function judgeRocm(facts: HostFacts): Verdict {
  const hardware = judgeAmd(facts);
  return hardware.state === "yes" ? no("onnxruntime 1.22 was the last to have it: MIGraphX is its successor") : hardware;
}

function judgeAmd({ amd, arch, isContainer, isWsl }: HostFacts): Verdict {
  if (amd === undefined) return no(isWsl ? "no AMD compute device: WSL hands none in as /dev/kfd" : "no AMD GPU");
  if (!amd.hasComputeDevice) {
    return no(
      `an AMD GPU, but no /dev/kfd: ${isContainer ? "give it to the container (--device /dev/kfd)" : "the kernel's amdgpu driver has no compute part"}`,
    );
  }
  if (amd.renderNode === undefined) return no("/dev/kfd, but no render node in /dev/dri");
  if (!amd.isAccessible) return no("/dev/kfd may not be opened: join the groups render and video");
  if (arch !== "x64") return no(`an AMD GPU, but AMD has no onnxruntime for ${arch}`);
  const target = amd.targets[0] ?? "an AMD GPU";
  const isNamed = amd.targets.length === 0 || amd.targets.some((it) => AMD_TARGETS.test(it));
  if (!isNamed && amd.override === undefined) {
    return no(
      `${amd.targets.join(", ")} is not among the GPUs that AMD supports for onnxruntime; HSA_OVERRIDE_GFX_VERSION may make it pass for one`,
    );
  }
  return { state: "yes", reason: isNamed ? target : `${target} (as ${amd.override})` };
}

const OPENVINO_PACKAGE = "onnxruntime-openvino";

/** Without a GPU or NPU of Intel's it computes on the CPU, as onnxruntime does by itself. */
function judgeOpenvino(facts: HostFacts): Verdict {
  if (facts.arch !== "x64") return no(`Intel publishes no ${OPENVINO_PACKAGE} for ${facts.arch}`);
  if (facts.platform === "win32") {
    return { state: "unwise", reason: "not known whether this host has an Intel GPU or NPU", needs: OPENVINO_PACKAGE };
  }
  const { gpu, npu } = facts.intel ?? {};
  if (gpu !== undefined) return judgeIntel("an Intel GPU", gpu, facts.libraries, INTEL_GPU_DRIVERS, "intel-opencl-icd");
  if (npu !== undefined) return judgeIntel("an Intel NPU", npu, facts.libraries, INTEL_NPU_DRIVERS, "intel-level-zero-npu");
  if (facts.isWsl && hasAny(facts.libraries, ["libze_intel_gpu"])) {
    return { state: "yes", reason: "an Intel GPU by Windows' driver", needs: OPENVINO_PACKAGE };
  }
  return no(`no Intel GPU or NPU${facts.isWsl ? ", or no driver of it inside of WSL" : ""}`);
}

/** Any of these libraries: OpenCL's loader finds Intel's part by itself, Level Zero's was once called after the VPU. */
const INTEL_GPU_DRIVERS = ["libOpenCL", "libze_intel_gpu"];
const INTEL_NPU_DRIVERS = ["libze_intel_npu", "libze_intel_vpu"];

function judgeIntel(
  what: string,
  { node, isAccessible }: { node: string; isAccessible: boolean },
  libraries: readonly Library[],
  drivers: readonly string[],
  lacking: string,
): Verdict {
  if (!isAccessible) return no(`${what}, but ${node} may not be opened: join the group render`);
  if (!hasAny(libraries, drivers)) return no(`${what} (${node}), but not its compute driver: install ${lacking}`);
  return { state: "yes", reason: `${what} (${node}) and its compute driver`, needs: OPENVINO_PACKAGE };
}

function hasAny(libraries: readonly Library[], names: readonly string[]): boolean {
  return libraries.some(({ name, isLoadable }) => isLoadable && names.includes(name));
}

const WINDOWS_10_1903 = 18_362;

function judgeDirectml({ arch, windows }: HostFacts): Verdict {
  if (windows === undefined || windows.build < WINDOWS_10_1903) return no("DirectML needs Windows 10 1903 or newer");
  if (!windows.hasDirectX12) return no("no DirectX 12");
  if (arch !== "x64") return no(`Microsoft publishes no onnxruntime-directml for ${arch}`);
  return { state: "yes", reason: `DirectX 12, Windows build ${windows.build}`, needs: "onnxruntime-directml" };
}
