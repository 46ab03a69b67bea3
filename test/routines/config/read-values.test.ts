import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readValues } from "../../../routines/config/read-values.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

describe("readValues", () => {
  test("ranks the environment above config.env, and both above Harbor's own", () => {
    const home = makeTree({ "config.env": "A=file\nB=file\nHARBOR_DATA=/data\n" });
    const workspace = findWorkspace({ home, cwd: makeFolder(), builtIn: makeFolder() });
    const values = readValues({ workspace, env: { A: "env" } });
    expect(values.find("A")).toEqual({ value: "env", origin: "environment" });
    expect(values.find("B")).toEqual({ value: "file", origin: join(home, "config.env") });
    expect(values.find("HARBOR_DATA")).toEqual({ value: "/data", origin: join(home, "config.env") });
    expect(values.find("HARBOR_HOME")).toEqual({ value: home, origin: "harbor" });
    expect(values.find("C")).toBeUndefined();
  });

  test("reads a flat workspace's .env and, below it, profiles/default.env", () => {
    const root = makeTree({
      "compose.a.yml": "",
      ".env": 'HARBOR_A="own"\n',
      "profiles/default.env": 'HARBOR_A="default"\nHARBOR_B="default ${HARBOR_HOME}"\nHARBOR_SERVICES_DEFAULT="webui;llamacpp"\n',
    });
    const home = makeFolder();
    const values = readValues({ workspace: findWorkspace({ home, directory: root }), env: {} });
    expect(values.get("HARBOR_A")).toBe("own");
    expect(values.find("HARBOR_B")).toEqual({ value: `default ${home}`, origin: join(root, "profiles/default.env") });
    expect(values.list("HARBOR_SERVICES_DEFAULT")).toEqual(["webui", "llamacpp"]);
  });

  test.each(["home-old", "home/workspace"])("fills in the env files of a flat workspace wherever it is: %s", (name) => {
    const folder = makeTree({ "home/config.env": "A='${B}'\n", [`${name}/compose.a.yml`]: "", [`${name}/.env`]: "C=${D}\n" });
    const workspace = findWorkspace({ home: join(folder, "home"), directory: join(folder, name) });
    const values = readValues({ workspace, env: { B: "b", D: "d" } });
    expect([values.get("A"), values.get("C")]).toEqual(["${B}", "d"]);
  });

  test("lays overrides on top, with their origin", () => {
    const values = readValues({ workspace: findWorkspace({ home: makeFolder(), cwd: "/", builtIn: "/none" }), env: { A: "env" } });
    expect(values.with("contract", new Map([["A", "over"]])).find("A")).toEqual({ value: "over", origin: "contract" });
  });
});
