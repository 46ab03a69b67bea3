import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { describeService } from "../../../routines/workspace/describe-service.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

describe("describeService", () => {
  const tree = (files: Record<string, string>): ReturnType<typeof findWorkspace> => {
    const home = makeTree(files);
    return findWorkspace({ home, builtIn: makeFolder(), cwd: home });
  };

  test("reads what the definition says, and what it can run on from its files", () => {
    const workspace = tree({
      "services/a/compose.a.yml":
        'x-harbor:\n  name: The A\n  tags: [api, 2]\n  provides: [x]\n  api_key: "${HARBOR_A_KEY:-}"\n  homepage: https://a.example\nservices: {}\n',
      "services/a/compose.a.rocm.yml": "",
      "services/a/compose.a.nvidia.yml": "",
      "services/a/compose.x.a.b.yml": "",
      "services/a/a_native.yml": "",
    });
    expect(describeService("a", workspace)).toEqual({
      handle: "a",
      name: "The A",
      description: "",
      tags: ["api", "2"],
      provides: ["x"],
      consumes: [],
      homepage: "https://a.example",
      docs: undefined,
      example: undefined,
      apiKey: "${HARBOR_A_KEY:-}",
      runtimes: ["container", "native"],
      capabilities: ["nvidia", "rocm"],
      layer: "user",
      folder: join(workspace.home, "services/a"),
    });
  });

  test("is content with a contract alone, and with metadata of another shape", () => {
    expect(describeService("a", tree({ "services/a/a_native.yml": "" }))).toMatchObject({ name: "a", runtimes: ["native"] });
    expect(describeService("b", tree({ "services/b/compose.b.yml": "x-harbor: { name: 3, tags: word }\n" }))).toMatchObject({
      name: "b",
      tags: [],
    });
  });

  test("tells a layer from another whose path only begins like it", () => {
    const root = makeTree({ "home/services-more/a/compose.a.yml": "" });
    const layers = [
      { kind: "project" as const, root: join(root, "home/services-more") },
      { kind: "user" as const, root: join(root, "home/services") },
    ];
    expect(describeService("a", { layout: "folders", home: root, layers }).layer).toBe("project");
  });

  test("throws for a name that nothing has", () => {
    expect(() => describeService("aa", tree({ "services/a/compose.a.yml": "" }))).toThrow('Cannot find service "aa"; did you mean "a"?');
  });
});
