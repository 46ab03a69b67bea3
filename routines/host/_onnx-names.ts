/** ONNX Runtime's names for its execution providers, the order to try them in, and how HARBOR_ONNX_PROVIDER names them. */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";

export const TENSORRT = "TensorrtExecutionProvider";
export const CUDA = "CUDAExecutionProvider";
export const MIGRAPHX = "MIGraphXExecutionProvider";
export const ROCM = "ROCMExecutionProvider";
export const OPENVINO = "OpenVINOExecutionProvider";
export const DIRECTML = "DmlExecutionProvider";
export const COREML = "CoreMLExecutionProvider";
export const CPU = "CPUExecutionProvider";

/** The faster first, without the CPU; those that can never be on a platform are left out. */
const ORDER: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: [COREML],
  linux: [TENSORRT, CUDA, MIGRAPHX, ROCM, OPENVINO],
  win32: [TENSORRT, CUDA, OPENVINO, DIRECTML],
};

const SHORT: Readonly<Record<string, string>> = {
  tensorrt: TENSORRT,
  cuda: CUDA,
  migraphx: MIGRAPHX,
  rocm: ROCM,
  openvino: OPENVINO,
  directml: DIRECTML,
  dml: DIRECTML,
  coreml: COREML,
  cpu: CPU,
};

/** The rest of `get_all_providers()` (ONNX Runtime 1.21 to 1.29): never chosen unasked. */
const OTHERS = [
  "ACLExecutionProvider",
  "ArmNNExecutionProvider",
  "AzureExecutionProvider",
  "CANNExecutionProvider",
  "DnnlExecutionProvider",
  "NvTensorRTRTXExecutionProvider",
  "QNNExecutionProvider",
  "RknpuExecutionProvider",
  "VSINPUExecutionProvider",
  "VitisAIExecutionProvider",
  "WebGpuExecutionProvider",
  "XnnpackExecutionProvider",
] as const;

/** In the order to try on this platform, without the CPU. */
export function providersOf(platform: NodeJS.Platform): readonly string[] {
  return ORDER[platform] ?? [];
}

const SYSTEMS: Partial<Record<NodeJS.Platform, string>> = { darwin: "macOS", linux: "Linux", win32: "Windows" };

/** Where a provider that is not of this platform runs, for a person. */
export function homeOf(name: string): string | undefined {
  const systems = Object.entries(ORDER).flatMap(([platform, names]) =>
    names.includes(name) ? [SYSTEMS[platform as NodeJS.Platform]] : [],
  );
  return systems.length === 0 ? undefined : systems.join(" and ");
}

/**
 * `HARBOR_ONNX_PROVIDER` → full names in the order asked for, each once; undefined for `auto`, empty and unset. Short names
 * and full ones in any case, these also without `ExecutionProvider`; `listed` are further names, as a Python environment has them. Throws `usage`.
 */
export function readOverride(text: string | undefined, listed: readonly string[] = []): string[] | undefined {
  const words = (text ?? "").split(",").map((word) => word.trim());
  const named = words.filter((word) => word !== "");
  if (named.length === 0 || (named.length === 1 && named[0]?.toLowerCase() === "auto")) return undefined;
  const full = [...Object.values(SHORT), ...OTHERS, ...listed];
  const byName = new Map(full.flatMap((name) => [name, name.replace(/ExecutionProvider$/, "")].map((it) => [it.toLowerCase(), name])));
  return [...new Set(named.map((word) => SHORT[word.toLowerCase()] ?? byName.get(word.toLowerCase()) ?? refuse(word, full)))];
}

function refuse(word: string, full: readonly string[]): never {
  const short = Object.keys(SHORT);
  if (word.toLowerCase() === "auto") {
    throw new HarborError('Cannot use HARBOR_ONNX_PROVIDER: "auto" stands by itself', {
      exit: "usage",
      hint: "Leave out the other names, or auto",
    });
  }
  // who writes "gpu" means anything but the CPU
  const faster = short.filter((name) => name !== "cpu");
  const close = nearest(word.toLowerCase(), faster) ?? nearest(word, full);
  const meant = close === undefined ? "" : `; did you mean "${close}"?`;
  throw new HarborError(`Cannot use HARBOR_ONNX_PROVIDER "${word}": there is no such provider${meant}`, {
    exit: "usage",
    hint: `Use auto, or some of ${short.join(", ")}, separated by commas`,
  });
}
