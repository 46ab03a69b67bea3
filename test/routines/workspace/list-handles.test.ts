import { describe, expect, test } from "bun:test";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { checkHandle, hasService, isHandle, listHandles, throwUnknown } from "../../../routines/workspace/list-handles.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

describe("listHandles", () => {
  test("lists the folders of all layers once, and no file or hidden folder", () => {
    const builtIn = makeTree({ "b/compose.b.yml": "", "a/compose.a.yml": "", "compose.yml": "", ".git/x": "", "Upper/x": "" });
    const home = makeTree({ "services/b/compose.b.yml": "", "services/c/compose.c.yml": "" });
    const workspace = findWorkspace({ home, builtIn, cwd: home });
    expect(listHandles(workspace)).toEqual(["a", "b", "c"]);
    expect([hasService(workspace, "c"), hasService(workspace, "d")]).toEqual([true, false]);
  });

  test("lists whatever the files of a flat workspace name, but for capabilities", () => {
    const directory = makeTree({
      "compose.yml": "",
      "services/compose.a.yml": "",
      "services/compose.a.nvidia.yml": "",
      "services/compose.x.a.mcp-time.yml": "",
      "nat/nat_native.yml": "",
      "docs/x": "",
    });
    expect(listHandles(findWorkspace({ home: makeFolder(), directory }))).toEqual(["a", "mcp-time", "nat"]);
  });
});

describe("isHandle", () => {
  test.each(["a", "0a", "my-service-2"])("accepts %j", (name) => expect(isHandle(name)).toBe(true));
  test.each(["", "-a", "A", "a_b", "../a", "a/b", "a.b", "a b", "*", "a\n"])("refuses %j", (name) => expect(isHandle(name)).toBe(false));
});

describe("checkHandle", () => {
  test("says how to write a name that is nearly right", () => {
    expect(() => checkHandle("My_Service")).toThrow(expect.objectContaining({ exit: "usage", hint: 'Write it "my-service"' }));
    expect(() => checkHandle("../x")).toThrow(expect.objectContaining({ hint: "Run `harbor ls` to see the handles" }));
    checkHandle("fine");
  });
});

describe("throwUnknown", () => {
  test("suggests the nearest name, but never the very same", () => {
    expect(() => throwUnknown("olama", ["ollama", "webui"])).toThrow('Cannot find service "olama"; did you mean "ollama"?');
    expect(() => throwUnknown("zzz", ["ollama"])).toThrow(
      expect.objectContaining({ exit: "unknown", message: 'Cannot find service "zzz"' }),
    );
    expect(() => throwUnknown("empty", ["empty"])).toThrow("its folder holds neither compose.empty.yml nor empty_native.yml");
  });
});
