/** Packages that bring one module: whichever a dependency pulls in, the one that is wanted stays, alone. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPythons, type Python } from "../../../routines/host/find-python.ts";
import { type Alternative, makePythonEnv, type PythonEnv, type PythonEnvRequest } from "../../../routines/host/make-python-env.ts";
import { makeLastingFolder } from "../../_workspace.ts";
import { makePackages, type Packages } from "./_packages.ts";

setDefaultTimeout(60_000);

const OF = ["engine", "engine-gpu", "engine-rocm"];
let root = "";
let python: Python;
let packages: Packages;

beforeAll(async () => {
  root = makeLastingFolder("harbor-only-");
  const found = (await findPythons({ env: environment() })).find((it) => it.problem === undefined && it.hasVenv);
  if (found === undefined) throw new Error("these tests need a Python with venv (Debian: python3-venv)");
  python = found;
  packages = makePackages(root, python.path, [
    { name: "engine" },
    { name: "engine-gpu" },
    { name: "engine-gpu", version: "2.0" },
    { name: "speaker", dependencies: ["engine", "engine-gpu<2"] },
    { name: "listener", dependencies: ["engine"] },
  ]);
});

function environment(): Record<string, string> {
  return { PATH: "/usr/bin:/bin", HOME: join(root, "home"), TMPDIR: tmpdir(), PIP_CONFIG_FILE: "/dev/null" };
}

const said: string[] = [];

function make(requirement: string, only: Alternative, more: Partial<PythonEnvRequest> = {}): Promise<PythonEnv> {
  said.length = 0;
  const index = { links: [packages.wheels] };
  const onProgress = ({ text }: { text: string }): number => said.push(text);
  const folder = join(root, "env");
  return makePythonEnv({ folder, requirement, python: python.path, index, isOffline: true, env: environment(), only, onProgress, ...more });
}

/** Distributions with the module, and which modules can be imported. */
function thereIn({ python: path }: PythonEnv): { distributions: string[]; modules: string[] } {
  const script = `
import importlib.metadata, importlib.util, json
names = sorted(it.metadata["Name"] for it in importlib.metadata.distributions() if it.metadata["Name"].startswith("engine"))
versions = [name + " " + importlib.metadata.version(name) for name in names]
modules = [name for name in ("engine", "engine_gpu") if importlib.util.find_spec(name)]
print(json.dumps({"distributions": versions, "modules": modules}))`;
  return JSON.parse(Bun.spawnSync([path, "-I", "-c", script]).stdout.toString());
}

describe("of packages with one module", () => {
  test("the one that is wanted stays, where dependencies bring both", async () => {
    const made = await make("speaker", { package: "engine-gpu<2", of: OF });
    expect(thereIn(made)).toEqual({ distributions: ["engine-gpu 1.0"], modules: ["engine_gpu"] });
    expect(said).toContain("installing engine-gpu<2 instead of engine");
  });

  test("nothing is run where it is asked for again, and another is installed where another is wanted", async () => {
    expect(await make("speaker", { package: "engine-gpu<2", of: OF })).toMatchObject({ wasReused: true });
    expect(said).toEqual([]);
    const made = await make("speaker", { package: "engine", of: OF });
    expect(made.wasReused).toBe(false);
    expect(thereIn(made)).toEqual({ distributions: ["engine 1.0"], modules: ["engine"] });
  });

  test("it comes instead of the one that a dependency asks for, in the version that is asked for", async () => {
    const made = await make("listener", { package: "engine-gpu>=2", of: OF });
    expect(thereIn(made)).toEqual({ distributions: ["engine-gpu 2.0"], modules: ["engine_gpu"] });
  });

  test("nothing more is done where it is the only one", async () => {
    const made = await make("listener", { package: "engine", of: OF }, { folder: join(root, "env") });
    expect(thereIn(made)).toEqual({ distributions: ["engine 1.0"], modules: ["engine"] });
    const again = await make("listener==1.0", { package: "engine", of: OF });
    expect(again.wasReused).toBe(false);
    expect(said.filter((it) => it.startsWith("installing "))).toEqual(["installing listener==1.0"]);
  });

  test("what cannot be had is an error that names it, and the next call mends what it left", async () => {
    const failed = await make("listener", { package: "engine-rocm", of: OF }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: "unresolvable", message: expect.stringContaining('Cannot install "engine-rocm"') });
    const made = await make("listener", { package: "engine", of: OF });
    expect(thereIn(made)).toEqual({ distributions: ["engine 1.0"], modules: ["engine"] });
    expect(existsSync(made.python)).toBe(true);
  });

  test("a name is needed, not a path", async () => {
    await expect(make("listener", { package: "./engine", of: OF })).rejects.toThrow("it is not the name of a package");
  });
});
