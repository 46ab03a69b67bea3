/** What is known of a host and of a Python environment, as plain data: a recorded host is such a value in a file. */

export interface HostFacts {
  platform: NodeJS.Platform;
  /** Of the machine, not of the program that asks: `arm64` on Apple Silicon under Rosetta too. */
  arch: string;
  macos?: { version: string; chip: string };
  windows?: { build: number; hasDirectX12: boolean };
  /** This Linux is the one inside of Windows. */
  isWsl: boolean;
  isContainer: boolean;
  nvidia?: NvidiaFacts;
  amd?: AmdFacts;
  intel?: IntelFacts;
  libraries: Library[];
}

export interface NvidiaFacts {
  /** Version of the kernel module. */
  module?: string;
  /** `libcuda`, the driver's part in user space; its file's version, which WSL and Tegra do not give. */
  library?: { file: string; version?: string };
  /** What nvidia-smi printed. */
  gpus?: NvidiaGpu[];
  /** Why nvidia-smi failed, where it is there. */
  smiProblem?: string;
  /** Of a Jetson: its Linux for Tegra, "36.4". */
  tegra?: string;
  /** There is one, with or without its driver; else only the driver's programs are installed. */
  hasCard: boolean;
}

export interface NvidiaGpu {
  name: string;
  driver: string;
  /** "8.6" */
  computeCapability?: string;
}

export interface AmdFacts {
  hasComputeDevice: boolean;
  /** The user may open it. */
  isAccessible: boolean;
  renderNode?: string;
  /** "gfx1100", one for each GPU. */
  targets: string[];
  /** HSA_OVERRIDE_GFX_VERSION */
  override?: string;
  /** Version of ROCm. */
  rocm?: string;
}

export interface IntelFacts {
  gpu?: { node: string; isAccessible: boolean };
  npu?: { node: string; isAccessible: boolean };
}

/** A shared library that some provider needs. */
export interface Library {
  /** "libcudnn" */
  name: string;
  major: number;
  folder: string;
  /** The dynamic loader looks there by itself. */
  isLoadable: boolean;
}

/** What a Python environment's `onnxruntime` says of itself and does. */
export interface RuntimeFacts {
  /** The interpreter asked. */
  python: string;
  /** "x86_64": what the interpreter is built for. */
  machine?: string;
  /** Of onnxruntime; undefined where there is none, or none that can be imported. */
  version?: string;
  /** Why it cannot be imported, where it is there. */
  problem?: string;
  /** The CUDA that it was built with: "12.8". */
  cuda?: string;
  /** Distributions that bring the module `onnxruntime`. */
  packages: string[];
  /** `get_available_providers()`: what it was built with, which says nothing of this host. */
  listed: string[];
  /** What came of opening a session with each. */
  trials: Record<string, Trial>;
}

export interface Trial {
  opens: boolean;
  /** Why it does not open. */
  problem?: string;
  /** The provider's options that it opened with. */
  options?: Record<string, string>;
  /** What the process had to have in its environment. */
  env?: Record<string, string>;
}
