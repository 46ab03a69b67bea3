import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { HarborError } from "../../../routines/_script/error.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { makeTree } from "../../_workspace.ts";

const service = "services: { a: { image: a } }\n";

describe("findWorkspace", () => {
  test("has the built-in and the user's layer, and the project's where there is one", () => {
    const cwd = makeTree({ "harbor/services/a/compose.a.yml": service });
    const kinds = findWorkspace({ home: "/home/u/.harbor", cwd, builtIn: "/opt/services" }).layers.map((layer) => layer.kind);
    expect(kinds).toEqual(["built-in", "user", "project"]);
    expect(findWorkspace({ home: "/home/u/.harbor", cwd: "/", builtIn: "/opt/services" }).layers).toEqual([
      { kind: "built-in", root: "/opt/services" },
      { kind: "user", root: "/home/u/.harbor/services" },
    ]);
  });

  test("keeps the projects of a running stack below the one that the user stands in, each once, and none that is gone", () => {
    const [first, second] = [
      makeTree({ "harbor/services/a/compose.a.yml": service }),
      makeTree({ "harbor/services/b/compose.b.yml": service }),
    ];
    const roots = [first, second].map((folder) => join(folder, "harbor/services"));
    const find = (cwd: string): string[] =>
      findWorkspace({ home: "/h", builtIn: "/b", cwd, projects: ["/gone", ...roots] })
        .layers.slice(2)
        .map((layer) => layer.root);
    expect(find("/")).toEqual(roots);
    expect(find(first)).toEqual(roots.toReversed());
    const named = findWorkspace({ home: "/h", builtIn: "/b", directory: second, projects: roots });
    expect(named.layers.slice(2).map((layer) => layer.root)).toEqual(roots);
  });

  test.each([
    ["service folders at its root", { "a/compose.a.yml": service }, ""],
    ["a folder services/", { "services/a/compose.a.yml": service }, "services"],
    ["a project's harbor/services/", { "harbor/services/a/compose.a.yml": service }, "harbor/services"],
    ["a contract alone", { "services/a/a_native.yml": "x-harbor-native: {}\n" }, "services"],
  ])("takes a directory with %s for a layer on top", (_, files, folder) => {
    const directory = makeTree(files);
    const workspace = findWorkspace({ home: "/h", directory, builtIn: "/opt/services" });
    expect(workspace.layout).toBe("folders");
    expect(workspace.layers.at(-1)).toEqual({ kind: "project", root: join(directory, folder).replace(/\/$/, "") });
  });

  test.each([
    ["in services/", { "compose.yml": "", "services/compose.a.yml": service }],
    ["at the root", { "compose.yml": "", "compose.a.yml": service }],
  ])("takes a directory with compose.<handle>.yml %s for a flat workspace, alone", (_, files) => {
    const directory = makeTree(files);
    expect(findWorkspace({ home: "/h", directory })).toEqual({ layout: "flat", home: "/h", layers: [{ kind: "flat", root: directory }] });
  });

  test("refuses a directory that is not there or holds no service", () => {
    const empty = makeTree({ "README.md": "" });
    expect(() => findWorkspace({ home: "/h", directory: join(empty, "none") })).toThrow("there is no such directory");
    expect(() => findWorkspace({ home: "/h", directory: empty })).toThrow("it holds no service");
    try {
      findWorkspace({ home: "/h", directory: empty });
    } catch (error) {
      expect((error as HarborError).exit).toBe("usage");
    }
  });
});
