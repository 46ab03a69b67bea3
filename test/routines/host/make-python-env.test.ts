import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findPythons, type Python } from "../../../routines/host/find-python.ts";
import {
  makePythonEnv,
  type PythonEnv,
  PythonEnvError,
  type PythonEnvProgress,
  type PythonEnvRequest,
} from "../../../routines/host/make-python-env.ts";
import { freePort } from "../../_ports.ts";
import { resultOf } from "../../_process.ts";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { makePackages, type Packages } from "./_packages.ts";
import { writeUvStandIn } from "./_uv-stand-in.ts";

setDefaultTimeout(60_000);

const program = resolve(import.meta.dir, "../../../routines/host/make-python-env.ts");
/** No Python of today or tomorrow. */
const NEVER = ">=3.99";

let shared = "";
let pythons: Python[] = [];
let python: Python;
let packages: Packages;
/** One whole environment with nothing in it, copied where a test needs one: to make one takes seconds. */
let template = "";

beforeAll(async () => {
  pythons = (await findPythons({ env: process.env })).filter((it) => it.problem === undefined && it.hasVenv);
  const [first] = pythons;
  if (first === undefined) throw new Error("these tests need a Python with venv (Debian: python3-venv)");
  python = first;
  shared = mkdtempSync(join(tmpdir(), "harbor-python-"));
  packages = makePackages(shared, python.path, [
    { name: "plain" },
    { name: "plain", version: "2.0" },
    { name: "strict", requires: NEVER },
    { name: "loose-ends", requires: NEVER, isDynamic: true },
    { name: "outer", dependencies: ["strict"] },
    { name: "both", requires: NEVER, dependencies: ["strict==1.0", 'plain<2; extra == "ui"'] },
    { name: "lacking", dependencies: ["nowhere-to-be-found>=2"] },
    { name: "broken", breaksWith: "the compiler is on holiday" },
    { name: "old", requires: ">=3.8,<3.12" },
    { name: "patient", waitsFor: join(shared, "go") },
  ]);
  template = join(shared, "template");
  await failureOf({ folder: template, requirement: "nowhere-to-be-found", ...offline() });
}, 60_000);

afterAll(() => rmSync(shared, { recursive: true, force: true }));

/** Nothing of the machine's own configuration, and no uv. */
function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: "/usr/bin:/bin",
    HOME: join(shared, "home"),
    TMPDIR: tmpdir(),
    PIP_CONFIG_FILE: "/dev/null",
    PIP_RETRIES: "1",
    PIP_NO_CACHE_DIR: "1",
    ...more,
  };
}

function offline(links: readonly string[] = [packages.wheels]) {
  return { python: python.path, index: { links }, isOffline: true, env: environment() };
}

/** The same through a stand-in for uv, which makes an environment in no time. */
function offlineByUv(links?: readonly string[]) {
  return { ...offline(links), env: standIn().env };
}

/** A folder for an environment; `made`: a whole one is there already. */
function place(isMade = true): string {
  const folder = join(makeFolder(), "env");
  if (isMade) cpSync(template, folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return folder;
}

async function failureOf(request: PythonEnvRequest): Promise<PythonEnvError> {
  const failed: unknown = await makePythonEnv(request).catch((error: unknown) => error);
  if (failed instanceof PythonEnvError) return failed;
  throw failed instanceof Error ? failed : new Error(`it did not fail: ${JSON.stringify(failed)}`);
}

/** What the package says when it is run. */
function greetingOf({ bin }: PythonEnv, name: string): string {
  return Bun.spawnSync([join(bin, name)])
    .stdout.toString()
    .trim();
}

describe("an environment", () => {
  test("stays as it is on the next patch of its Python, without an index", async () => {
    const folder = place();
    await makePythonEnv({ folder, requirement: "plain==1.0", ...offline() });
    const file = join(folder, "harbor-env.json");
    const record = JSON.parse(readFileSync(file, "utf8")) as { python: { realPath: string; version: string } };
    const before = { realPath: "/opt/Cellar/python/3.1/bin/python", version: record.python.version.replace(/\d+$/, "0") };
    writeFileSync(file, JSON.stringify({ ...record, python: before }));
    const steps: string[] = [];
    const request = { folder, requirement: "plain==1.0", ...offline([]), onProgress: ({ step }: PythonEnvProgress) => steps.push(step) };
    expect((await makePythonEnv(request)).package.version).toBe("1.0");
    expect(steps).toEqual([]);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(record);
  });

  test("is made where there is no space for the log of it", async () => {
    const folder = place();
    // once it has been begun
    const onProgress = ({ text }: PythonEnvProgress): void => {
      if (!text.startsWith("installing ")) return;
      rmSync(`${folder}.log`);
      symlinkSync("/dev/full", `${folder}.log`);
    };
    expect(await makePythonEnv({ folder, requirement: "plain==1.0", ...offline(), onProgress })).toMatchObject({ wasReused: false });
  });

  test("is made in an empty place, and what is in it runs; the second time nothing is run", async () => {
    const folder = place(false);
    const steps: PythonEnvProgress[] = [];
    const request = { folder, requirement: "plain==1.0", ...offline(), onProgress: (it: PythonEnvProgress) => steps.push(it) };
    const made = await makePythonEnv(request);
    expect(made).toMatchObject({ folder, version: python.version, installer: "pip", wasReused: false, patched: [] });
    expect(made.package).toEqual({ name: "plain", version: "1.0" });
    expect(greetingOf(made, "plain")).toBe("plain 1.0");
    expect([...new Set(steps.map(({ step }) => step))]).toEqual(["find-python", "create", "install", "verify"]);
    expect(steps.some(({ text }) => text === "Successfully installed plain-1.0")).toBe(true);

    steps.length = 0;
    expect(await makePythonEnv(request)).toEqual({ ...made, wasReused: true });
    expect(steps).toEqual([]);
  });

  test("is brought to another version of the package, and made anew for another package", async () => {
    const folder = place(false);
    const common = offlineByUv();
    await makePythonEnv({ folder, requirement: "plain==1.0", ...common });
    writeFileSync(join(folder, "here-before"), "");
    const second = await makePythonEnv({ folder, requirement: "plain==2.0", ...common });
    expect(second.package.version).toBe("2.0");
    expect(existsSync(join(folder, "here-before"))).toBe(true);
    const third = await makePythonEnv({
      folder,
      requirement: "both[ui]",
      source: packages.source("both"),
      ...offline([packages.wheels, packages.sdists]),
    });
    expect(third).toMatchObject({ package: { name: "both" }, wasReused: false });
    expect(existsSync(join(folder, "here-before"))).toBe(false);
    expect(readdirSync(third.bin)).toContain("plain");
  });

  test("is made anew where its interpreter has gone", async () => {
    const folder = place(false);
    const request = { folder, requirement: "plain", ...offlineByUv() };
    await makePythonEnv(request);
    for (const name of readdirSync(join(folder, "bin")).filter((it) => it.startsWith("python"))) {
      unlinkSync(join(folder, "bin", name));
      symlinkSync("/nowhere/python", join(folder, "bin", name));
    }
    const made = await makePythonEnv(request);
    expect(made.wasReused).toBe(false);
    expect(greetingOf(made, "plain")).toBe("plain 2.0");
  });

  test("is made anew where a killed install may have left half of the package", async () => {
    const folder = place(false);
    const request = { folder, requirement: "plain", ...offlineByUv() };
    const made = await makePythonEnv(request);
    const record = join(folder, "harbor-env.json");
    writeFileSync(record, readFileSync(record, "utf8").replace('"step": "installed"', '"step": "installing"'));
    const metadata = (JSON.parse(readFileSync(record, "utf8")) as { package: { metadata: string } }).package.metadata;
    rmSync(join(metadata, "..", "plain.py"));
    expect(greetingOf(made, "plain")).toBe("");
    expect(greetingOf(await makePythonEnv(request), "plain")).toBe("plain 2.0");
  });

  test("never takes the place of something else", async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "thesis.txt"), "");
    const failed = await failureOf({ folder, requirement: "plain", ...offline() });
    expect(failed).toMatchObject({ kind: "occupied", message: expect.stringContaining('it holds something else, such as "thesis.txt"') });
    expect(readdirSync(folder)).toEqual(["thesis.txt"]);
  });

  test("is made of a folder with a source, and again once that has changed", async () => {
    const folder = place();
    const source = join(makeFolder(), "plain");
    cpSync(packages.source("plain"), source, { recursive: true });
    const request = { folder, requirement: source, ...offline() };
    expect((await makePythonEnv(request)).package).toEqual({ name: "plain", version: "1.0" });
    const facts = join(source, "facts.json");
    writeFileSync(facts, readFileSync(facts, "utf8").replace("1.0", "1.1"));
    writeFileSync(join(source, "pyproject.toml"), `${readFileSync(join(source, "pyproject.toml"), "utf8")}\n# 1.1\n`);
    expect((await makePythonEnv(request)).package.version).toBe("1.1");
  });

  test("takes what the user has configured for pip", async () => {
    const folder = place();
    const config = join(makeFolder(), "pip.conf");
    writeFileSync(config, `[global]\nno-index = true\nuser = true\nfind-links = ${packages.wheels}\n`);
    const made = await makePythonEnv({
      folder,
      requirement: "plain",
      python: python.path,
      env: environment({ PIP_CONFIG_FILE: config, PYTHONPATH: "/nowhere" }),
    });
    expect(greetingOf(made, "plain")).toBe("plain 2.0");
  });
});

describe("a package that refuses this Python", () => {
  test("is widened from its source", async () => {
    const steps: PythonEnvProgress[] = [];
    const made = await makePythonEnv({
      folder: place(),
      requirement: "strict",
      ...offline([packages.sdists]),
      onProgress: (it) => steps.push(it),
    });
    const minor = python.version.split(".").slice(0, 2).join(".");
    expect(made.patched).toEqual([{ name: "strict", from: NEVER, to: `>=${minor}` }]);
    expect(greetingOf(made, "strict")).toBe("strict 1.0");
    expect(steps.map(({ text }) => text)).toContain(`"strict" asks for Python ${NEVER}, and this is ${python.version}`);
  });

  test("is widened where another depends on it, and where both refuse, with its extras", async () => {
    const made = await makePythonEnv({ folder: place(), requirement: "both[ui]", ...offline([packages.wheels, packages.sdists]) });
    expect(made.patched.map(({ name }) => name).sort()).toEqual(["both", "strict"]);
    expect(
      readdirSync(made.bin)
        .filter((it) => ["both", "strict", "plain"].includes(it))
        .sort(),
    ).toEqual(["both", "plain", "strict"]);
  });

  test("is widened in its wheel where its bound stands elsewhere, or no source is to be had", async () => {
    const elsewhere = await makePythonEnv({ folder: place(), requirement: "loose-ends", ...offline([packages.sdists]) });
    expect(elsewhere.patched).toMatchObject([{ name: "loose-ends", from: NEVER }]);
    expect(greetingOf(elsewhere, "loose-ends")).toBe("loose-ends 1.0");
    const wheelOnly = await makePythonEnv({ folder: place(), requirement: "outer", ...offline() });
    expect(wheelOnly.patched).toMatchObject([{ name: "strict", from: NEVER }]);
    expect(Bun.spawnSync([wheelOnly.python, "-m", "pip", "check"]).exitCode).toBe(0);
  });

  test("is widened in a copy: what a link in its source leads to stays as it is", async () => {
    const source = join(makeFolder(), "strict");
    cpSync(packages.source("strict"), source, { recursive: true });
    const [file, original] = [join(source, "pyproject.toml"), join(source, "../pyproject.toml")];
    renameSync(file, original);
    symlinkSync("../pyproject.toml", file);
    const made = await makePythonEnv({ folder: place(), requirement: `strict @ ${Bun.pathToFileURL(source)}`, ...offline() });
    expect(made.patched).toMatchObject([{ name: "strict", from: NEVER }]);
    expect(readFileSync(original, "utf8")).toContain(NEVER);
  });

  test("is widened from the source that the caller names: an archive or a folder", async () => {
    const folder = place();
    const archive = join(packages.sdists, "strict-1.0.tar.gz");
    const ofArchive = await makePythonEnv({ folder, requirement: "strict", source: archive, ...offline() });
    expect(ofArchive.patched).toMatchObject([{ name: "strict", from: NEVER }]);
    const source = packages.source("strict");
    const ofFolder = await makePythonEnv({ folder, requirement: source, ...offline([]) });
    expect(ofFolder).toMatchObject({ package: { name: "strict", version: "1.0" }, patched: [{ name: "strict" }] });
    expect(readFileSync(join(source, "pyproject.toml"), "utf8")).toContain(NEVER);
  });

  test("is not unpacked where its archive leads out of its folder", async () => {
    const root = makeFolder();
    const archive = join(root, "strict-1.0.tar.gz");
    const script =
      "import io, sys, tarfile\nwith tarfile.open(sys.argv[1], 'w:gz') as a:\n e = tarfile.TarInfo('../../../../escaped'); a.addfile(e, io.BytesIO())";
    Bun.spawnSync([python.path, "-c", script, archive]);
    const folder = join(root, "envs", "env");
    cpSync(template, folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    const failed = await failureOf({ folder, requirement: "strict", source: archive, ...offline() });
    expect(failed.message).toStartWith('Cannot widen "strict": refused: ');
    expect(new Bun.Glob("**/escaped").scanSync(root).next().done).toBe(true);
  });

  test("is left alone where another Python of this host fits and the choice is ours", async () => {
    if (!pythons.some(({ version }) => /^3\.(?:8|9|10|11)\./.test(version)) || !pythons.some(({ version }) => /^3\.1[2-9]\./.test(version)))
      return;
    const { HOME = "", PATH = "" } = process.env;
    const request = { index: { links: [packages.wheels] }, isOffline: true, env: { ...standIn(PATH).env, HOME } };
    const made = await makePythonEnv({ ...request, folder: place(false), requirement: "old" });
    expect(made.patched).toEqual([]);
    expect(made.version).toMatch(/^3\.(?:8|9|10|11)\./);
    expect(greetingOf(made, "old")).toBe("old 1.0");
  });

  test("of an index on the network is asked for from there, and a password in the index's address is shown nowhere", async () => {
    using index = serveIndex(packages);
    const folder = place();
    const steps: PythonEnvProgress[] = [];
    const url = `http://user:geheim@127.0.0.1:${index.port}/simple`;
    const made = await makePythonEnv({
      folder,
      requirement: "outer",
      python: python.path,
      index: { url },
      env: environment(),
      onProgress: (it) => steps.push(it),
    });
    expect(made.patched).toMatchObject([{ name: "strict", from: NEVER }]);
    expect(index.asked).toContain("/files/strict-1.0.tar.gz");
    const log = readFileSync(`${folder}.log`, "utf8");
    expect(log).toContain("PIP_INDEX_URL='http://user:********@127.0.0.1:");
    expect(log + JSON.stringify(steps) + readFileSync(join(folder, "harbor-env.json"), "utf8")).not.toContain("geheim");
  });

  test("of an address with a password: that is neither among the words of a command nor kept", async () => {
    using index = serveIndex(packages);
    const folder = place();
    const requirement = `strict @ http://user:geheim@127.0.0.1:${index.port}/files/strict-1.0.tar.gz`;
    const made = await makePythonEnv({ folder, requirement, python: python.path, isOffline: true, env: environment() });
    expect(made.patched).toMatchObject([{ name: "strict" }]);
    const log = readFileSync(`${folder}.log`, "utf8");
    expect(log).toMatch(/-m pip install --no-index -r \S+requirements\.txt$/m);
    expect(log).not.toContain("geheim");
    for (const path of new Bun.Glob("**/*").scanSync({ cwd: join(folder, ".."), absolute: true })) {
      if (!path.includes("/site-packages/pip/")) expect(readFileSync(path).includes("geheim")).toBe(false);
    }
  });

  test("is refused where there is neither source nor wheel of it to change", async () => {
    using index = serveIndex(packages, { isLocked: true });
    const url = `http://user:geheim@127.0.0.1:${index.port}/simple`;
    const failed = await failureOf({ folder: place(), requirement: "outer", python: python.path, index: { url }, env: environment() });
    expect(failed).toMatchObject({
      kind: "requires-python",
      message: `Cannot install "strict": it asks for Python ${NEVER}, and there is no source of it to change`,
      hint: 'Use a Python that it asks for, or name the source of "strict"',
    });
    expect(failed.details.join("\n")).not.toContain("geheim");
  });
});

/** A package index (PEP 503) that wants a password; `isLocked`: it lists files, and gives none that refuses. */
function serveIndex({ wheels, sdists }: Packages, { isLocked = false } = {}) {
  const asked: string[] = [];
  const files = new Map([wheels, sdists].flatMap((folder) => readdirSync(folder).map((name) => [name, join(folder, name)] as const)));
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: freePort(),
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (request.headers.get("authorization") !== `Basic ${btoa("user:geheim")}`) return new Response("who are you?", { status: 401 });
      asked.push(pathname);
      const project = /^\/simple\/([^/]+)\/$/.exec(pathname)?.[1];
      if (project !== undefined) {
        const own = [...files.keys()].filter((name) => name.startsWith(`${project.replaceAll("-", "_")}-`));
        const bound = project === "strict" ? ' data-requires-python="&gt;=3.99"' : "";
        if (own.length === 0) return new Response("no such project", { status: 404 });
        return new Response(own.map((name) => `<a href="/files/${name}"${bound}>${name}</a>`).join("\n"), {
          headers: { "content-type": "text/html" },
        });
      }
      const path = files.get(pathname.replace("/files/", ""));
      if (path === undefined || (isLocked && pathname.includes("strict"))) return new Response("no such file", { status: 404 });
      return new Response(Bun.file(path));
    },
  });
  return { port: server.port, asked, [Symbol.dispose]: () => void server.stop(true) };
}

test.each([
  ["pip", () => environment()],
  ["uv", () => standIn().env],
])("an index that is not to be used is not asked, nor the configured one: %s", async (_, env) => {
  using index = serveIndex(packages);
  const PIP_INDEX_URL = `http://127.0.0.1:${index.port}/simple`;
  const common = { index: { links: [packages.wheels], isUnused: true }, python: python.path, env: { ...env(), PIP_INDEX_URL } };
  await makePythonEnv({ folder: place(), requirement: "outer", ...common });
  expect(index.asked).toEqual([]);
});

describe("what goes wrong", () => {
  test("what is there stays of use where something else cannot be had", async () => {
    const folder = place();
    const made = await makePythonEnv({ folder, requirement: "plain==1.0", ...offline() });
    await failureOf({ folder, requirement: "plain==9", ...offline() });
    expect(await makePythonEnv({ folder, requirement: "plain==1.0", ...offline([]) })).toEqual({ ...made, wasReused: true });
  });

  test("no network: the index's address is closed", async () => {
    const url = `http://127.0.0.1:${freePort()}/simple`;
    const failed = await failureOf({ folder: place(), requirement: "plain", python: python.path, index: { url }, env: environment() });
    expect(failed).toMatchObject({
      kind: "network",
      exit: "failed",
      message: 'Cannot install "plain": the index cannot be reached (Connection refused)',
    });
    expect(failed.details[0]).toContain(`-m pip install --index-url ${url} plain`);
    expect(failed.details[1]).toBe("exit code: 1");
    expect(failed.hint).toContain("Check the network");
  });

  test("there is no such package, or no such version, or one that it depends on is missing", async () => {
    const folder = place();
    for (const [requirement, missing] of [["nothing-like-it"], ["plain==9"], ["lacking", "nowhere-to-be-found>=2"]]) {
      const failed = await failureOf({ folder, requirement: requirement ?? "", ...offline() });
      expect(failed).toMatchObject({
        kind: "unresolvable",
        message: `Cannot install "${requirement}": No matching distribution found for ${missing ?? requirement}`,
      });
      expect(failed.hint).toStartWith("Offline only local files");
    }
  });

  test("a build fails: its own words are shown", async () => {
    const failed = await failureOf({ folder: place(), requirement: "broken", ...offline([packages.sdists]) });
    expect([failed.kind, failed.message]).toEqual(["build", 'Cannot install "broken": a build fails: the compiler is on holiday']);
    expect(failed.details.join("\n")).toContain("the compiler is on holiday");
  });

  test("no Python that fits, or one without venv", async () => {
    const folder = place(false);
    const failed = await failureOf({ folder, requirement: "plain", ...offline(), python: "3.99" });
    expect(failed).toMatchObject({ kind: "no-python", exit: "missing", message: expect.stringContaining("no Python 3.99") });
    expect(failed.details.length).toBeGreaterThan(0);

    const bare = join(makeFolder(), "python3");
    writeFileSync(bare, `#!/bin/sh\nexec ${python.path} -S "$@" 3>&1 | sed 's/"hasVenv": true/"hasVenv": false/'\n`, { mode: 0o755 });
    const lacking = await failureOf({ folder, requirement: "plain", ...offline(), python: bare });
    expect(lacking).toMatchObject({ kind: "no-venv", exit: "missing", message: expect.stringContaining("has no venv module") });
    expect(existsSync(folder)).toBe(false);
  });

  test.each(["-r/etc/passwd", "plain --index-url=http://x", "plain\n--pre", "", "plain === x y", "a b"])(
    "%j is no requirement",
    async (requirement) => {
      const failed: unknown = await makePythonEnv({ folder: place(false), requirement, ...offline() }).catch((error: unknown) => error);
      expect(failed).toMatchObject({ exit: "usage" });
    },
  );

  test("an abort ends the installer and all that it started, and the next call goes on", async () => {
    const folder = place(false);
    const abort = new AbortController();
    const request = { folder, requirement: "patient", ...offlineByUv([packages.sdists]) };
    const making = failureOf({ ...request, signal: abort.signal });
    await buildOfPatient(() => abort.abort());
    expect(await making).toMatchObject({ kind: "interrupted", exit: "interrupted" });
    if (process.platform === "linux") expect(markedProcesses(folder)).toBe(0);
    writeFileSync(join(shared, "go"), "");
    expect((await makePythonEnv(request)).package.name).toBe("patient");
  });
});

/** Until the build of that package has begun; then it waits until the file `go` is there. */
async function buildOfPatient(then: () => void): Promise<void> {
  await until(() => existsSync(join(shared, "go.started")), "the build has begun", 30_000);
  then();
}

/** The command, as a process that can be killed. */
function start(folder: string, requirement = "plain", env = environment()) {
  const links = ["--find-links", packages.wheels, "--find-links", packages.sdists];
  const words = [folder, requirement, "--python", python.path, ...links, "--offline", "--json"];
  return Bun.spawn([process.execPath, program, ...words], { env, stdout: "pipe", stderr: "pipe" });
}

beforeEach(() => {
  for (const name of ["go", "go.started"]) rmSync(join(shared, name), { force: true });
});

/** How many processes work on it. */
function markedProcesses(folder: string): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const marked = pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HARBOR_PYTHON_ENV=${folder}`);
    } catch {
      return false;
    }
  });
  return marked.length;
}

describe("several calls", () => {
  test("two at once: one works, the other waits for it by name and reuses", async () => {
    const folder = place(false);
    const { env } = standIn();
    const first = start(folder, "patient", env);
    await buildOfPatient(() => undefined);
    const second = start(folder, "patient", env);
    let said = "";
    const reading = (async () => {
      for await (const chunk of second.stderr) said += new TextDecoder().decode(chunk);
    })();
    await until(() => said.includes("\n"), "the second says something", 30_000);
    expect(said).toMatch(new RegExp(`^create: waiting: pid ${first.pid} \\(making the Python environment .*\\) holds it since `));
    writeFileSync(join(shared, "go"), "");
    const ended = [(await resultOf(first)).stdout, await new Response(second.stdout).text()].map((text) => JSON.parse(text) as PythonEnv);
    await reading;
    expect(ended.map(({ wasReused }) => wasReused)).toEqual([false, true]);
    expect(said.trim().split("\n")).toHaveLength(1);
  });

  test("killed again and again, at any moment, the next call ends what was left and completes it", async () => {
    const folder = place(false);
    for (const delayMs of [20, 150, 600, 1_500]) {
      const child = start(folder);
      await Promise.race([Bun.sleep(delayMs), child.exited]);
      child.kill("SIGKILL");
      await child.exited;
    }
    const last = await resultOf(start(folder));
    expect(last.stderr).not.toContain("harbor:");
    expect(last.exit).toBe(0);
    expect(greetingOf(JSON.parse(last.stdout) as PythonEnv, "plain")).toBe("plain 2.0");
    if (process.platform === "linux") await until(() => markedProcesses(folder) === 0, "no process is left");
    expect(readdirSync(`${folder}.work`).filter((name) => name.startsWith("old-"))).toEqual([]);
  });

  test("the installer that a killed call left behind is ended by the next one", async () => {
    const folder = place(false);
    const { env } = standIn();
    const child = start(folder, "patient", env);
    await buildOfPatient(() => child.kill("SIGKILL"));
    await child.exited;
    if (process.platform === "linux") expect(markedProcesses(folder)).toBeGreaterThan(0);
    const temporary = `${folder}.work/tmp`;
    expect(readdirSync(temporary)).toContainEqual(expect.stringMatching(/^pip-/));
    writeFileSync(join(shared, "go"), "");
    const next = await resultOf(start(folder, "patient", env));
    expect(next.exit).toBe(0);
    expect(existsSync(temporary)).toBe(false);
    expect(next.stderr).toMatch(/^create: ended \d+ processes that a killed call left behind$/m);
  });
});

/** A folder with a `uv` in it, in front of the PATH. */
function standIn(path = "/usr/bin:/bin") {
  const folder = makeFolder();
  writeUvStandIn(folder, { python: python.path, pip: join(template, "bin", "python") });
  const calls = () => {
    const lines = readFileSync(join(folder, "uv.calls"), "utf8").trim().split("\n");
    return lines.map((line) => JSON.parse(line) as { words: string[]; index: string | null });
  };
  return { env: environment({ PATH: `${folder}:${path}` }), calls };
}

describe("with uv (a stand-in that says it is one)", () => {
  test("it makes the environment and installs", async () => {
    const { env, calls } = standIn();
    const folder = place(false);
    const made = await makePythonEnv({ folder, requirement: "plain", ...offline(), env });
    expect(made).toMatchObject({ installer: "uv", package: { name: "plain", version: "2.0" } });
    expect(calls().map(({ words }) => words)).toEqual([
      ["venv", "--allow-existing", "--python", python.path, "--offline", folder],
      ["pip", "install", "--python", made.python, "--offline", "--find-links", packages.wheels, "plain"],
    ]);
  });

  test("a password goes by its environment", async () => {
    using index = serveIndex(packages);
    const { env, calls } = standIn();
    const url = `http://user:geheim@127.0.0.1:${index.port}/simple`;
    await makePythonEnv({ folder: place(false), requirement: "plain", python: python.path, index: { url }, env });
    expect(calls().at(-1)?.index).toBe(url);
    expect(JSON.stringify(calls().map(({ words }) => words))).not.toContain("geheim");
  });

  test("a package that it refuses in its own words is widened, from the index that the user has set up for uv", async () => {
    using index = serveIndex(packages);
    const { env } = standIn();
    const UV_DEFAULT_INDEX = `http://user:geheim@127.0.0.1:${index.port}/simple`;
    const request = { folder: place(false), python: python.path, env: { ...env, UV_DEFAULT_INDEX } };
    const made = await makePythonEnv({ ...request, requirement: "outer", index: { links: [packages.wheels] } });
    expect(made).toMatchObject({ installer: "uv", patched: [{ name: "strict", from: NEVER }] });
    expect(greetingOf(made, "strict")).toBe("strict 1.0");
    expect(index.asked).toContain("/files/strict-1.0.tar.gz");
  });

  test("it may fetch a Python that this host has not, but not offline", async () => {
    const { env, calls } = standIn();
    const request = { folder: place(false), requirement: "plain", index: {}, env, python: "3.99" };
    expect(await failureOf(request)).toMatchObject({
      kind: "no-python",
      message: expect.stringContaining("No interpreter found for Python 3.99"),
    });
    expect(calls().at(-1)?.words).toContain("3.99");
    const before = calls().length;
    expect((await failureOf({ ...request, isOffline: true })).kind).toBe("no-python");
    expect(calls().filter(({ words }) => words[0] === "venv")).toHaveLength(
      calls()
        .slice(0, before)
        .filter(({ words }) => words[0] === "venv").length,
    );
  });

  test("one that is broken is passed over for venv and pip", async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "bin", "uv"), "#!/bin/sh\necho \"error: unrecognized subcommand '$1'\" >&2\nexit 2\n", { mode: 0o755 });
    const made = await makePythonEnv({
      folder: place(false),
      requirement: "plain",
      ...offline(),
      env: environment({ PATH: `${folder}/bin:/usr/bin:/bin` }),
    });
    expect(made).toMatchObject({ installer: "pip", package: { name: "plain" } });
  });
});
