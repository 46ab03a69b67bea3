import { describe, expect, test } from "bun:test";
import { resolveFiles } from "../../../routines/compose/resolve-files.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { listFiles } from "../../../routines/workspace/list-files.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const known = new Set(["nvidia", "cdi", "rocm", "mdc", "build"]);

interface Question {
  files: string[];
  services: string[] | "*";
  natives?: string[];
  capabilities?: string[];
}

/** Names of a flat workspace's files in merge order, those left out behind a minus. */
function resolve({ files, services, natives = [], capabilities = [] }: Question): string[] {
  const workspace = findWorkspace({ home: makeFolder(), directory: makeTree(Object.fromEntries(files.map((name) => [name, ""]))) });
  const selected = services === "*" ? "*" : new Set(services);
  const resolved = resolveFiles({
    files: listFiles({ workspace, handles: services, capabilities: known }),
    services: selected,
    natives: new Set(natives),
    connections: new Map(),
    capabilities: new Set(capabilities),
    knownCapabilities: known,
    workspace,
  });
  return resolved.map((it) => `${it.included ? "" : "-"}${it.file.name}`);
}

describe("resolveFiles", () => {
  test("puts the base first, then fewer dots first, then names in byte order", () => {
    const files = [
      "compose.x.a.b.c.yml",
      "compose.x.a.b.yml",
      "compose.yml",
      "compose.b.yml",
      "compose.a.yml",
      "compose.c.yml",
      "compose.a.nvidia.yml",
      "compose.a-b.yml",
    ];
    expect(resolve({ files, services: "*", capabilities: ["nvidia"] })).toEqual([
      "compose.yml",
      "compose.a-b.yml",
      "compose.a.yml",
      "compose.b.yml",
      "compose.c.yml",
      "compose.a.nvidia.yml",
      "compose.x.a.b.yml",
      "compose.x.a.b.c.yml",
    ]);
  });

  test("adds a cross file when every part is selected", () => {
    const files = ["compose.a.yml", "compose.b.yml", "compose.x.a.b.yml", "compose.x.a.c.yml", "compose.x.a.b.nvidia.yml"];
    expect(resolve({ files, services: ["a", "b"] })).toEqual([
      "compose.a.yml",
      "compose.b.yml",
      "compose.x.a.b.yml",
      "-compose.x.a.c.yml",
      "-compose.x.a.b.nvidia.yml",
    ]);
    expect(resolve({ files, services: ["a", "b"], capabilities: ["nvidia"] })).toContain("compose.x.a.b.nvidia.yml");
  });

  test("lets * stand for every service, never for a capability", () => {
    const files = ["compose.a.yml", "compose.a.nvidia.yml", "compose.x.a.b.yml", "compose.x.a.b.cdi.yml"];
    expect(resolve({ files, services: "*" })).toEqual([
      "compose.a.yml",
      "-compose.a.nvidia.yml",
      "compose.x.a.b.yml",
      "-compose.x.a.b.cdi.yml",
    ]);
  });

  test("adds an older compose.<a>.<b>.yml for a or for b, a capability file only with its service", () => {
    const files = ["compose.a.yml", "compose.b.yml", "compose.a.b.yml", "compose.a.nvidia.yml"];
    expect(resolve({ files, services: ["a"] })).toEqual(["compose.a.yml", "-compose.b.yml", "compose.a.b.yml", "-compose.a.nvidia.yml"]);
    expect(resolve({ files, services: ["b"], capabilities: ["nvidia"] })).toEqual([
      "-compose.a.yml",
      "compose.b.yml",
      "compose.a.b.yml",
      "-compose.a.nvidia.yml",
    ]);
    expect(resolve({ files, services: ["c"], capabilities: ["nvidia"] })).toEqual([
      "-compose.a.yml",
      "-compose.b.yml",
      "-compose.a.b.yml",
      "-compose.a.nvidia.yml",
    ]);
  });

  test("puts the contract of a native service in its definition's place and keeps all else", () => {
    const files = ["compose.a.yml", "compose.b.yml", "compose.b.nvidia.yml", "compose.x.a.b.yml", "b/b_native.yml"];
    expect(resolve({ files, services: ["a", "b"], natives: ["b"], capabilities: ["nvidia"] })).toEqual([
      "compose.a.yml",
      "-compose.b.yml",
      "b_native.yml",
      "compose.b.nvidia.yml",
      "compose.x.a.b.yml",
    ]);
    expect(resolve({ files, services: ["a", "b"] })).toContain("-b_native.yml");
  });

  test("puts modules last, matched by the same rules", () => {
    const files = ["compose.a.ts", "compose.a.yml", "compose.x.a.b.ts", "compose.x.a.b.c.yml"];
    expect(resolve({ files, services: ["a", "b", "c"] })).toEqual([
      "compose.a.yml",
      "compose.x.a.b.c.yml",
      "compose.a.ts",
      "compose.x.a.b.ts",
    ]);
    expect(resolve({ files, services: ["a"] })).toContain("-compose.x.a.b.ts");
  });
});
