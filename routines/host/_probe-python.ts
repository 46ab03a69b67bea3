/** An interpreter's path → its facts, by running it once. */
import { askProgram } from "./_ask-program.ts";
import { toolEnvironment } from "./_tool-environment.ts";

export interface PythonFacts {
  /** As PEP 440 writes it: `3.12.1`, `3.14.0rc1`. */
  version: string;
  /** `cpython`, `pypy`. */
  implementation: string;
  /** The executable, links followed. */
  realPath: string;
  /** Of a virtual environment, that of the interpreter below it. */
  prefix: string;
  bits: number;
  /** As `uname -m` says it. */
  arch: string;
  hasVenv: boolean;
  isVenv: boolean;
  /** Built without the global lock: most packages have no wheels for it. */
  isFreeThreaded: boolean;
}

/** Found in what it prints, whatever a `sitecustomize` prints around it. */
const MARK = "harbor-python-facts ";

/** For any version: one that is too old should say so, rather than fail. */
const SCRIPT = `
import json, os, struct, sys
def can(name):
    try:
        __import__(name)
        return True
    except Exception:
        return False
v = sys.version_info
level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(v[3], "")
base = getattr(sys, "base_prefix", sys.prefix)
sys.stdout.write("\\n${MARK}" + json.dumps({
    "version": "%d.%d.%d" % v[:3] + (level + str(v[4]) if level else ""),
    "implementation": getattr(getattr(sys, "implementation", None), "name", "cpython"),
    "realPath": os.path.realpath(sys.executable),
    "prefix": base,
    "bits": struct.calcsize("P") * 8,
    "arch": os.uname()[4],
    "hasVenv": can("venv") and can("ensurepip"),
    "isVenv": base != sys.prefix,
    "isFreeThreaded": "free-threading" in sys.version,
}) + "\\n")
`;

/** A cold disk, a busy machine and an antivirus together stay below it. */
const TIMEOUT_MS = 8_000;

/** A string says why there are none. */
export async function probePython(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  timeoutMs = TIMEOUT_MS,
): Promise<PythonFacts | string> {
  // -E and -s rather than -I, which Python 2 does not know
  const answer = await askProgram([path, "-E", "-s", "-c", SCRIPT], { env: toolEnvironment(env), timeoutMs });
  if (answer.cut !== undefined) return `it ${answer.cut}`;
  const line = answer.stdout.split("\n").find((it) => it.startsWith(MARK));
  if (answer.exit === 0 && line !== undefined) return JSON.parse(line.slice(MARK.length)) as PythonFacts;
  const last = answer.stderr.trim().split("\n").at(-1) ?? "";
  return last === "" ? `it does not answer as Python does (${answer.killedBy ?? `exit ${answer.exit}`})` : `it fails: ${last}`;
}
