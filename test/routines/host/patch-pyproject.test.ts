import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import { patchPyproject } from "../../../routines/host/patch-pyproject.ts";
import { type Result, resultOf } from "../../_process.ts";
import { makeTree } from "../../_workspace.ts";
import { refusals, shapes } from "./_pyproject-shapes.ts";

/** Each text replaced where it stands, which is one place. */
function replaceOnce(text: string, edits: readonly (readonly [string, string])[]): string {
  return edits.reduce((result, [from, to]) => {
    expect(result.split(from)).toHaveLength(2);
    return result.replace(from, () => to);
  }, text);
}

function refusalOf(run: () => unknown): HarborError {
  try {
    run();
  } catch (error) {
    if (error instanceof HarborError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("patchPyproject", () => {
  test.each(shapes.map((shape) => [shape.name, shape] as const))("%s", (_, { toml, python, edits, asks }) => {
    const patch = patchPyproject(toml, { python });
    expect(patch.text).toBe(replaceOnce(toml, edits));
    expect(patch.isChanged).toBe(edits.length > 0);
    expect(patch.changes).toHaveLength(edits.length);
    expect(patch.requiresPython).toBe(asks ?? null);
    expect(patchPyproject(patch.text, { python })).toMatchObject({ text: patch.text, isChanged: false, changes: [] });
  });

  test("there are shapes enough", () => expect(shapes.length).toBeGreaterThanOrEqual(30));

  test.each(refusals.map((refusal) => [refusal.name, refusal] as const))("refuses %s, and says where", (_, { toml, line, message }) => {
    const refusal = refusalOf(() => patchPyproject(toml, { python: "3.11", file: "a/pyproject.toml" }));
    expect(refusal).toMatchObject({ exit: "failed", at: { file: "a/pyproject.toml", line } });
    expect(refusal.message).toMatch(message);
  });

  test.each(["3", "2.7", "4.0", "3.x", ">=3.11", "3.11.", "py311", ""])('refuses "%s" as a Python', (python) => {
    expect(refusalOf(() => patchPyproject("", { python }))).toMatchObject({ exit: "usage" });
  });

  test.each(["3.14.0rc2", "3.14.0a1", "3.14.0+"])("%s counts as its release, as pip and uv count it", (python) => {
    expect(patchPyproject(`project.requires-python = "<3.14"\n`, { python }).text).toBe(`project.requires-python = "<3.15"\n`);
  });

  test("says in words what it changed", () => {
    const toml = `[project]\nrequires-python = ">=3.12"\nclassifiers = ["Programming Language :: Python :: 3.12"]\n`;
    expect(patchPyproject(toml, { python: "3.11" }).changes).toEqual([
      'project.requires-python: ">=3.12" is now ">=3.11"',
      'project.classifiers: "Programming Language :: Python :: 3.11" is added',
    ]);
  });

  test("words of JavaScript are keys like any other", () => {
    const toml = `__proto__ = 1\n[constructor]\nprototype = { "" = [] }\n[project]\nrequires-python = ">=3.12"\n`;
    expect(patchPyproject(toml, { python: "3.11" }).text).toBe(toml.replace("3.12", "3.11"));
  });

  test("arrays nested without end are refused, not a crash", () => {
    const refusal = refusalOf(() => patchPyproject(`a = ${"[".repeat(100_000)}`, { python: "3.11", file: "f" }));
    expect(refusal.message).toStartWith('Cannot read "f" as TOML');
  });
});

const root = join(import.meta.dir, "../../..");

function run(words: readonly string[], cwd: string): Promise<Result> {
  const argv = [process.execPath, join(root, "harbor.ts"), "routine", "patch-pyproject", ...words];
  const env = { PATH: process.env.PATH ?? "", HOME: cwd, HARBOR_HOME: join(cwd, ".harbor"), NO_COLOR: "1" };
  return resultOf(Bun.spawn(argv, { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
}

const TOML = `[project]\nname = "ants"\nrequires-python = ">=3.12" # why\n`;
const PATCHED = TOML.replace("3.12", "3.11");
const DIFF = `--- a/pyproject.toml
+++ b/pyproject.toml
@@ -1,3 +1,3 @@
 [project]
 name = "ants"
-requires-python = ">=3.12" # why
+requires-python = ">=3.11" # why
`;

describe("harbor routine patch-pyproject", () => {
  test("writes the file and says what changed; a second time there is nothing to do", async () => {
    const folder = makeTree({ "pyproject.toml": TOML });
    chmodSync(join(folder, "pyproject.toml"), 0o666); // more than the usual mask leaves
    expect(await run([".", "--python", "3.11"], folder)).toEqual({
      exit: 0,
      stdout: 'pyproject.toml is changed:\n  project.requires-python: ">=3.12" is now ">=3.11"\n',
      stderr: "",
    });
    expect(readFileSync(join(folder, "pyproject.toml"), "utf8")).toBe(PATCHED);
    expect(statSync(join(folder, "pyproject.toml")).mode & 0o777).toBe(0o666);
    expect(await run([".", "--python", "3.11"], folder)).toMatchObject({
      exit: 0,
      stdout: 'pyproject.toml allows Python 3.11: ">=3.11"\n',
    });
  });

  test("--dry-run shows a diff and writes nothing", async () => {
    const folder = makeTree({ "pyproject.toml": TOML });
    expect(await run(["pyproject.toml", "--python", "3.11", "--dry-run"], folder)).toEqual({ exit: 0, stdout: DIFF, stderr: "" });
    expect(readFileSync(join(folder, "pyproject.toml"), "utf8")).toBe(TOML);
  });

  test("--check writes nothing and exits by whether that Python is allowed", async () => {
    const folder = makeTree({ "pyproject.toml": TOML });
    expect(await run([".", "--python", "3.11", "--check"], folder)).toEqual({ exit: 1, stdout: DIFF, stderr: "" });
    expect(await run([".", "--python", "3.12.4", "--check"], folder)).toMatchObject({ exit: 0, stderr: "" });
    expect(readFileSync(join(folder, "pyproject.toml"), "utf8")).toBe(TOML);
  });

  test("--json says all of it", async () => {
    const folder = makeTree({ "pyproject.toml": TOML });
    const { stdout } = await run([".", "--python", "3.11", "--json", "--dry-run"], folder);
    expect(JSON.parse(stdout)).toEqual({
      file: "pyproject.toml",
      isWritten: false,
      isChanged: true,
      changes: ['project.requires-python: ">=3.12" is now ">=3.11"'],
      requiresPython: ">=3.12",
      diff: DIFF,
    });
  });

  test("through a link the file behind it is changed", async () => {
    const folder = makeTree({ "real.toml": TOML });
    symlinkSync("real.toml", join(folder, "pyproject.toml"));
    expect(await run([".", "--python", "3.11"], folder)).toMatchObject({ exit: 0 });
    expect(lstatSync(join(folder, "pyproject.toml")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, "real.toml"), "utf8")).toBe(PATCHED);
  });

  test("a byte order mark is written back", async () => {
    const folder = makeTree({ "pyproject.toml": `\ufeff${TOML}` });
    await run([".", "--python", "3.11"], folder);
    expect(readFileSync(join(folder, "pyproject.toml"))).toEqual(Buffer.from(`\ufeff${PATCHED}`));
  });

  test("what it does not understand stays as it is, with the place on stderr", async () => {
    const folder = makeTree({ "pyproject.toml": `${TOML}requires-python = ">=3.12"\n` });
    const { exit, stdout, stderr } = await run([".", "--python", "3.11"], folder);
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toStartWith("harbor: pyproject.toml:4:1: Cannot read");
  });

  test("bytes that are no UTF-8 are refused", async () => {
    const folder = makeTree({});
    writeFileSync(join(folder, "pyproject.toml"), Buffer.concat([Buffer.from(`${TOML}# `), Buffer.from([0xfc, 0x0a])]));
    const { exit, stderr } = await run([".", "--python", "3.11"], folder);
    expect([exit, stderr]).toEqual([1, 'harbor: pyproject.toml: Cannot read "pyproject.toml" as TOML: it is not UTF-8\n']);
  });

  test("a bound in setup.cfg is pointed at", async () => {
    const folder = makeTree({
      "pyproject.toml": `[build-system]\nrequires = ["setuptools"]\n`,
      "setup.cfg": "[options]\n# python_requires = x\npython_requires = >=3.12\n",
    });
    const { exit, stderr } = await run([".", "--python", "3.11", "--check"], folder);
    expect(exit).toBe(1);
    expect(stderr).toStartWith("harbor: setup.cfg:3: Cannot widen requires-python");
  });

  test("a file that says nothing of Python is left alone", async () => {
    const folder = makeTree({ "pyproject.toml": `[tool.ruff]\n`, "setup.py": "from setuptools import setup\nsetup()\n" });
    expect(await run([".", "--python", "3.11"], folder)).toMatchObject({ exit: 0, stdout: "pyproject.toml asks for no Python\n" });
  });

  test("a file that is not there, and a Python that is not said", async () => {
    const folder = makeTree({});
    expect(await run([".", "--python", "3.11"], folder)).toMatchObject({ exit: 4 });
    expect(await run(["."], folder)).toMatchObject({ exit: 2 });
    expect(existsSync(join(folder, "pyproject.toml"))).toBe(false);
  });
});
