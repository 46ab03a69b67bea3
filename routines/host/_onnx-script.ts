/**
 * The Python that asks an environment's onnxruntime, run with `python -c`: with the word `list` for what it is and was built
 * with, with `try`, a provider's name and its options as JSON for whether a session opens and computes. Its answer is
 * one line of JSON behind a mark, on an output that nothing else reaches: what libraries print goes to stderr.
 * For every Python from 3.6 on; it ends without tearing down, where drivers like to crash.
 */
export const ANSWER_MARK = "HARBOR-ONNX ";

/** 69 bytes of an ONNX model (protobuf, IR 7, opset 13), written by hand: y = x + x, for a float32 x of 1 by 4. */
const MODEL =
  "08074202100d3a3d0a0e0a01780a017812017922034164641201675a130a0178120e0a0c080112080a0208010a02080462130a0179120e0a0c080112080a0208010a020804";

export const ONNX_SCRIPT = `
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import glob, json, os
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

def say(facts):
    sys.stdout.flush()
    sys.stderr.flush()
    answer.write("\\n${ANSWER_MARK}" + json.dumps(facts) + "\\n")
    answer.flush()
    os._exit(0)

def words(error):
    return "%s: %s" % (type(error).__name__, error)

def packages():
    try:
        from importlib.metadata import distributions
    except ImportError:
        return []
    names = set((it.metadata["Name"] or "").lower().replace("_", "-") for it in distributions())
    return sorted(name for name in names if name.startswith(("onnxruntime", "ort-")))

def built_with():
    try:
        from onnxruntime.capi import build_and_package_info as info
        return getattr(info, "cuda_version", None) or None
    except Exception:
        return None

def is_there():
    import importlib.util
    return importlib.util.find_spec("onnxruntime") is not None

def list_providers():
    import platform
    facts = {"machine": platform.machine(), "packages": packages()}
    if not is_there():
        say(facts)
    try:
        import onnxruntime
        facts["listed"] = list(onnxruntime.get_available_providers())
        facts["version"] = onnxruntime.__version__
    except BaseException as error:
        facts["problem"] = words(error)
        say(facts)
    facts["cuda"] = built_with()
    patterns = ("nvidia/*/lib", "nvidia/*/lib/*", "tensorrt_libs")
    found = [path for folder in sys.path for pattern in patterns for path in glob.glob(os.path.join(folder, pattern))]
    facts["folders"] = [path for path in found if glob.glob(os.path.join(path, "*.so*"))]
    say(facts)

def try_provider(name, options):
    import numpy, onnxruntime
    settings = onnxruntime.SessionOptions()
    settings.enable_mem_pattern = False
    try:
        session = onnxruntime.InferenceSession(bytes.fromhex("${MODEL}"), settings, providers=[(name, options)])
        if name not in session.get_providers():
            say({"opens": False})
        session.disable_fallback()
        result = session.run(None, {"x": numpy.ones((1, 4), numpy.float32)})[0]
    except BaseException as error:
        say({"opens": False, "problem": words(error)})
    right = result.tolist() == [[2.0, 2.0, 2.0, 2.0]]
    say({"opens": True} if right else {"opens": False, "problem": "it computes 1 + 1 = %s" % result.tolist()[0][0]})

if sys.argv[1] == "list":
    list_providers()
else:
    try_provider(sys.argv[2], json.loads(sys.argv[3]))
`;
