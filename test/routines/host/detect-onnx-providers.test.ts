/** What a host's facts, an environment's answers and an override come to; and what is read of a host. */
import { describe, expect, test } from "bun:test";
import { chmodSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import {
  chooseOnnxProviders,
  type HostFacts,
  type OnnxDetection,
  type RuntimeFacts,
  readHostFacts,
} from "../../../routines/host/detect-onnx-providers.ts";
import { makeTree } from "../../_workspace.ts";
import recorded from "./onnx-hosts.json";

interface RecordedHost {
  name: string;
  /** Read from a machine, or told by documentation. */
  source: string;
  facts: HostFacts;
  expected: { order: string[]; reasons: Record<string, string>; needs: Record<string, string>; warnings: string[] };
}

const hosts = recorded as unknown as RecordedHost[];
const CPU = "CPUExecutionProvider";
const CUDA = "CUDAExecutionProvider";

function factsOf(name: string): HostFacts {
  const host = hosts.find((it) => it.name === name);
  if (host === undefined) throw new Error(`no recorded host "${name}"`);
  return host.facts;
}

function providerOf(detection: OnnxDetection, name: string) {
  const provider = detection.providers.find((it) => it.name === name);
  if (provider === undefined) throw new Error(`${name} is not in the list`);
  return provider;
}

describe("a host alone", () => {
  test.each(hosts.map((host) => [host.name, host] as const))("%s", (_, { facts, expected }) => {
    const { providers, order, warnings } = chooseOnnxProviders(facts);
    expect(order).toEqual(expected.order);
    const others = providers.filter(({ name }) => name !== CPU);
    expect(Object.fromEntries(others.map(({ name, reason }) => [name, reason]))).toEqual(expected.reasons);
    expect(Object.fromEntries(providers.flatMap(({ name, needs }) => (needs ? [[name, needs]] : [])))).toEqual(expected.needs);
    expect(warnings).toEqual(expected.warnings);
    expect(providers.at(-1)).toEqual({ name: CPU, isUsable: true, reason: "always there" });
    expect(providers.filter(({ isUsable }) => isUsable).map(({ name }) => name)).toEqual(order);
  });

  test("both makers' GPUs: the order is the providers', not the hardware's", () => {
    const nvidia = factsOf("Linux, driver for CUDA 13, no CUDA installed");
    const intel = factsOf("Linux, Intel Arc");
    const both: HostFacts = { ...nvidia, ...(intel.intel && { intel: intel.intel }), libraries: [...nvidia.libraries, ...intel.libraries] };
    expect(chooseOnnxProviders(both).order).toEqual([CUDA, "OpenVINOExecutionProvider", CPU]);
  });
});

const runtime = (facts: Partial<RuntimeFacts>): RuntimeFacts => ({
  python: "/venv/bin/python",
  machine: "x86_64",
  version: "1.29.0",
  packages: ["onnxruntime"],
  listed: [],
  trials: {},
  ...facts,
});

describe("a host with an environment", () => {
  const cuda12 = factsOf("Linux, CUDA 12 and cuDNN 9 installed");

  test("the plain package on a host with a GPU: says what to install, and takes the CPU", () => {
    const found = chooseOnnxProviders(cuda12, { runtime: runtime({}) });
    expect(found.order).toEqual([CPU]);
    expect(found.onnxruntime).toEqual({ version: "1.29.0", python: "/venv/bin/python" });
    expect(providerOf(found, CUDA)).toEqual({
      name: CUDA,
      isUsable: false,
      reason:
        "NVIDIA GeForce RTX 3090, driver 550.54.14, CUDA 12 and cuDNN 9; but onnxruntime 1.29.0 as installed is built without it; install onnxruntime-gpu>=1.19,<1.27",
      needs: "onnxruntime-gpu>=1.19,<1.27",
    });
    expect(found.warnings).toEqual([]);
  });

  test("a session that opens", () => {
    const found = chooseOnnxProviders(cuda12, {
      runtime: runtime({ version: "1.26.0", listed: [CUDA], trials: { [CUDA]: { opens: true } } }),
    });
    expect(found.order).toEqual([CUDA, CPU]);
    expect(providerOf(found, CUDA)).toEqual({
      name: CUDA,
      isUsable: true,
      reason: "opens in onnxruntime 1.26.0; NVIDIA GeForce RTX 3090, driver 550.54.14, CUDA 12 and cuDNN 9",
    });
  });

  test("listed, and no session opens: a package for another CUDA is named, and the one that would do", () => {
    const problem = "libcublasLt.so.13: cannot open shared object file: No such file or directory";
    const found = chooseOnnxProviders(cuda12, { runtime: runtime({ listed: [CUDA], trials: { [CUDA]: { opens: false, problem } } }) });
    expect(found.order).toEqual([CPU]);
    const reason = `listed by onnxruntime 1.29.0, but no session opens: ${problem}; onnxruntime 1.29.0 is built for CUDA 13, and this host is good for CUDA 12; install onnxruntime-gpu>=1.19,<1.27`;
    expect(providerOf(found, CUDA)).toEqual({ name: CUDA, isUsable: false, reason, needs: "onnxruntime-gpu>=1.19,<1.27" });
    expect(found.warnings).toEqual([`${CUDA} is ${reason}`]);
  });

  test("what the package says of its CUDA goes before what PyPI had", () => {
    const trials = { [CUDA]: { opens: false, problem: "CUDA failure 100: no CUDA-capable device is detected" } };
    const found = chooseOnnxProviders(cuda12, { runtime: runtime({ listed: [CUDA], cuda: "12.8", trials }) });
    expect(providerOf(found, CUDA).reason).toBe(
      "listed by onnxruntime 1.29.0, but no session opens: CUDA failure 100: no CUDA-capable device is detected",
    );
  });

  test("listed where there is no such hardware: no warning", () => {
    const trials = { [CUDA]: { opens: false, problem: "libcuda.so.1: cannot open shared object file" } };
    const found = chooseOnnxProviders(factsOf("Linux, CPU alone"), { runtime: runtime({ listed: [CUDA], trials }) });
    expect(providerOf(found, CUDA).reason).toBe(
      "no NVIDIA driver; listed by onnxruntime 1.29.0, but no session opens: libcuda.so.1: cannot open shared object file",
    );
    expect(found.warnings).toEqual([]);
  });

  test("a session proves the files wrong: a Jetson with its own wheel", () => {
    const tensorrt = "TensorrtExecutionProvider";
    const trials = { [CUDA]: { opens: true }, [tensorrt]: { opens: true } };
    const found = chooseOnnxProviders(factsOf("Jetson Orin, JetPack 6"), {
      runtime: runtime({ machine: "aarch64", listed: [tensorrt, CUDA], trials }),
    });
    expect(found.order).toEqual([tensorrt, CUDA, CPU]);
  });

  test("the old provider of AMD's in an old package", () => {
    const rocm = "ROCMExecutionProvider";
    const found = chooseOnnxProviders(factsOf("Linux, ROCm 7 and a Radeon RX 7900"), {
      runtime: runtime({ version: "1.22.1", packages: ["onnxruntime-rocm"], listed: [rocm], trials: { [rocm]: { opens: true } } }),
    });
    expect(found.order).toEqual([rocm, CPU]);
    expect(providerOf(found, "MIGraphXExecutionProvider").needs).toBe("onnxruntime-migraphx");
  });

  test("OpenVINO's options, without which it takes the CPU", () => {
    const openvino = "OpenVINOExecutionProvider";
    const trials = { [openvino]: { opens: true, options: { device_type: "GPU" } } };
    const found = chooseOnnxProviders(factsOf("Linux, Intel Arc"), { runtime: runtime({ version: "1.24.1", listed: [openvino], trials }) });
    expect(providerOf(found, openvino)).toEqual({
      name: openvino,
      isUsable: true,
      reason: "opens in onnxruntime 1.24.1 (device_type GPU); an Intel GPU (/dev/dri/renderD128) and its compute driver",
      options: { device_type: "GPU" },
    });
  });

  const coreml = "CoreMLExecutionProvider";
  const opens = { listed: [coreml], trials: { [coreml]: { opens: true } } };

  test("Apple Silicon: CoreML, then the CPU", () => {
    const found = chooseOnnxProviders(factsOf("Apple M3, macOS 15"), { runtime: runtime({ machine: "arm64", ...opens }) });
    expect(found.order).toEqual([coreml, CPU]);
    expect(found.warnings).toEqual([]);
  });

  test("Apple Silicon, CoreML fails at load: the CPU, with a warning", () => {
    const trials = { [coreml]: { opens: false, problem: "Error compiling model" } };
    const found = chooseOnnxProviders(factsOf("Apple M1, macOS 14"), { runtime: runtime({ machine: "arm64", listed: [coreml], trials }) });
    expect(found.order).toEqual([CPU]);
    expect(found.warnings).toEqual([`${coreml} is listed by onnxruntime 1.29.0, but no session opens: Error compiling model`]);
  });

  test("Apple Silicon, a Python under Rosetta: not even when asked for", () => {
    for (const override of [undefined, "coreml"]) {
      const found = chooseOnnxProviders(factsOf("Apple M1, macOS 14"), { override, runtime: runtime(opens) });
      expect(found.order).toEqual([CPU]);
      expect(found.warnings[0]).toStartWith("/venv/bin/python: this Python is built for Intel Macs and runs under Rosetta");
    }
  });

  test("an Intel Mac: only when asked for", () => {
    expect(chooseOnnxProviders(factsOf("Intel Mac"), { runtime: runtime(opens) }).order).toEqual([CPU]);
    expect(chooseOnnxProviders(factsOf("Intel Mac"), { override: "coreml", runtime: runtime(opens) }).order).toEqual([coreml, CPU]);
  });

  test("no onnxruntime: said, and the facts decide", () => {
    const { version: _, ...without } = runtime({ packages: [] });
    const found = chooseOnnxProviders(cuda12, { runtime: without });
    expect(found.order).toEqual([CUDA, CPU]);
    expect(found.onnxruntime).toBeUndefined();
    expect(found.warnings).toEqual(["/venv/bin/python has no onnxruntime: this says what the hardware and the drivers alone allow"]);
  });

  test("one that cannot be imported", () => {
    const { version: _, ...without } = runtime({
      problem: "ImportError: libcudart.so.13: cannot open shared object file",
      packages: ["onnxruntime-gpu"],
    });
    expect(chooseOnnxProviders(cuda12, { runtime: without }).warnings).toEqual([
      "/venv/bin/python cannot import its onnxruntime (ImportError: libcudart.so.13: cannot open shared object file): this says what the hardware and the drivers alone allow",
    ]);
  });

  test("two packages that bring the same module", () => {
    const found = chooseOnnxProviders(cuda12, { runtime: runtime({ packages: ["onnxruntime", "onnxruntime-gpu"] }) });
    expect(found.warnings).toEqual([
      "/venv/bin/python has onnxruntime and onnxruntime-gpu, which overwrite each other's files: uninstall them, then install the one that is meant",
    ]);
  });
});

describe("HARBOR_ONNX_PROVIDER", () => {
  const both = factsOf("Linux, CUDA 12 with TensorRT 10");

  test.each([
    ["cuda", [CUDA, CPU]],
    ["CUDA", [CUDA, CPU]],
    ["CUDAExecutionProvider", [CUDA, CPU]],
    ["cudaexecutionprovider", [CUDA, CPU]],
    ["webgpu", ["WebGpuExecutionProvider", CPU]],
    ["QNN,cuda", ["QNNExecutionProvider", CUDA, CPU]],
    ["cuda,tensorrt", [CUDA, "TensorrtExecutionProvider", CPU]],
    [" cuda , cuda, cpu ", [CUDA, CPU]],
    ["cpu", [CPU]],
    ["cpu,cuda", [CUDA, CPU]],
  ])("%p", (override, order) => {
    const found = chooseOnnxProviders(both, { override });
    expect(found.order).toEqual(order);
    expect(found.override).toBe(override.trim());
    expect(found.warnings).toEqual([]);
    expect(found.providers.filter(({ name }) => order.includes(name)).map(({ name }) => name)).toEqual(order);
  });

  test.each([undefined, "", "auto", "AUTO", " , "])("%p leaves it to Harbor", (override) => {
    const found = chooseOnnxProviders(both, { override });
    expect(found.order).toEqual(["TensorrtExecutionProvider", CUDA, CPU]);
    expect(found.override).toBeUndefined();
  });

  test.each<[string, string, string[], string[]]>([
    [
      "Linux, Intel Arc",
      "cuda",
      ["OpenVINOExecutionProvider", CPU],
      [`HARBOR_ONNX_PROVIDER asks for ${CUDA}, which cannot be used: no NVIDIA driver. Instead: OpenVINOExecutionProvider, ${CPU}`],
    ],
    [
      "Linux, Intel Arc",
      "cuda,cpu",
      [CPU],
      [`HARBOR_ONNX_PROVIDER asks for ${CUDA}, which cannot be used: no NVIDIA driver. Instead: ${CPU}`],
    ],
    [
      "Apple M1, macOS 14",
      "dml,coreml",
      ["CoreMLExecutionProvider", CPU],
      [
        `HARBOR_ONNX_PROVIDER asks for DmlExecutionProvider, which cannot be used: a provider of Windows alone. Instead: CoreMLExecutionProvider, ${CPU}`,
      ],
    ],
    [
      "Linux, ROCm 7 and a Radeon RX 7900",
      "rocm",
      ["MIGraphXExecutionProvider", CPU],
      [
        `HARBOR_ONNX_PROVIDER asks for ROCMExecutionProvider, which cannot be used: onnxruntime 1.22 was the last to have it: MIGraphX is its successor. Instead: MIGraphXExecutionProvider, ${CPU}`,
      ],
    ],
    ["Windows 11 with a Radeon", "directml", ["DmlExecutionProvider", CPU], []],
    ["Windows 11 with a Radeon", "openvino", ["OpenVINOExecutionProvider", CPU], []],
  ])("%s: %s", (host, override, order, warnings) => {
    const found = chooseOnnxProviders(factsOf(host), { override });
    expect(found.order).toEqual(order);
    expect(found.warnings).toEqual(warnings);
  });

  test.each([
    ["cudda", 'Cannot use HARBOR_ONNX_PROVIDER "cudda": there is no such provider; did you mean "cuda"?'],
    ["cuda,gpu", 'Cannot use HARBOR_ONNX_PROVIDER "gpu": there is no such provider'],
    [
      "CoreMLExecutionProvidr",
      'Cannot use HARBOR_ONNX_PROVIDER "CoreMLExecutionProvidr": there is no such provider; did you mean "CoreMLExecutionProvider"?',
    ],
    ["quantum", 'Cannot use HARBOR_ONNX_PROVIDER "quantum": there is no such provider'],
    ["auto,cuda", 'Cannot use HARBOR_ONNX_PROVIDER: "auto" stands by itself'],
  ])("%p is wrong usage", (override, message) => {
    expect(() => chooseOnnxProviders(both, { override })).toThrow(expect.objectContaining({ message, exit: "usage" }));
  });

  test("a provider that only the environment knows", () => {
    const listed = { listed: ["MadeUpExecutionProvider"], trials: { MadeUpExecutionProvider: { opens: true } } };
    const found = chooseOnnxProviders(factsOf("Linux, CPU alone"), { override: "madeupexecutionprovider", runtime: runtime(listed) });
    expect(found.order).toEqual(["MadeUpExecutionProvider", CPU]);
    expect(chooseOnnxProviders(factsOf("Linux, CPU alone"), { runtime: runtime(listed) }).order).toEqual([CPU]);
  });
});

/** A root with these files; those in bin/ are programs. */
function makeRoot(files: Record<string, string>): string {
  const root = makeTree(files);
  for (const file of Object.keys(files)) if (file.startsWith("bin/")) chmodSync(join(root, file), 0o755);
  return root;
}

async function readRoot(
  files: Record<string, string>,
  more: { platform?: NodeJS.Platform; arch?: string; env?: Record<string, string> } = {},
) {
  const { env, ...rest } = more;
  return readHostFacts({ env: { PATH: "/bin", ...env }, root: makeRoot(files), platform: "linux", arch: "x64", ...rest });
}

const NVRM = "NVRM version: NVIDIA UNIX";
const LIBRARIES = "usr/lib/x86_64-linux-gnu";

describe("readHostFacts", () => {
  test("nothing", async () => {
    expect(await readRoot({})).toEqual({ platform: "linux", arch: "x64", isWsl: false, isContainer: false, libraries: [] });
  });

  test("an NVIDIA GPU with its driver, CUDA by its own folder and one that the loader does not know", async () => {
    const facts = await readRoot(
      {
        "proc/driver/nvidia/version": `${NVRM} x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\nGCC version: 12\n`,
        [`${LIBRARIES}/libcuda.so.1`]: "",
        [`${LIBRARIES}/libcuda.so.550.54.14`]: "",
        "etc/ld.so.conf.d/988_cuda-12.conf": "/usr/local/cuda-12/targets/x86_64-linux/lib\n# a comment\n",
        "usr/local/cuda-12/targets/x86_64-linux/lib/libcublasLt.so.12.4.5.8": "",
        "usr/local/cuda-12/targets/x86_64-linux/lib/libcublasLt.so.12": "",
        "usr/local/cuda-13/lib64/libcublasLt.so.13": "",
        "home/me/cudnn/libcudnn.so.9": "",
        "bin/nvidia-smi": "#!/bin/sh\necho 'NVIDIA GeForce RTX 3090, 550.54.14, 8.6'\necho 'NVIDIA GeForce GT 710, 550.54.14, [N/A]'\n",
      },
      { env: { LD_LIBRARY_PATH: "/home/me/cudnn:relative" } },
    );
    expect(facts.nvidia).toEqual({
      hasCard: true,
      module: "550.54.14",
      library: { file: `/${LIBRARIES}/libcuda.so.1`, version: "550.54.14" },
      gpus: [
        { name: "NVIDIA GeForce RTX 3090", driver: "550.54.14", computeCapability: "8.6" },
        { name: "NVIDIA GeForce GT 710", driver: "550.54.14" },
      ],
    });
    expect(facts.libraries.map(({ name, major, folder, isLoadable }) => [name, major, folder, isLoadable])).toEqual([
      ["libcudnn", 9, "/home/me/cudnn", true],
      ["libcublasLt", 12, "/usr/local/cuda-12/targets/x86_64-linux/lib", true],
      ["libcuda", 1, `/${LIBRARIES}`, true],
      ["libcublasLt", 13, "/usr/local/cuda-13/lib64", false],
    ]);
  });

  test.each([
    ["the closed module", `${NVRM} x86_64 Kernel Module  384.98  Thu Oct 26 15:16:01 PDT 2017`, "384.98"],
    ["the open module", `${NVRM} Open Kernel Module for x86_64  565.57.01  Release Build  (dvs-builder@U16)  Thu Oct 10`, "565.57.01"],
    ["the open module of 590", `${NVRM} Open Kernel x86_64 Kernel Module  590.48.01  Mon Dec  8 11:22:45 UTC 2025`, "590.48.01"],
  ])("the version of %s", async (_, line, version) => {
    expect((await readRoot({ "proc/driver/nvidia/version": `${line}\n` })).nvidia?.module).toBe(version);
  });

  test("a driver of two versions, whose nvidia-smi says so", async () => {
    const facts = await readRoot({
      "proc/driver/nvidia/version": `${NVRM} x86_64 Kernel Module  535.171.04  Tue Mar 19\n`,
      [`${LIBRARIES}/libcuda.so.1`]: "",
      [`${LIBRARIES}/libcuda.so.550.54.14`]: "",
      "bin/nvidia-smi":
        "#!/bin/sh\necho 'Failed to initialize NVML: Driver/library version mismatch'\necho 'NVML library version: 550.54'\nexit 18\n",
    });
    expect(facts.nvidia?.smiProblem).toBe("Failed to initialize NVML: Driver/library version mismatch");
    expect(chooseOnnxProviders(facts).warnings).toEqual([
      "NVIDIA: the driver's kernel module is 535.171.04 and its libraries are 550.54.14: restart this host",
    ]);
  });

  test("an nvidia-smi that crashes", async () => {
    const facts = await readRoot({
      "dev/nvidiactl": "",
      "sys/module/nvidia/version": "550.54.14\n",
      "bin/nvidia-smi": "#!/bin/sh\nkill -SEGV $$\n",
    });
    expect(facts.nvidia).toEqual({ hasCard: true, module: "550.54.14", smiProblem: "ended by SIGSEGV" });
  });

  test("a card on the bus without its driver, and another maker's", async () => {
    const facts = await readRoot({
      "sys/bus/pci/devices/0000:01:00.0/class": "0x030000\n",
      "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
      "sys/bus/pci/devices/0000:01:00.1/class": "0x040300\n",
      "sys/bus/pci/devices/0000:01:00.1/vendor": "0x1002\n",
    });
    expect(facts.nvidia).toEqual({ hasCard: true });
    expect(facts.amd).toBeUndefined();
  });

  test("AMD's compute device", async () => {
    const facts = await readRoot(
      {
        "dev/kfd": "",
        "dev/dri/card0": "",
        "dev/dri/renderD128": "",
        "sys/class/drm/renderD128/device/vendor": "0x1002\n",
        "sys/class/kfd/kfd/topology/nodes/0/properties": "cpu_cores_count 16\ngfx_target_version 0\n",
        "sys/class/kfd/kfd/topology/nodes/1/properties": "simd_count 96\ngfx_target_version 110000\n",
        "sys/class/kfd/kfd/topology/nodes/2/properties": "simd_count 440\ngfx_target_version 90010\n",
        "opt/rocm/.info/version": "7.0.2-56\n",
        "opt/rocm/lib/libmigraphx_c.so.3": "",
      },
      { env: { HSA_OVERRIDE_GFX_VERSION: "11.0.0" } },
    );
    expect(facts.amd).toEqual({
      hasComputeDevice: true,
      isAccessible: true,
      renderNode: "/dev/dri/renderD128",
      targets: ["gfx1100", "gfx90a"],
      override: "11.0.0",
      rocm: "7.0.2-56",
    });
    expect(facts.libraries).toEqual([{ name: "libmigraphx_c", major: 3, folder: "/opt/rocm/lib", isLoadable: false }]);
  });

  test("Intel's GPU and NPU", async () => {
    const facts = await readRoot({
      "dev/dri/renderD129": "",
      "sys/class/drm/renderD129/device/vendor": "0x8086\n",
      "dev/accel/accel0": "",
      "sys/class/accel/accel0/device/vendor": "0x8086\n",
      [`${LIBRARIES}/libOpenCL.so.1`]: "",
    });
    expect(facts.intel).toEqual({
      gpu: { node: "/dev/dri/renderD129", isAccessible: true },
      npu: { node: "/dev/accel/accel0", isAccessible: true },
    });
    expect(chooseOnnxProviders(facts).order).toEqual(["OpenVINOExecutionProvider", CPU]);
  });

  test("WSL, whose nvidia-smi may be on nobody's PATH", async () => {
    const root = makeRoot({
      "proc/sys/kernel/osrelease": "6.6.87.2-microsoft-standard-WSL2\n",
      "etc/ld.so.conf.d/ld.wsl.conf": "/usr/lib/wsl/lib\n",
      "usr/lib/wsl/lib/libcuda.so.1": "",
      "usr/lib/wsl/lib/libcuda.so.1.1": "",
      "bin/smi": "#!/bin/sh\necho 'NVIDIA GeForce RTX 4070, 566.36, 8.9'\n",
    });
    symlinkSync("../../../../bin/smi", join(root, "usr/lib/wsl/lib/nvidia-smi"));
    const facts = await readHostFacts({ env: { PATH: "/bin" }, root, platform: "linux", arch: "x64" });
    expect(facts.isWsl).toBe(true);
    expect(facts.nvidia).toEqual({
      hasCard: true,
      library: { file: "/usr/lib/wsl/lib/libcuda.so.1" },
      gpus: [{ name: "NVIDIA GeForce RTX 4070", driver: "566.36", computeCapability: "8.9" }],
    });
  });

  test("a Jetson", async () => {
    const tegra = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n";
    const facts = await readRoot({ "etc/nv_tegra_release": tegra, "usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1": "" }, { arch: "arm64" });
    expect(facts.nvidia).toEqual({ hasCard: true, tegra: "36.4.3", library: { file: "/usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1" } });
  });

  test("a container", async () => {
    expect((await readRoot({ ".dockerenv": "" })).isContainer).toBe(true);
    expect((await readRoot({ "run/.containerenv": "" })).isContainer).toBe(true);
  });

  test("Apple Silicon, asked by a program that runs under Rosetta", async () => {
    const files = {
      "bin/sw_vers": '#!/bin/sh\n[ "$1" = -productVersion ] && echo 14.5\n',
      "bin/sysctl": '#!/bin/sh\ncase $2 in machdep.cpu.brand_string) echo "Apple M1" ;; hw.optional.arm64) echo 1 ;; esac\n',
    };
    const facts = await readRoot(files, { platform: "darwin", arch: "x64" });
    expect(facts).toEqual({
      platform: "darwin",
      arch: "arm64",
      macos: { version: "14.5", chip: "Apple M1" },
      isWsl: false,
      isContainer: false,
      libraries: [],
    });
  });

  test("an Intel Mac", async () => {
    const files = {
      "bin/sw_vers": "#!/bin/sh\necho 13.6.7\n",
      "bin/sysctl": '#!/bin/sh\ncase $2 in machdep.cpu.brand_string) echo "Intel(R) Core(TM) i7" ;; *) exit 1 ;; esac\n',
    };
    expect(await readRoot(files, { platform: "darwin", arch: "x64" })).toMatchObject({
      arch: "x64",
      macos: { version: "13.6.7", chip: "Intel(R) Core(TM) i7" },
    });
  });

  test("Windows", async () => {
    const files = { "W/System32/d3d12.dll": "", "W/System32/nvcuda.dll": "" };
    const facts = await readRoot(files, { platform: "win32", env: { SystemRoot: "W" } });
    expect(facts).toMatchObject({ platform: "win32", windows: { hasDirectX12: true }, nvidia: { hasCard: true } });
  });

  test("this machine, whatever it is", async () => {
    const facts = await readHostFacts({ env: process.env });
    expect(facts.platform).toBe(process.platform);
    const { order, providers } = chooseOnnxProviders(facts);
    expect(order.at(-1)).toBe(CPU);
    expect(providers.every(({ reason }) => reason !== "" && !reason.includes("\n"))).toBe(true);
  });
});
