/**
 * Tiny Python packages for tests, as source, sdist and wheel, made without an index: each has a build backend of its own
 * in its tree (PEP 517, `backend-path`) that needs nothing but Python.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TinyPackage {
  name: string;
  version?: string;
  /** Its `requires-python`. */
  requires?: string;
  /** The bound stands in the backend, and pyproject.toml says that it is dynamic. */
  isDynamic?: boolean;
  dependencies?: string[];
  /** Its build fails with these words. */
  breaksWith?: string;
  /** Its build makes the file `<waitsFor>.started`, then waits until there is a file of this name. */
  waitsFor?: string;
}

export interface Packages {
  /** Folder of a package's source. */
  source: (name: string, version?: string) => string;
  wheels: string;
  sdists: string;
}

const BACKEND = `
import base64, hashlib, io, json, os, sys, tarfile, time, zipfile

HERE = os.path.dirname(os.path.abspath(__file__))

def read():
    with open(os.path.join(HERE, "facts.json")) as file:
        facts = json.load(file)
    with open(os.path.join(HERE, "pyproject.toml")) as file:
        for line in file:
            if line.startswith("requires-python"):
                facts["requires"] = line.split("=", 1)[1].strip().strip('"')
    return facts

def metadata(facts):
    lines = ["Metadata-Version: 2.1", "Name: " + facts["name"], "Version: " + facts["version"]]
    if facts.get("requires"):
        lines.append("Requires-Python: " + facts["requires"])
    lines += ["Provides-Extra: ui"] + ["Requires-Dist: " + it for it in facts["dependencies"]]
    return "\\n".join(lines) + "\\n\\n" + "A tiny package\\n"

def stem(facts):
    return facts["name"].replace("-", "_") + "-" + facts["version"]

def build_wheel(folder, config=None, made=None):
    facts = read()
    if facts.get("breaksWith"):
        sys.exit(facts["breaksWith"])
    if facts.get("waitsFor"):
        open(facts["waitsFor"] + ".started", "w").close()
        while not os.path.exists(facts["waitsFor"]):
            time.sleep(0.01)
    info = stem(facts) + ".dist-info/"
    module = facts["name"].replace("-", "_")
    files = {
        module + ".py": "def main():\\n    print(%r)\\n" % (facts["name"] + " " + facts["version"]),
        info + "METADATA": metadata(facts),
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\n%s = %s:main\\n" % (facts["name"], module),
    }
    record = ""
    name = stem(facts) + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            data = text.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            record += "%s,sha256=%s,%d\\n" % (path, digest, len(data))
            wheel.writestr(path, data)
        wheel.writestr(info + "RECORD", record + info + "RECORD,,\\n")
    return name

def build_sdist(folder, config=None):
    facts = read()
    name = stem(facts) + ".tar.gz"
    with tarfile.open(os.path.join(folder, name), "w:gz") as archive:
        for file in ("pyproject.toml", "backend.py", "facts.json"):
            archive.add(os.path.join(HERE, file), stem(facts) + "/" + file)
        data = metadata(facts).encode()
        entry = tarfile.TarInfo(stem(facts) + "/PKG-INFO")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return name
`;

const BUILD_ALL = `
import importlib.util, os, sys
wheels, sdists = sys.argv[1:3]
for source in sys.argv[3:]:
    spec = importlib.util.spec_from_file_location("backend", os.path.join(source, "backend.py"))
    backend = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backend)
    if not (backend.read().get("breaksWith") or backend.read().get("waitsFor")):
        backend.build_wheel(wheels)
    backend.build_sdist(sdists)
`;

/** One Python process builds them all. */
export function makePackages(root: string, python: string, packages: readonly TinyPackage[]): Packages {
  const sourceOf = (name: string, version = "1.0"): string => join(root, "src", `${name}-${version}`);
  const [wheels, sdists] = [join(root, "wheels"), join(root, "sdists")];
  for (const folder of [wheels, sdists]) mkdirSync(folder, { recursive: true });
  for (const it of packages) writeSource(sourceOf(it.name, it.version), it);
  const sources = packages.map((it) => sourceOf(it.name, it.version));
  const { exitCode, stderr } = Bun.spawnSync([python, "-I", "-B", "-c", BUILD_ALL, wheels, sdists, ...sources]);
  if (exitCode !== 0) throw new Error(`the packages of the test could not be built: ${stderr}`);
  return { source: sourceOf, wheels, sdists };
}

function writeSource(
  folder: string,
  { name, version = "1.0", requires, isDynamic, dependencies = [], breaksWith, waitsFor }: TinyPackage,
): void {
  mkdirSync(folder, { recursive: true });
  const bound = requires === undefined ? "" : isDynamic ? 'dynamic = ["requires-python"]\n' : `requires-python = "${requires}"\n`;
  const project = `[project]\nname = "${name}"\nversion = "${version}"\n${bound}`;
  const system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n';
  writeFileSync(join(folder, "pyproject.toml"), `${system}\n${project}`);
  const facts = { name, version, dependencies, breaksWith, waitsFor, ...(isDynamic ? { requires } : {}) };
  writeFileSync(join(folder, "facts.json"), JSON.stringify(facts));
  writeFileSync(join(folder, "backend.py"), BACKEND);
}
