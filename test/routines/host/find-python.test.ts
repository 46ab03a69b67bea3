import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findPythons, type Python } from "../../../routines/host/find-python.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

/** What an interpreter answers; a stand-in says it without being one. */
function facts(version: string, more: Record<string, unknown> = {}): string {
  const answer = {
    version,
    implementation: "cpython",
    prefix: "/usr",
    bits: 64,
    arch: "x86_64",
    hasVenv: true,
    isVenv: false,
    isFreeThreaded: false,
  };
  return JSON.stringify({ ...answer, ...more });
}

/** A host made of stand-ins: path → what the interpreter there says; a number: how long it hangs, in seconds. */
function makeHost(interpreters: Record<string, string | number>): string {
  const root = makeFolder();
  for (const [name, said] of Object.entries(interpreters)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    const answer =
      typeof said === "number" ? `sleep ${said}` : `echo 'harbor-python-facts ${said.replace(/}$/, `,"realPath":"${path}"}`)}'`;
    writeFileSync(path, `#!/bin/sh\necho ran >>"$0.ran"\n${answer}\n`);
    chmodSync(path, 0o755);
  }
  return root;
}

/** Of those found, the ones in this folder, by their path in it. */
async function findIn(
  root: string,
  options: { wanted?: string; path?: string[]; env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<(Python & { name: string })[]> {
  const { path = ["bin"], env = {}, ...rest } = options;
  const PATH = path.map((folder) => join(root, folder)).join(":");
  const found = await findPythons({ env: { HOME: root, PATH: `${PATH}:/usr/bin:/bin`, ...env }, ...rest });
  return found.filter((it) => it.path.startsWith(`${root}/`)).map((it) => ({ ...it, name: it.path.slice(root.length + 1) }));
}

function namesOf(found: readonly { name: string }[]): string[] {
  return found.map(({ name }) => name);
}

describe("the Pythons of this host", () => {
  test("are found, each once, with what they are", async () => {
    const found = await findPythons({ env: process.env });
    const usable = found.filter((it) => it.problem === undefined);
    expect(usable.length).toBeGreaterThan(0);
    for (const it of usable) {
      expect(Bun.spawnSync([it.path, "--version"]).stdout.toString().trim()).toBe(`Python ${it.version}`);
      expect(it.arch).toBe(Bun.spawnSync(["uname", "-m"]).stdout.toString().trim());
    }
    expect(new Set(found.map(({ realPath }) => realPath)).size).toBe(found.length);
  });

  test("do not import what lies in the current folder", async () => {
    const root = makeTree({ "json.py": "open('imported', 'w')", "os.py": "open('imported', 'w')" });
    const [python] = await findPythons({ env: process.env });
    const code = `import { findPythons } from ${JSON.stringify(join(import.meta.dir, "../../../routines/host/find-python.ts"))}; console.log((await findPythons({ env: process.env }))[0]?.version)`;
    const child = Bun.spawnSync([process.execPath, "-e", code], { cwd: root, env: { ...process.env, PYTHONPATH: root } });
    expect(child.stdout.toString().trim()).toBe(python?.version ?? "");
    expect(existsSync(join(root, "imported"))).toBe(false);
  });
});

describe("on a host of stand-ins", () => {
  test("those of PATH, pyenv and uv's folder are found; shims, which run whatever is set, are not run", async () => {
    const root = makeHost({
      "bin/python3.12": facts("3.12.4"),
      ".pyenv/versions/3.11.9/bin/python3": facts("3.11.9"),
      ".pyenv/versions/3.10.1/bin/python": facts("3.10.1"),
      ".pyenv/shims/python3": facts("3.13.0"),
      ".local/share/uv/python/cpython-3.13.2-linux/bin/python3": facts("3.13.2"),
    });
    const found = await findIn(root, { path: [".pyenv/shims", "bin"] });
    expect(found.map(({ version, source }) => `${version} ${source}`)).toEqual([
      "3.13.2 uv",
      "3.12.4 path",
      "3.11.9 pyenv",
      "3.10.1 pyenv",
    ]);
    expect(existsSync(join(root, ".pyenv/shims/python3.ran"))).toBe(false);
  });

  test("links to one interpreter are one, known by the name that holds its version, and run once", async () => {
    const root = makeHost({ "Cellar/python3.12": facts("3.12.4") });
    mkdirSync(join(root, "bin"));
    for (const name of ["python", "python3", "python3.12"]) symlinkSync("../Cellar/python3.12", join(root, "bin", name));
    expect(namesOf(await findIn(root))).toEqual(["bin/python3.12"]);
    expect(readFileSync(join(root, "bin", "python3.12.ran"), "utf8")).toBe("ran\n");
  });

  test.each([
    ["3.12", ["3.12.9", "3.12.4"]],
    ["3.12.4", ["3.12.4"]],
    [">=3.10,<3.13", ["3.12.9", "3.12.4", "3.10.1"]],
    ["~=3.10.0", ["3.10.1"]],
    ["!=3.12.*", ["3.13.0", "3.10.1", "3.14.0rc1"]],
    ["3", ["3.13.0", "3.12.9", "3.12.4", "3.10.1", "3.14.0rc1"]],
  ])("%s: the newest that fits comes first, a pre-release last, the others say what they are", async (wanted, versions) => {
    const all = ["3.10.1", "3.12.4", "3.12.9", "3.13.0", "3.14.0rc1"];
    const root = makeHost(Object.fromEntries(all.map((version) => [`.pyenv/versions/${version}/bin/python3`, facts(version)])));
    const found = await findIn(root, { wanted });
    expect(found.filter((it) => it.problem === undefined).map(({ version }) => version)).toEqual(versions);
    const others = found.filter((it) => it.problem !== undefined);
    expect(others.map(({ problem }) => problem ?? "").sort()).toEqual(
      all
        .filter((it) => !versions.includes(it))
        .map((it) => `is ${it}`)
        .sort(),
    );
  });

  test("what packages are made for comes before what is rarer: CPython, with the global lock, with venv", async () => {
    const root = makeHost({
      ".pyenv/versions/a/bin/python3": facts("3.13.1", { isFreeThreaded: true }),
      ".pyenv/versions/b/bin/python3": facts("3.12.9", { implementation: "pypy" }),
      ".pyenv/versions/c/bin/python3": facts("3.11.9", { hasVenv: false }),
      ".pyenv/versions/d/bin/python3": facts("3.10.9"),
    });
    expect((await findIn(root)).map(({ version }) => version)).toEqual(["3.10.9", "3.11.9", "3.13.1", "3.12.9"]);
  });

  test("why one will not do is said: too old, 32 bits, a virtual environment, no Python, one that hangs", async () => {
    const root = makeHost({
      ".pyenv/versions/a/bin/python3": facts("3.7.1"),
      ".pyenv/versions/b/bin/python3": facts("3.12.9", { bits: 32 }),
      ".pyenv/versions/c/bin/python3": facts("3.12.9", { isVenv: true }),
      ".pyenv/versions/d/bin/python3": 1_000,
      "bin/python3": facts("3.12.9"),
    });
    writeFileSync(join(root, "bin/python3"), "#!/bin/sh\necho cannot load libpython >&2\nexit 127\n");
    const start = performance.now();
    const problems = new Map((await findIn(root, { timeoutMs: 1_500 })).map(({ name, problem }) => [name, problem]));
    expect(performance.now() - start).toBeLessThan(4_500);
    expect(Object.fromEntries(problems)).toEqual({
      ".pyenv/versions/a/bin/python3": "is 3.7.1, older than 3.8",
      ".pyenv/versions/b/bin/python3": "is a 32-bit one",
      ".pyenv/versions/c/bin/python3": "is a virtual environment's own",
      ".pyenv/versions/d/bin/python3": "did not end within 2 s",
      "bin/python3": "fails: cannot load libpython",
    });
  });

  test("uv is asked for its own, also elsewhere than in its folder", async () => {
    const root = makeHost({ "opt/uv-pythons/x/bin/python3.12": facts("3.12.8") });
    const listed = [
      { version: "3.12.8", path: join(root, "opt/uv-pythons/x/bin/python3.12") },
      { version: "3.13.0", path: null },
    ];
    mkdirSync(join(root, "bin"));
    writeFileSync(
      join(root, "bin/uv"),
      `#!/bin/sh\n[ "$*" = "python list --only-installed --output-format json" ] && echo '${JSON.stringify(listed)}'\n`,
      { mode: 0o755 },
    );
    expect((await findIn(root)).map(({ version }) => version)).toEqual(["3.12.8"]);
  });

  test("a path is looked at alone; a folder of the current project on PATH never", async () => {
    const root = makeHost({ "opt/python": facts("3.12.8"), "bin/python3": facts("3.13.1") });
    expect(namesOf(await findIn(root, { wanted: join(root, "opt/python") }))).toEqual(["opt/python"]);
    expect(await findIn(root, { wanted: join(root, "nowhere") })).toMatchObject([{ problem: "does not exist", source: "given" }]);
    const found = await findPythons({ env: { HOME: root, PATH: ".:bin:/usr/bin" } });
    expect(found.filter((it) => !it.path.startsWith("/"))).toEqual([]);
  });

  test("macOS' own python3 is not run where it would open an installer", async () => {
    const root = makeHost({ "bin/python3.12": facts("3.12.8") });
    writeFileSync(join(root, "bin/xcode-select"), "#!/bin/sh\nexit 2\n", { mode: 0o755 });
    if (!existsSync("/usr/bin/python3")) return;
    const found = await findPythons({ env: { HOME: root, PATH: `${root}/bin` }, platform: "darwin" });
    const stub = found.find(({ realPath }) => realPath.startsWith("/usr/bin/python3"));
    expect(stub?.problem).toContain("xcode-select --install");
    writeFileSync(join(root, "bin/xcode-select"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const ready = await findPythons({ env: { HOME: root, PATH: `${root}/bin` }, platform: "darwin" });
    expect(ready.some(({ problem = "" }) => problem.includes("xcode-select"))).toBe(false);
  });

  test.each(["nonsense", ">=", "3.x", "-c"])("%s is neither version nor path", async (wanted) => {
    expect(await findPythons({ env: {}, wanted }).catch((error: unknown) => error)).toMatchObject({ exit: "usage" });
  });
});

test("the command prints a table, and why not", async () => {
  const root = makeHost({
    ".pyenv/versions/a/bin/python3": facts("3.12.9"),
    ".pyenv/versions/b/bin/python3": facts("3.9.1", { hasVenv: false }),
  });
  const program = join(import.meta.dir, "../../../routines/host/find-python.ts");
  const run = (...words: string[]) =>
    Bun.spawnSync([process.execPath, program, ...words], { env: { HOME: root, PATH: "/nowhere" } }).stdout.toString();
  const lines = run(">=3.10")
    .split("\n")
    .filter((line) => line.includes(root));
  expect(lines.map((line) => line.split(/\s{2,}/))).toEqual([
    ["3.12.9", "pyenv", "x86_64", join(root, ".pyenv/versions/a/bin/python3")],
    ["3.9.1", "pyenv", "x86_64", join(root, ".pyenv/versions/b/bin/python3"), "no: it is 3.9.1"],
  ]);
  expect(run().includes("has no venv")).toBe(true);
  const json = JSON.parse(run("3.12", "--json")) as Python[];
  expect(json.find(({ path }) => path.startsWith(root))).toMatchObject({ version: "3.12.9", source: "pyenv", hasVenv: true });
});
