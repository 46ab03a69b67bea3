import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { makePlan } from "../../../routines/compose/make-plan.ts";
import { readStack, type StackRecord, stateOf } from "../../../routines/stack/read-stack.ts";
import { clearState, removeEmptyState, writeComposeFiles, writeStack } from "../../../routines/stack/write-stack.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const record: StackRecord = {
  project: "p",
  workspace: undefined,
  services: ["a"],
  natives: [],
  capabilities: [],
  planned: [],
  hasContainers: true,
  bootId: "b",
};

describe("writeStack and readStack", () => {
  test("keep what is up, for its owner alone", () => {
    const home = makeFolder();
    expect(readStack(home)).toBeUndefined();
    writeStack(home, record);
    expect(readStack(home)).toEqual(record);
    expect(statSync(stateOf(home).stack).mode & 0o777).toBe(0o600);
    expect(statSync(stateOf(home).directory).mode & 0o777).toBe(0o700);
  });

  test("say what is wrong with a record that is none", () => {
    const home = makeTree({ "state/stack.json": "{" });
    expect(() => readStack(home)).toThrow(`Cannot read "${stateOf(home).stack}": it is not JSON`);
  });
});

describe("clearState", () => {
  test.each([
    ["no record", undefined],
    ["a record of nothing", { ...record, services: [] }],
  ])("%s leaves no file, but what is still in use", (_, last) => {
    const home = makeTree({
      "state/compose.yml": "",
      "state/values.env": "",
      "state/cmd/compose.yml": "",
      "state/host.json": "",
      "state/lock": "",
    });
    writeStack(home, record);
    writeStack(home, last);
    expect(readdirSync(stateOf(home).directory)).toEqual(["lock"]);
    removeEmptyState(home);
    expect(existsSync(stateOf(home).directory)).toBe(true);
  });

  test("keeps the logs of what still runs, and removes the folder once it is empty", () => {
    const home = makeTree({ "state/native/a/log": "" });
    clearState(home);
    expect(existsSync(join(home, "state/native/a/log"))).toBe(true);
    const empty = makeTree({ "state/stack.json": "" });
    clearState(empty);
    removeEmptyState(empty);
    expect(existsSync(join(empty, "state"))).toBe(false);
  });
});

describe("writeComposeFiles", () => {
  test("puts beside the file the values of the variables that it names, and no others", async () => {
    const home = makeFolder();
    const workspace = makeTree({ "compose.a.yml": 'services:\n  a: { image: "i:${HARBOR_V:-1}", command: "${HARBOR_K}" }\n' });
    const args = { names: ["a"], exclude: [], container: [], native: false, capability: [], "no-defaults": false, workspace };
    const env = {
      HARBOR_HOME: home,
      HARBOR_PROJECT: "p",
      HARBOR_K: "it's $x",
      HARBOR_OTHER: "no",
      HARBOR_CAPABILITIES_AUTODETECT: "false",
    };
    const { file, envFile } = writeComposeFiles(await makePlan({ args, env }));
    expect(await Bun.file(envFile).text()).toBe('HARBOR_K="it\'s \\$x"\n');
    expect(await Bun.file(file).text()).toContain('image: "i:${HARBOR_V:-1}"');
    expect([file, envFile].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
  });
});
