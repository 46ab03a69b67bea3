/** Checks of service folders: what is read of them, and how it is judged. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readValues } from "../../../routines/config/read-values.ts";
import { type ContractFacts, judgeContracts, readContracts } from "../../../routines/doctor/check-contracts.ts";
import { judgeFolders, readFolders } from "../../../routines/doctor/check-folders.ts";
import type { Workspace } from "../../../routines/workspace/find-workspace.ts";
import { makeTree } from "../../_workspace.ts";

function workspaceOf(files: Record<string, string>): Workspace {
  const root = makeTree(files);
  return { layout: "folders", home: root, layers: [{ kind: "user", root: join(root, "services") }] };
}

describe("folders", () => {
  const workspace = () =>
    workspaceOf({
      "services/good/compose.good.yml": "services: { good: { image: x } }\n",
      "services/bad/compose.bad.yml": "services:\n  bad: [\n",
      "services/worse/worse_native.yml": "x-harbor-native:\n  nonsense: 1\n",
    });

  test("D11: one that cannot be read is that service's alone, with its place", () => {
    const found = judgeFolders(readFolders(workspace(), new Set(["good"])));
    expect(found.map(({ state, what }) => [state, what.replace(/\/\S*\/services\//, "")])).toEqual([
      ["warning", expect.stringMatching(/^bad: bad\/compose\.bad\.yml:3:1: Cannot read YAML/)],
      ["warning", expect.stringMatching(/^worse: worse\/worse_native\.yml:2:3: unknown key "nonsense"/)],
    ]);
    expect(found[1]?.details).toEqual([expect.stringContaining('"executable" is missing')]);
  });

  test("fails where it is up or a default", () => {
    expect(judgeFolders(readFolders(workspace(), new Set(["bad"]))).map(({ state }) => state)).toEqual(["failed", "warning"]);
  });

  test("is content with good ones", () => {
    expect(judgeFolders([{ handle: "a", problems: [], isSelected: true }])).toMatchObject([{ state: "ok" }]);
  });
});

describe("contracts", () => {
  const facts: ContractFacts = { handle: "ollama", program: "ollama", file: null, install: "brew install ollama", isSelected: false };

  test("a missing program fails what is selected, and is one line for the rest", () => {
    const others = { ...facts, handle: "llamacpp", install: undefined };
    expect(judgeContracts([facts, others])).toEqual([
      {
        state: "ok",
        what: "can run natively: none; not installed: ollama, llamacpp",
        details: ["ollama: brew install ollama", "llamacpp: its contract does not say how to install it"],
      },
    ]);
    expect(
      judgeContracts([
        { ...facts, isSelected: true },
        { ...facts, handle: "redis", file: "/bin/redis-server" },
      ]),
    ).toMatchObject([
      { state: "failed", what: expect.stringContaining('"ollama" is not here'), fix: "brew install ollama" },
      { state: "ok", what: "can run natively: redis" },
    ]);
  });

  test("reads every contract that can be read", () => {
    const workspace = workspaceOf({
      "services/a/a_native.yml": "x-harbor-native: { executable: sh, port: 1, install: x }\n",
      "services/b/b_native.yml": "x-harbor-native: { executable: nowhere-to-be-found, port: 2, install: { any: get it } }\n",
      "services/c/c_native.yml": "x-harbor-native: [\n",
    });
    const found = readContracts(workspace, readValues({ workspace, env: {} }), "/bin:/usr/bin", ["b"]);
    expect(found).toEqual([
      { handle: "a", program: "sh", file: expect.stringContaining("/sh"), install: "x", isSelected: false },
      { handle: "b", program: "nowhere-to-be-found", file: null, install: "get it", isSelected: true },
    ]);
  });
});
