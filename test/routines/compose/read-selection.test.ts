import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readSelection, type Selection } from "../../../routines/compose/read-selection.ts";
import type { SelectionArgs } from "../../../routines/compose/selection-args.ts";
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

interface Question extends Partial<SelectionArgs> {
  env?: Record<string, string>;
  running?: { services: string[]; natives: string[]; capabilities: string[] };
}

function select({ env = {}, running, ...given }: Question): Promise<Selection> {
  const args = { names: [], exclude: [], native: false, capability: [], "no-defaults": false, workspace: makeTree(FILES), ...given };
  return readSelection({
    args,
    env: { HARBOR_HOME: makeFolder(), HARBOR_CAPABILITIES_AUTODETECT: "false", ...env },
    ...(running ? { running } : {}),
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
      ["b", "c", "llamacpp", "mock-openai", "ollama", "redis"],
    ],
    ["defaults are a list", { env: { HARBOR_SERVICES_DEFAULT: "a; b" } }, ["a", "b"], []],
    [
      "what runs stays, on what it runs on",
      { names: ["a"], running: { services: ["b", "c"], natives: ["c"], capabilities: [] } },
      ["a", "b", "c"],
      ["c"],
    ],
    ["nothing at all is the base file's default", {}, ["mock-openai"], ["mock-openai"]],
  ])("%s", async (_, question, services, natives) => {
    const selection = await select(question);
    expect(sorted(selection.services)).toEqual(services);
    expect(sorted(selection.natives)).toEqual(natives);
    expect([...selection.contracts.keys()].sort()).toEqual(natives);
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
