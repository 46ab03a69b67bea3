/**
 * What a Python environment's onnxruntime is asked: a real one where `.ci/run` has put it, and stand-ins that crash, hang and
 * babble as real ones do on broken drivers. A stand-in is a folder with a module `onnxruntime` that says that it is one.
 */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeAll } from "../../../routines/_script/emit.ts";
import { detectOnnxProviders, type OnnxDetection } from "../../../routines/host/detect-onnx-providers.ts";
import { resultOf } from "../../_process.ts";
import { until } from "../../_until.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const CPU = "CPUExecutionProvider";
const CUDA = "CUDAExecutionProvider";
const TENSORRT = "TensorrtExecutionProvider";
const MIGRAPHX = "MIGraphXExecutionProvider";
const OPENVINO = "OpenVINOExecutionProvider";
const ROCM = "ROCMExecutionProvider";
const XNNPACK = "XnnpackExecutionProvider";
const DNNL = "DnnlExecutionProvider";

function providerOf({ providers }: OnnxDetection, name: string) {
  return providers.find((it) => it.name === name);
}

const STAND_IN = `
"""A stand-in for onnxruntime, of Harbor's tests: it computes nothing, and behaves as each test says."""
import os, sys
__version__ = "1.29.0"
BEHAVIOURS = {}

def get_available_providers():
    return list(BEHAVIOURS) + ["CPUExecutionProvider"]

class SessionOptions:
    pass

class InferenceSession:
    def __init__(self, model, settings, providers):
        assert len(model) == 69
        self.name, self.options = providers[0]
        self.providers = ["CPUExecutionProvider"]
        self.result = [[2.0, 2.0, 2.0, 2.0]]
        BEHAVIOURS[self.name](self)

    def get_providers(self):
        return self.providers

    def disable_fallback(self):
        pass

    def run(self, outputs, inputs):
        return [self]

    def tolist(self):
        return self.result

def opens(session):
    session.providers.insert(0, session.name)

def falls_back(session):
    os.write(2, b"Schema error: Trying to register schema with name Abs\\n" * 2000)
    print("EP Error provider_bridge_ort.cc:1695 Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory")
    print("Falling back to ['CPUExecutionProvider'] and retrying.")

def crashes(session):
    import signal
    os.kill(os.getpid(), signal.SIGSEGV)

def hangs(session):
    import subprocess, time
    child = subprocess.Popen(["sleep", "600"])
    with open(os.environ["PID_FILE"] + ".new", "w") as file:
        file.write(str(child.pid))
    os.rename(os.environ["PID_FILE"] + ".new", os.environ["PID_FILE"])
    time.sleep(600)

def babbles(session):
    opens(session)
    os.write(1, b'HARBOR-ONNX {"opens": false, "problem": "not our answer"}\\n')
    print("[1/2] loading {")

def throws(session):
    raise RuntimeError("Error in execution: CUDA failure 209: no kernel image is available for execution on the device ; GPU=0")

def leaves(session):
    os._exit(3)

def miscalculates(session):
    opens(session)
    session.result = [[0.0, 0.0, 0.0, 0.0]]
`;
const NUMPY = '"""A stand-in for numpy, of Harbor\'s tests."""\nfloat32 = None\ndef ones(shape, kind):\n    return None\n';

interface StandIn {
  /** Provider → function of the stand-in. */
  behaviours?: Record<string, string>;
  /** Instead of the stand-in itself. */
  module?: string | undefined;
  files?: Record<string, string>;
}

/** An interpreter that imports from a folder of its own. */
function makePython({ behaviours = {}, module, files = {} }: StandIn): string {
  const table = Object.entries(behaviours).map(([name, behaviour]) => `BEHAVIOURS["${name}"] = ${behaviour}\n`);
  const folder = makeTree({
    "site/onnxruntime/__init__.py": module ?? `${STAND_IN}\n${table.join("")}`,
    "site/numpy.py": NUMPY,
    python: '#!/bin/sh\nPYTHONPATH="$(dirname "$0")/site" exec python3 "$@"\n',
    ...files,
  });
  const python = join(folder, "python");
  chmodSync(python, 0o755);
  return python;
}

/** A host with an NVIDIA driver, as far as files tell: a stand-in for none of these tests' machines has one. */
const withNvidia = () =>
  makeTree({
    "sys/module/nvidia/version": "580.95.05\n",
    "dev/nvidiactl": "",
    "usr/lib/x86_64-linux-gnu/libcuda.so.1": "",
    "usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05": "",
  });

interface Question {
  override?: string;
  root?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
  signal?: AbortSignal;
}

function detect(python: string, { override, env, root = makeFolder(), ...more }: Question = {}): Promise<OnnxDetection> {
  const asked = override === undefined ? {} : { HARBOR_ONNX_PROVIDER: override };
  return detectOnnxProviders({ python, env: { ...process.env, HARBOR_ONNX_PROVIDER: undefined, ...asked, ...env }, root, ...more });
}

describe.skipIf(Bun.which("python3") === null)("a stand-in for onnxruntime", () => {
  const LISTED = "listed by onnxruntime 1.29.0, but no session opens";

  test("each provider has a process of its own: a crash and an exit take no other with them", async () => {
    const python = makePython({ behaviours: { [TENSORRT]: "crashes", [CUDA]: "opens", [ROCM]: "leaves", [OPENVINO]: "opens" } });
    const found = await detect(python);
    expect(found.onnxruntime).toEqual({ version: "1.29.0", python });
    expect(found.order).toEqual([CUDA, OPENVINO, CPU]);
    expect(found.providers.map(({ name, reason }) => [name, reason])).toEqual([
      [TENSORRT, `no NVIDIA driver; ${LISTED}: its process crashed (SIGSEGV)`],
      [CUDA, "opens in onnxruntime 1.29.0; no NVIDIA driver"],
      [MIGRAPHX, "no AMD GPU"],
      [ROCM, `no AMD GPU; ${LISTED}: its process ended with exit code 3 and no answer`],
      [OPENVINO, "opens in onnxruntime 1.29.0; no Intel GPU or NPU"],
      [CPU, "always there"],
    ]);
  });

  test("one that hangs is given up, and what it had started is gone", async () => {
    const pids = join(makeFolder(), "pid");
    const python = makePython({ behaviours: { [MIGRAPHX]: "hangs", [CUDA]: "opens" } });
    const found = await detect(python, { env: { PID_FILE: pids }, timeoutMs: 4_000 });
    expect(found.order).toEqual([CUDA, CPU]);
    expect(providerOf(found, MIGRAPHX)?.reason).toBe(`no AMD GPU; ${LISTED}: did not end within 4 s`);
    const orphan = readFileSync(pids, "utf8");
    await until(() => !existsSync(`/proc/${orphan}`) || isZombie(orphan), "what the hanging provider had started is gone");
  }, 20_000);

  test("onnxruntime falls back without an error: seen, with the line that tells why out of thousands, and warned of", async () => {
    const found = await detect(makePython({ behaviours: { [CUDA]: "falls_back" } }), { root: withNvidia() });
    expect(found.order).toEqual([CPU]);
    const missing = "libcublasLt.so.13: cannot open shared object file: No such file or directory";
    const reason = `${LISTED}: ${missing}; install onnxruntime-gpu[cuda,cudnn]>=1.28`;
    expect(providerOf(found, CUDA)).toEqual({ name: CUDA, isUsable: false, reason, needs: "onnxruntime-gpu[cuda,cudnn]>=1.28" });
    expect(found.warnings).toEqual([`${CUDA} is ${reason}`]);
  });

  test.each([
    ["throws", "CUDA failure 209: no kernel image is available for execution on the device"],
    ["miscalculates", "it computes 1 + 1 = 0.0"],
  ])("a session that %s", async (behaviour, why) => {
    const found = await detect(makePython({ behaviours: { [CUDA]: behaviour } }), { root: withNvidia() });
    expect(providerOf(found, CUDA)?.reason).toStartWith(`listed by onnxruntime 1.29.0, but no session opens: `);
    expect(providerOf(found, CUDA)?.reason).toContain(why);
  });

  test("what libraries and start-up files print on stdout is not taken for the answer", async () => {
    const files = { "site/sitecustomize.py": "print('HARBOR-ONNX garbage')\nprint('hello')\n" };
    const found = await detect(makePython({ behaviours: { [CUDA]: "babbles" }, files }));
    expect(found.order).toEqual([CUDA, CPU]);
  });

  test("CUDA's libraries of the environment are found where LD_LIBRARY_PATH names them, and the answer has it", async () => {
    const files = {
      "site/nvidia/cublas/lib/libcublasLt.so.13": "",
      "site/nvidia/cudnn/lib/libcudnn.so.9": "",
      "site/nvidia/nothing/lib/notes.txt": "",
    };
    const module = `${STAND_IN}
def wants_path(session):
    if "/nvidia/cublas/lib:" in os.environ.get("LD_LIBRARY_PATH", ""):
        opens(session)
BEHAVIOURS["${CUDA}"] = wants_path
`;
    const python = makePython({ module, files });
    const found = await detect(python, { root: withNvidia(), env: { LD_LIBRARY_PATH: "/mine" } });
    const site = resolve(python, "../site");
    expect(found.order).toEqual([CUDA, CPU]);
    expect(providerOf(found, CUDA)?.reason).toStartWith(
      "opens in onnxruntime 1.29.0 (with this environment's own CUDA libraries on LD_LIBRARY_PATH)",
    );
    expect(providerOf(found, CUDA)?.env?.LD_LIBRARY_PATH).toEndWith(":/mine");
    const folders = providerOf(found, CUDA)?.env?.LD_LIBRARY_PATH?.split(":").sort();
    expect(folders).toEqual(["/mine", `${site}/nvidia/cublas/lib`, `${site}/nvidia/cudnn/lib`]);
  });

  test("a provider that Harbor does not choose is tried only when asked for", async () => {
    const python = makePython({ behaviours: { [XNNPACK]: "opens", [DNNL]: "crashes" } });
    expect((await detect(python)).order).toEqual([CPU]);
    expect((await detect(python, { override: "xnnpackexecutionprovider" })).order).toEqual([XNNPACK, CPU]);
    const crashed = await detect(python, { override: DNNL });
    expect(crashed.order).toEqual([CPU]);
    expect(crashed.warnings).toEqual([
      `HARBOR_ONNX_PROVIDER asks for ${DNNL}, which cannot be used: asked for; listed by onnxruntime 1.29.0, but no session opens: its process crashed (SIGSEGV). Instead: ${CPU}`,
    ]);
  });

  test("one that cannot be imported, and packages that overwrite each other", async () => {
    const module = 'raise ImportError("libcudart.so.13: cannot open shared object file: No such file or directory")\n';
    const files = {
      "site/onnxruntime-1.29.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: onnxruntime\nVersion: 1.29.0\n",
      "site/onnxruntime_gpu-1.29.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.29.0\n",
      "site/onnxruntime_extensions-0.14.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: onnxruntime_extensions\nVersion: 0.14.0\n",
    };
    const python = makePython({ module, files });
    const found = await detect(python);
    expect(found.onnxruntime).toBeUndefined();
    expect(found.warnings).toEqual([
      `${python} has onnxruntime and onnxruntime-gpu, which overwrite each other's files: uninstall them, then install the one that is meant`,
      `${python} cannot import its onnxruntime (ImportError: libcudart.so.13: cannot open shared object file: No such file or directory): this says what the hardware and the drivers alone allow`,
    ]);
  });

  test("a folder without onnxruntime, named from the current one", async () => {
    const folder = makeTree({ "bin/python": '#!/bin/sh\nexec python3 -S -E "$@"\n' });
    chmodSync(join(folder, "bin/python"), 0o755);
    const script = resolve("routines/host/detect-onnx-providers.ts");
    const argv = [process.execPath, script, "--python", "bin/python", "--json"];
    const child = Bun.spawn(argv, { cwd: folder, env: { ...process.env, HARBOR_ONNX_PROVIDER: "cpu" }, stdout: "pipe", stderr: "pipe" });
    const { exit, stdout, stderr } = await resultOf(child);
    expect(exit).toBe(0);
    expect((JSON.parse(stdout) as OnnxDetection).order).toEqual([CPU]);
    expect(stderr).toBe(
      `harbor: warning: ${folder}/bin/python has no onnxruntime: this says what the hardware and the drivers alone allow\n`,
    );
  });

  test("a program that is no Python, and one that is not there", async () => {
    const other = makeTree({ python: "#!/bin/sh\necho 'python: broken installation' >&2\nexit 1\n" });
    chmodSync(join(other, "python"), 0o755);
    const message = `Cannot ask "${other}/python" for its onnxruntime: python: broken installation`;
    await expect(detect(`${other}/python`)).rejects.toMatchObject({ message, exit: "failed" });
    await expect(detect(`${other}/python3`)).rejects.toMatchObject({ exit: "missing" });
    await expect(detect("no-such-python")).rejects.toMatchObject({ exit: "missing" });
  });

  test("an unknown word is wrong usage, and the nearest is named", async () => {
    await expect(detect(makePython({}), { override: "opnvino" })).rejects.toMatchObject({
      message: 'Cannot use HARBOR_ONNX_PROVIDER "opnvino": there is no such provider; did you mean "openvino"?',
      exit: "usage",
    });
  });

  test("interrupted, it ends what it had started", async () => {
    const pids = join(makeFolder(), "pid");
    const controller = new AbortController();
    const python = makePython({ behaviours: { [CUDA]: "hangs" } });
    const asked = detect(python, { env: { PID_FILE: pids }, signal: controller.signal });
    const outcome = asked.then(
      () => undefined,
      (error: unknown) => error,
    );
    await until(() => existsSync(pids), "the provider hangs");
    controller.abort();
    expect(await outcome).toMatchObject({ exit: "interrupted" });
    const orphan = readFileSync(pids, "utf8");
    await until(() => !existsSync(`/proc/${orphan}`) || isZombie(orphan), "what it had started is gone");
  });
});

/** Dead, and waiting for whoever takes orphans in. */
function isZombie(pid: string): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

const REAL = "/usr/local/lib/harbor-tests/onnxruntime/python3";

function isThere(): boolean {
  if (existsSync(REAL)) return true;
  if (process.env.HARBOR_E2E === "required") throw new Error(`Cannot ask a real onnxruntime: there is no ${REAL}`);
  writeAll(2, `tests of a real onnxruntime skipped: no ${REAL}; \`.ci/run prepare\` makes it\n`);
  return false;
}

/** Debian's 1.21, built with Dnnl (whose library is left out on purpose), Xnnpack and the CPU. */
describe.skipIf(!isThere())("a real onnxruntime", () => {
  test("its version, and that what Harbor chooses is the CPU", async () => {
    const found = await detect(REAL);
    expect(found).toMatchObject({ order: [CPU], warnings: [], onnxruntime: { version: "1.21", python: REAL } });
    expect(providerOf(found, XNNPACK)?.reason).toBe("taken only where HARBOR_ONNX_PROVIDER asks for it");
    expect(providerOf(found, CUDA)?.reason).toBe("no NVIDIA driver");
  });

  test("one that really opens a session and computes, and one that is listed and does not", async () => {
    const found = await detect(REAL, { override: `${DNNL},${XNNPACK}` });
    expect(found.order).toEqual([XNNPACK, CPU]);
    expect(providerOf(found, XNNPACK)).toMatchObject({ isUsable: true, reason: "opens in onnxruntime 1.21; asked for" });
    const missing = "libdnnl.so.3.6: cannot open shared object file: No such file or directory";
    expect(providerOf(found, DNNL)?.reason).toBe(`asked for; listed by onnxruntime 1.21, but no session opens: ${missing}`);
    expect(found.warnings).toHaveLength(1);
  });

  test("as a command: a table, and the warnings on stderr", async () => {
    const argv = [process.execPath, "harbor.ts", "routine", "detect-onnx-providers", "--python", REAL];
    const env = { ...process.env, HARBOR_HOME: makeFolder(), HARBOR_ONNX_PROVIDER: `coreml,${XNNPACK}` };
    const { exit, stdout, stderr } = await resultOf(Bun.spawn(argv, { env, stdout: "pipe", stderr: "pipe" }));
    expect(exit).toBe(0);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(rows.slice(0, 2)).toEqual([
      ["no", "-", "CoreMLExecutionProvider", "a provider of macOS alone"],
      ["yes", "1", XNNPACK, "opens in onnxruntime 1.21; asked for"],
    ]);
    expect(rows.at(-1)).toEqual(["yes", "2", CPU, "always there"]);
    expect(stderr).toBe(
      `harbor: warning: HARBOR_ONNX_PROVIDER asks for CoreMLExecutionProvider, which cannot be used: a provider of macOS alone. Instead: ${XNNPACK}, ${CPU}\n`,
    );
  });
});
