import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readBootId } from "../../../routines/_script/process-identity.ts";
import { findStackWorkspace } from "../../../routines/stack/find-stack-workspace.ts";
import type { StackRecord } from "../../../routines/stack/read-stack.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const record: StackRecord = {
  project: "p",
  workspace: undefined,
  services: ["web"],
  natives: [],
  capabilities: [],
  planned: [],
  hasContainers: true,
  bootId: readBootId(),
};
const FILES = { "harbor/services/a/compose.a.yml": "" };
const servicesOf = (folder: string): string => join(folder, "harbor/services");
const projectsIn = (found: ReturnType<typeof findStackWorkspace>): string[] => found.workspace.layers.slice(2).map((layer) => layer.root);

describe("findStackWorkspace", () => {
  test("adds the folder that the user stands in to those of what runs, for the record as well", () => {
    const [home, there, here] = [makeFolder(), makeTree(FILES), makeTree(FILES)];
    const found = findStackWorkspace({ home, record: { ...record, projects: [servicesOf(there), "/gone"] }, cwd: here });
    expect(projectsIn(found)).toEqual([servicesOf(there), servicesOf(here)]);
    expect(found.recorded).toEqual({ workspace: undefined, projects: ["/gone", servicesOf(there), servicesOf(here)] });
  });

  test("knows a recorded workspace again, and a new one as a whole path", () => {
    const [home, there] = [makeFolder(), makeTree(FILES)];
    expect(findStackWorkspace({ home, record: { ...record, workspace: there }, cwd: home }).recorded.workspace).toBe(there);
    const named = findStackWorkspace({ home, record: { ...record, workspace: "/gone" }, directory: "harbor", cwd: there });
    expect(named.recorded).toEqual({ workspace: join(there, "harbor"), projects: [servicesOf(there)] });
  });

  test("says who named a workspace that is gone, and ignores it and the projects where nothing runs", () => {
    const home = makeFolder();
    const gone = { ...record, workspace: "/gone", projects: [servicesOf(makeTree(FILES))] };
    expect(() => findStackWorkspace({ home, record: gone, cwd: home })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("recorded by the last `harbor up`") }),
    );
    const found = findStackWorkspace({ home, record: { ...gone, bootId: "another" }, cwd: home });
    expect(projectsIn(found)).toEqual([]);
    expect(found.recorded).toEqual({ workspace: undefined, projects: [] });
  });
});
