import { describe, expect, test } from "bun:test";
import { join, relative } from "node:path";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { listFiles } from "../../../routines/workspace/list-files.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const capabilities = new Set(["nvidia", "cdi", "rocm", "mdc", "build"]);
const empty = "";

function list(layers: Record<string, string>[], handles: string[] | "*") {
  const [builtIn = {}, user = {}] = layers;
  const root = makeTree(builtIn);
  const home = makeTree(Object.fromEntries(Object.entries(user).map(([name, text]) => [`services/${name}`, text])));
  const workspace = findWorkspace({ home, cwd: makeFolder(), builtIn: root });
  return listFiles({ workspace, handles, capabilities }).map((file) => ({
    ...file,
    path: relative(file.path.startsWith(home) ? home : root, file.path),
  }));
}

describe("listFiles", () => {
  test("tells the kind of a file by its name", () => {
    const files = list(
      [
        {
          "compose.yml": empty,
          "ollama/compose.ollama.yml": empty,
          "ollama/compose.ollama.nvidia.yml": empty,
          "ollama/compose.x.ollama.webui.yml": empty,
          "ollama/compose.x.ollama.cdi.yml": empty,
          "ollama/compose.ollama.ts": empty,
          "ollama/ollama_native.yml": empty,
          "ollama/config.yml": empty,
          "ollama/README.md": empty,
        },
      ],
      ["ollama"],
    );
    expect(Object.fromEntries(files.map((file) => [file.name, file.kind]))).toEqual({
      "compose.yml": "base",
      "compose.ollama.yml": "definition",
      "compose.ollama.nvidia.yml": "capability",
      "compose.x.ollama.webui.yml": "cross",
      "compose.x.ollama.cdi.yml": "capability",
      "compose.ollama.ts": "module",
      "ollama_native.yml": "contract",
    });
  });

  test("reads the folders of the services asked for, and all for *", () => {
    const tree = { "a/compose.a.yml": empty, "b/compose.b.yml": empty };
    expect(list([tree], ["a"]).map((file) => file.path)).toEqual(["a/compose.a.yml"]);
    expect(list([tree], "*").map((file) => file.path)).toEqual(["a/compose.a.yml", "b/compose.b.yml"]);
  });

  test("lets a folder of a higher layer replace a lower one", () => {
    const files = list([{ "a/compose.a.yml": empty, "a/compose.x.a.b.yml": empty }, { "a/compose.a.yml": empty }], ["a"]);
    expect(files.map((file) => file.path)).toEqual(["services/a/compose.a.yml"]);
  });

  test("adds a folder of a higher layer that has cross files alone", () => {
    const files = list([{ "a/compose.a.yml": empty }, { "a/compose.x.a.b.yml": empty }], ["a"]);
    expect(files.map((file) => file.path)).toEqual(["a/compose.a.yml", "services/a/compose.x.a.b.yml"]);
  });

  test("lists all files of a flat workspace, with paths that mean its root", () => {
    const root = makeTree({
      "compose.yml": empty,
      "services/compose.a.yml": empty,
      "services/compose.a.b.yml": empty,
      "services/compose.x.a.nvidia.yml": empty,
      "a/a_native.yml": empty,
      "services/b/Dockerfile": empty,
    });
    const workspace = findWorkspace({ home: "/h", directory: root });
    const files = listFiles({ workspace, handles: ["a"], capabilities });
    expect(files.map((file) => [relative(root, file.path), file.kind, file.match]).sort()).toEqual([
      ["a/a_native.yml", "contract", "all"],
      ["compose.yml", "base", "all"],
      ["services/compose.a.b.yml", "cross", "any"],
      ["services/compose.a.yml", "definition", "all"],
      ["services/compose.x.a.nvidia.yml", "capability", "all"],
    ]);
    expect(new Set(files.map((file) => file.directory))).toEqual(new Set([root]));
    expect(files.find((file) => file.kind === "definition")?.path).toBe(join(root, "services/compose.a.yml"));
  });
});
