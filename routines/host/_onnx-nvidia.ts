/**
 * What CUDA and TensorRT need: a driver that answers and is new enough, a GPU that is not too old, and the libraries of
 * the CUDA that the package was built with. Sources: NVIDIA's "CUDA Compatibility", table 1 (drivers), the CUDA 13.0 release
 * notes (GPUs), ONNX Runtime's pages of both providers and its release notes (versions), its issue 29500 (1.27).
 */
import type { HostFacts, Library, NvidiaFacts } from "./_onnx-facts.ts";
import { no, type Verdict } from "./_onnx-verdict.ts";

interface CudaSeries {
  major: number;
  /** The driver's first series that runs it. */
  driver: number;
  /** The oldest GPUs that it has code for. */
  capability: number;
  cudnn: number;
  /** Of onnxruntime-gpu on PyPI, where CUDA and cuDNN are there. */
  versions: string;
  /** Of those that bring CUDA and cuDNN with them, as extras. */
  bundled?: string;
}

/** The newest first. What PyPI has is built for one CUDA alone; NVIDIA's minor versions go together. */
const SERIES: readonly CudaSeries[] = [
  // 1.27 was the first, and its extras name a package that is a placeholder
  { major: 13, driver: 580, capability: 7.5, cudnn: 9, versions: ">=1.27", bundled: ">=1.28" },
  { major: 12, driver: 525, capability: 5, cudnn: 9, versions: ">=1.19,<1.27", bundled: ">=1.21,<1.27" },
  { major: 11, driver: 450, capability: 3.5, cudnn: 8, versions: "<1.19" },
];
const OLDEST_USEFUL = 525;
const TENSORRT_MAJOR = 10; // since ONNX Runtime 1.19

/** CUDAExecutionProvider. */
export function judgeCuda(facts: HostFacts): Verdict {
  const driver = judgeDriver(facts);
  if ("state" in driver) return driver;
  const { series, card } = driver;
  const own = series.find((it) => hasCuda(facts.libraries, it));
  if (facts.arch === "arm64" && facts.platform === "linux") return judgeArm(facts, card, own);
  if (own !== undefined) {
    return { state: "yes", reason: `${card}, CUDA ${own.major} and cuDNN ${own.cudnn}`, needs: `onnxruntime-gpu${own.versions}` };
  }
  const bundled = series.find((it) => it.bundled !== undefined);
  if (bundled === undefined) {
    return no(`${card}: a driver for CUDA 11 alone, whose libraries are not here either; install driver ${OLDEST_USEFUL} or newer`);
  }
  const reason = `${card}; CUDA ${bundled.major} and cuDNN ${bundled.cudnn} come with the package`;
  return { state: "yes", reason, needs: `onnxruntime-gpu[cuda,cudnn]${bundled.bundled}` };
}

/** PyPI has onnxruntime-gpu for x86_64 alone. */
function judgeArm({ nvidia }: HostFacts, card: string, own: CudaSeries | undefined): Verdict {
  const cuda = own === undefined ? "" : `, CUDA ${own.major}`;
  const source =
    nvidia?.tegra === undefined ? "build it, or take NVIDIA's container" : "take the wheel made for this JetPack (Jetson AI Lab)";
  return no(`${card}${cuda}; PyPI has no onnxruntime-gpu for arm64: ${source}`);
}

/** TensorrtExecutionProvider. */
export function judgeTensorrt(facts: HostFacts): Verdict {
  const cuda = judgeCuda(facts);
  if (cuda.state !== "yes") return no(cuda.reason);
  const library = facts.libraries.filter(({ name }) => name === "libnvinfer").sort((a, b) => b.major - a.major)[0];
  if (library === undefined && facts.platform === "win32") {
    return { ...cuda, state: "unwise", reason: "not known whether TensorRT is installed" };
  }
  if (library === undefined) return no(`TensorRT ${TENSORRT_MAJOR} is not installed (no libnvinfer.so.${TENSORRT_MAJOR})`);
  if (library.major < TENSORRT_MAJOR) return no(`TensorRT ${library.major} in ${library.folder}; onnxruntime needs ${TENSORRT_MAJOR}`);
  if (!library.isLoadable) return no(`TensorRT ${library.major} in ${library.folder}, where nothing looks: add that to LD_LIBRARY_PATH`);
  return { ...cuda, reason: `${cuda.reason}, TensorRT ${library.major}` };
}

interface Driver {
  /** Those that it runs, on this GPU, the newest first. */
  series: readonly CudaSeries[];
  /** GPU and driver, for a person. */
  card: string;
}

/** The driver where it is fit for use, else why not. */
function judgeDriver({ nvidia, isContainer, isWsl }: HostFacts): Driver | Verdict {
  if (nvidia === undefined) return no(`no NVIDIA driver${isWsl ? ": Windows hands none in (install NVIDIA's for Windows)" : ""}`);
  if (!nvidia.hasCard) return no("no NVIDIA GPU, though its driver is installed");
  const fault = findFault(nvidia);
  if (fault !== undefined) return { state: "no", reason: fault, fault: `NVIDIA: ${fault}` };
  if (nvidia.tegra !== undefined) return judgeTegra(nvidia.tegra);
  const { name, driver, computeCapability } = describeCard(nvidia);
  if (driver === undefined && nvidia.library === undefined) return no("an NVIDIA GPU without NVIDIA's driver; install it");
  if (nvidia.library === undefined && nvidia.gpus === undefined) {
    const help = isContainer ? "start the container with its GPUs (--gpus all)" : "install the driver's libraries";
    return no(`${name}, driver ${driver}, but no libcuda.so.1: ${help}`);
  }
  return judgeAge(driver === undefined ? name : `${name}, driver ${driver}`, driver, computeCapability);
}

/** nvidia-smi knows all of it; without it the files tell the driver's version. */
function describeCard({ gpus, library, module }: NvidiaFacts): { name: string; driver?: string | undefined; computeCapability?: string } {
  return gpus?.[0] ?? { name: "an NVIDIA GPU", driver: library?.version ?? module };
}

/** What is not known counts as new enough: a session tells. */
function judgeAge(card: string, driver: string | undefined, computeCapability: string | undefined): Driver | Verdict {
  const major = Number(driver?.split(".")[0] ?? Number.POSITIVE_INFINITY);
  const capability = Number(computeCapability ?? Number.POSITIVE_INFINITY);
  const series = SERIES.filter((it) => major >= it.driver && capability >= it.capability);
  if (series.length > 0) return { series, card };
  const isDriver = SERIES.every((it) => major < it.driver);
  if (isDriver) return no(`${card}: too old for CUDA 11 to 13; install driver ${OLDEST_USEFUL} or newer`);
  return no(`${card}: compute capability ${computeCapability}, too old for CUDA 11 to 13`);
}

/** JetPack 6 and 7 have Linux for Tegra 36 and 38 or later, with CUDA 12 and 13; JetPack 5 has 35, with CUDA 11.4. */
function judgeTegra(tegra: string): Driver {
  const release = Number(tegra.split(".")[0]);
  const major = release >= 38 ? 13 : release >= 36 ? 12 : 11;
  return { series: SERIES.filter((it) => it.major === major), card: `Jetson, Linux for Tegra ${tegra}` };
}

/** A driver of two versions at once is the usual state after an upgrade. */
function findFault({ module, library, smiProblem, tegra }: NvidiaFacts): string | undefined {
  if (tegra !== undefined) return undefined; // its module has Linux for Tegra's version, and old ones no nvidia-smi
  if (module !== undefined && library?.version !== undefined && module !== library.version) {
    return `the driver's kernel module is ${module} and its libraries are ${library.version}: restart this host`;
  }
  if (smiProblem !== undefined) return `the driver does not answer (nvidia-smi: ${smiProblem}); reinstall it, or restart this host`;
  return undefined;
}

function hasCuda(libraries: readonly Library[], { major, cudnn }: CudaSeries): boolean {
  const has = (name: string, version: number): boolean => libraries.some((it) => it.name === name && it.major === version && it.isLoadable);
  return has("libcublasLt", major) && has("libcudnn", cudnn);
}

/** The major version of CUDA that a given onnxruntime-gpu was built with: as it says, else as PyPI had it. */
function cudaOf(version: string, cuda: string | undefined): number {
  if (cuda !== undefined) return Number(cuda.split(".")[0]);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 1 || minor >= 27) return 13;
  return minor >= 19 ? 12 : 11;
}

/** Why a package that is there may not open a session on this driver and this GPU; undefined where they go together. */
export function explainMismatch(facts: HostFacts, version: string, cuda: string | undefined): string | undefined {
  const driver = judgeDriver(facts);
  if ("state" in driver) return undefined;
  const wanted = cudaOf(version, cuda);
  if (driver.series.some(({ major }) => major === wanted)) return undefined;
  const best = driver.series[0]?.major;
  return best === undefined ? undefined : `onnxruntime ${version} is built for CUDA ${wanted}, and this host is good for CUDA ${best}`;
}
