import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readSelection, type Selection } from "../../../routines/compose/read-selection.ts";
import type { SelectionArgs } from "../../../routines/compose/selection-args.ts";
import type { Gpu } from "../../../routines/host/detect-gpu.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const NATIVE = "x-harbor-native: { executable: sleep, port: 1 }\n";
const FILES = {
  "services/a/compose.a.yml": "",
  "services/a/compose.a.gpu9.yml": "",
  "services/b/compose.b.yml": "",
  "services/b/b_native.yml": NATIVE,
  "services/c/compose.c.yml": "",
  "services/c/c_native.yml": NATIVE,
};

const FREE: Gpu = { isPresent: true, isPassedOn: false, reason: "Docker Desktop gives containers none" };
const NONE: Gpu = { isPresent: false, isPassedOn: false, reason: "this host has no GPU" };

interface Question extends Partial<SelectionArgs> {
  env?: Record<string, string>;
  running?: { services: string[]; natives: string[]; capabilities: string[] };
  files?: Record<string, string>;
  gpu?: Gpu;
}

function select({ env = {}, running, files = FILES, gpu = NONE, ...given }: Question): Promise<Selection> {
  const args = {
    names: [],
    exclude: [],
    container: [],
    native: false,
    capability: [],
    "no-defaults": false,
    workspace: makeTree(files),
    ...given,
  };
  return readSelection({
    args,
    env: { HARBOR_HOME: makeFolder(), HARBOR_CAPABILITIES_AUTODETECT: "false", ...env },
    ...(running ? { running } : {}),
    gpu: () => gpu,
  });
}

const sorted = (names: ReadonlySet<string> | "*"): string[] | "*" => (names === "*" ? "*" : [...names].sort());

describe("readSelection", () => {
  test.each<[string, Question, string[] | "*", string[]]>([
    ["names run in containers", { names: ["a", "b"] }, ["a", "b"], []],
    ["-x selects and runs natively", { names: ["a"], exclude: ["b"] }, ["a", "b"], ["b"]],
    [
      "-n runs natively what is selected and can be, by default too",
      { names: ["a", "b"], native: true, env: { HARBOR_SERVICES_DEFAULT: "c" } },
      ["a", "b", "c"],
      ["b", "c"],
    ],
    [
      "-n leaves what runs, and is not named, on what it runs on",
      { names: ["a"], native: true, running: { services: ["b"], natives: [], capabilities: [] } },
      ["a", "b"],
      [],
    ],
    [
      "* is all, with -n all that can be natively",
      { names: ["*"], native: true },
      "*",
      ["b", "c", "conductor", "llamacpp", "mock-openai", "ollama", "redis", "speaches"],
    ],
    ["defaults are a list", { env: { HARBOR_SERVICES_DEFAULT: "a; b" } }, ["a", "b"], []],
    [
      "what runs stays, on what it runs on",
      { names: ["a"], running: { services: ["b", "c"], natives: ["c"], capabilities: [] } },
      ["a", "b", "c"],
      ["c"],
    ],
    ["nothing at all is the base file's default", {}, ["mock-openai"], ["mock-openai"]],
    [
      "nothing beside what is up is that alone, without the default",
      { running: { services: ["b"], natives: ["b"], capabilities: [] } },
      ["b"],
      ["b"],
    ],
  ])("%s", async (_, question, services, natives) => {
    const selection = await select(question);
    expect(sorted(selection.services)).toEqual(services);
    expect(sorted(selection.natives)).toEqual(natives);
    expect([...selection.contracts.keys()].sort()).toEqual(natives);
  });

  const running = (services: string[], natives: string[]) => ({ services, natives, capabilities: [] });
  test.each<[string, Question, string, string]>([
    ["-c goes before -n", { names: ["b"], container: ["b"], native: true }, "container", "-c asks for it"],
    ["-c goes before what it runs on", { container: ["b"], running: running(["b"], ["b"]) }, "container", "-c asks for it"],
    ["-c goes before a preference", { container: ["b"], env: { HARBOR_B_RUNTIME: "native" } }, "container", "-c asks for it"],
    ["-x goes before what it runs on", { exclude: ["b"], running: running(["b"], []) }, "native", "-x asks for it"],
    ["-n goes before what it runs on", { names: ["b"], native: true, running: running(["b"], []) }, "native", "-n, and it has a contract"],
    [
      "-n goes before a preference",
      { names: ["b"], native: true, env: { HARBOR_B_RUNTIME: "container" } },
      "native",
      "-n, and it has a contract",
    ],
    [
      "what it runs on goes before a preference",
      { names: ["b"], running: running(["b"], []), env: { HARBOR_B_RUNTIME: "native" } },
      "container",
      "it runs in a container already",
    ],
    [
      "and natively as well",
      { names: ["b"], running: running(["b"], ["b"]), env: { HARBOR_B_RUNTIME: "container" } },
      "native",
      "it runs natively already",
    ],
    ["its own preference", { names: ["b"], env: { HARBOR_B_RUNTIME: "native" } }, "native", "HARBOR_B_RUNTIME is native (environment)"],
    [
      "its own goes before that for all",
      { names: ["b"], env: { HARBOR_B_RUNTIME: "container", HARBOR_RUNTIME: "native" } },
      "container",
      "HARBOR_B_RUNTIME is container (environment)",
    ],
    [
      "its own auto as well",
      { names: ["b"], env: { HARBOR_B_RUNTIME: "auto", HARBOR_RUNTIME: "native" } },
      "container",
      "auto: this host has no GPU",
    ],
    ["the preference for all", { names: ["b"], env: { HARBOR_RUNTIME: "native" } }, "native", "HARBOR_RUNTIME is native (environment)"],
    [
      "an empty preference is none",
      { names: ["b"], env: { HARBOR_B_RUNTIME: "", HARBOR_RUNTIME: "" } },
      "container",
      "auto: this host has no GPU",
    ],
  ])("%s", async (_, question, runtime, because) => {
    const { natives, reasons } = await select(question);
    expect([natives.has("b") ? "native" : "container", reasons.get("b")]).toEqual([runtime, because]);
  });

  test("prefers natively for all only what can be", async () => {
    const { natives, reasons } = await select({ names: ["a", "b"], env: { HARBOR_RUNTIME: "native" } });
    expect(sorted(natives)).toEqual(["b"]);
    expect(reasons.get("a")).toBe("it has no contract");
  });

  test("what runs when nothing is named follows a preference too", async () => {
    expect((await select({})).reasons.get("mock-openai")).toBe("it is what runs, natively, when nothing is named");
    expect((await select({ env: { HARBOR_RUNTIME: "auto" } })).natives.has("mock-openai")).toBe(true);
    expect((await select({ env: { HARBOR_MOCK_OPENAI_RUNTIME: "container" } })).natives.has("mock-openai")).toBe(false);
    expect((await select({ env: { HARBOR_RUNTIME: "container" } })).natives.has("mock-openai")).toBe(false);
  });

  describe("the runtime auto", () => {
    const contract = (executable: string, more = ""): Record<string, string> => ({
      "services/g/compose.g.yml": "",
      "services/g/g_native.yml": `x-harbor-native: { executable: "${executable}", port: 1, requires_gpu_passthrough: true${more} }\n`,
      "services/g/run.sh": "",
    });
    const wants = "auto: its contract requires GPU passthrough, Docker Desktop gives containers none";

    test.each<[string, Gpu, string, string, RegExp]>([
      [
        "natively where containers have no GPU, and the program is there",
        FREE,
        "${PROGRAM:-sh}",
        "native",
        new RegExp(`^${wants}, sh is installed at /.*/sh$`),
      ],
      ["bun is always there", FREE, "bun", "native", /bun is installed at/],
      [
        "in a container where the program is not",
        FREE,
        "no-such-program",
        "container",
        new RegExp(`^${wants}, but no-such-program is not installed$`),
      ],
      ["in a container where the file cannot be run", FREE, "./run.sh", "container", /but \.\/run\.sh is not installed$/],
      ["in a container where there is no GPU", NONE, "sh", "container", /^auto: this host has no GPU$/],
      [
        "in a container that gets the GPU",
        { ...FREE, isPassedOn: true, reason: "containers get it" },
        "sh",
        "container",
        /^auto: containers get it$/,
      ],
    ])("%s", async (_, gpu, executable, runtime, because) => {
      const { natives, reasons } = await select({ names: ["g"], files: contract(executable), gpu, env: { PATH: process.env.PATH ?? "" } });
      expect(natives.has("g") ? "native" : "container").toBe(runtime);
      expect(reasons.get("g")).toMatch(because);
    });

    test("in a container what needs no GPU", async () => {
      const { reasons } = await select({ names: ["b"], gpu: FREE });
      expect(reasons.get("b")).toBe("auto: its contract requires no GPU passthrough");
    });

    test("asks for the GPU only where nothing else decides", async () => {
      const gpu = {
        get isPresent(): boolean {
          throw new Error("asked");
        },
      } as Gpu;
      const { reasons } = await select({ names: ["a"], exclude: ["b"], gpu, env: { HARBOR_C_RUNTIME: "container" }, container: ["c"] });
      expect([...reasons.keys()]).toEqual(["a", "b", "c"]);
    });
  });

  test("tells what was asked now from what was there before", async () => {
    const running = { services: ["c"], natives: [], capabilities: ["rocm"] };
    const selection = await select({
      names: ["a", "cdi"],
      running,
      env: { HARBOR_SERVICES_DEFAULT: "b", HARBOR_CAPABILITIES_DEFAULT: "build" },
    });
    expect(sorted(selection.asked)).toEqual(["a"]);
    expect(sorted(selection.capabilities)).toEqual(["build", "cdi", "rocm"]);
  });

  test("tells what runs and is found no more from a default that never was", async () => {
    const running = { services: ["b", "moved"], natives: ["moved"], capabilities: [] };
    const selection = await select({ names: ["a"], running, env: { HARBOR_SERVICES_DEFAULT: "never" } });
    expect(sorted(selection.services)).toEqual(["a", "b"]);
    expect(selection.lost).toEqual(["moved"]);
    expect(selection.warnings).toEqual([
      expect.stringContaining('"moved" runs, but its folder is gone from the workspace'),
      expect.stringContaining('"never" is a default service (HARBOR_SERVICES_DEFAULT), but there is no such service'),
    ]);
  });

  test("takes a capability of the user's own, and warns of one that no file is for", async () => {
    expect((await select({ names: ["a"], capability: ["gpu9"] })).warnings).toEqual([]);
    expect((await select({ names: ["b"], capability: ["rcm"] })).warnings).toEqual([
      'No file of the services selected is for the capability "rcm"; did you mean "rocm"?',
    ]);
  });

  test.each<[string, Question, string, string]>([
    ["a name that is none", { names: ["../x"] }, "usage", 'Cannot use "../x" as a service'],
    ["an unknown name", { names: ["bb"] }, "unknown", 'Cannot find service "bb"; did you mean "b"?'],
    ["-x without a contract", { exclude: ["a"] }, "failed", 'Cannot run "a" natively: it has no contract (a_native.yml)'],
    [
      "-x and -c of the same",
      { exclude: ["b"], container: ["b"] },
      "usage",
      'Cannot run "b" natively and in a container: both -x and -c name it',
    ],
    ["-c with a capability", { container: ["rocm"] }, "usage", 'Cannot run "rocm" in a container: it is a capability, no service'],
    ["-c with all", { container: ["*"] }, "usage", 'Cannot run "*" in a container: -c takes a service'],
    ["-c of an unknown name", { container: ["bb"] }, "unknown", 'Cannot find service "bb"; did you mean "b"?'],
    [
      "a preference that is none",
      { names: ["b"], env: { HARBOR_B_RUNTIME: "metal" } },
      "usage",
      'Cannot use HARBOR_B_RUNTIME "metal" (environment): there is no such runtime',
    ],
    [
      "a preference without a contract",
      { names: ["a"], env: { HARBOR_A_RUNTIME: "native" } },
      "failed",
      'Cannot run "a" natively: it has no contract',
    ],
    ["-x with a capability", { exclude: ["rocm"] }, "usage", 'Cannot run "rocm" natively: it is a capability, no service'],
    ["nothing to run", { "no-defaults": true }, "usage", "Cannot tell what to run"],
    ["defaults that are all unknown", { env: { HARBOR_SERVICES_DEFAULT: "zzz;../b" } }, "usage", "Cannot tell what to run"],
  ])("refuses %s", async (_, question, exit, message) => {
    const failed: unknown = await select(question).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit, message: expect.stringContaining(message) });
  });

  test("reads files of the services selected alone", async () => {
    const { files, workspace } = await select({ names: ["a"] });
    expect(files.map((file) => file.path).sort()).toEqual(
      [
        join(workspace.layers[0]?.root ?? "", "compose.yml"),
        join(workspace.layers.at(-1)?.root ?? "", "a/compose.a.gpu9.yml"),
        join(workspace.layers.at(-1)?.root ?? "", "a/compose.a.yml"),
      ].sort(),
    );
  });
});
