import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findKey, unknownKey } from "../../../routines/config/find-key.ts";
import { type Key, listKeys } from "../../../routines/config/list-keys.ts";
import { listSettings } from "../../../routines/config/list-settings.ts";
import { handleOf, keyOf, variableOf } from "../../../routines/config/name-variable.ts";
import { readValues } from "../../../routines/config/read-values.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const FILES = {
  "compose.yml": "networks: { harbor-network: {} }\n",
  "services/compose.web-ui.yml":
    '# ${HARBOR_COMMENT}\nservices:\n  web-ui:\n    image: "w:${HARBOR_WEB_UI_VERSION:-1}"\n    command: echo $$HARBOR_NO $HARBOR_PLAIN ${A:-${HARBOR_INNER-x}}\n    environment:\n      - BARE_TOKEN\n      - SET=1\n',
  "services/compose.web-ui.nvidia.yml": 'services:\n  web-ui:\n    image: "w:${HARBOR_WEB_UI_VERSION:-cuda}"\n',
  "services/compose.web-ui.ts": 'export default ({ env, compose }) => { env.getValue("web-ui.level"); return compose; };\n',
  "web-ui/web-ui_native.yml": "x-harbor-native:\n  executable: x\n  port: 1\n  env_vars: [WEB_DEBUG, 'WEB_TRACE']\n",
  "broken/broken_native.yml": ": : [\n${HARBOR_BROKEN}",
  ".env": "HARBOR_WEB_UI_VERSION=9\nHARBOR_PLAIN=p\n",
  "profiles/default.env": "HARBOR_PLAIN=q\nHARBOR_ONLY_PROFILE=1\n",
};

function world(files: Record<string, string> = FILES, config = "") {
  const home = makeTree({ "config.env": config });
  const workspace = findWorkspace({ home, directory: makeTree(files) });
  return { workspace, keys: listKeys({ workspace }), values: readValues({ workspace, env: { HARBOR_HOME: home, HARBOR_INNER: "x" } }) };
}

describe("listKeys", () => {
  test("finds what files name, with the definition's default, and Harbor's own", () => {
    const { keys, workspace } = world();
    const root = workspace.layers[0]?.root ?? "";
    expect(keys.get("HARBOR_WEB_UI_VERSION")).toEqual({
      name: "HARBOR_WEB_UI_VERSION",
      key: "web-ui.version",
      default: "1",
      files: [join(root, "services/compose.web-ui.yml"), join(root, "services/compose.web-ui.nvidia.yml")],
      declared: undefined,
      problem: undefined,
    });
    const found = [...keys.keys()];
    for (const name of ["HARBOR_PLAIN", "HARBOR_INNER", "HARBOR_WEB_UI_LEVEL", "WEB_DEBUG", "WEB_TRACE", "BARE_TOKEN", "HARBOR_PROJECT"]) {
      expect(found).toContain(name);
    }
    for (const name of ["HARBOR_COMMENT", "HARBOR_NO", "SET"]) expect(found).not.toContain(name);
    expect(keys.get("HARBOR_WEB_UI_RUNTIME")?.default).toBe("auto");
    expect(keys.get("HARBOR_RUNTIME")?.default).toBe("auto");
    expect(found).toEqual(found.toSorted());
  });

  test("knows every key of the built-in services by either spelling", () => {
    const workspace = findWorkspace({ home: makeFolder() });
    const keys = listKeys({ workspace });
    expect(keys.get("HARBOR_OLLAMA_HOST_PORT")).toMatchObject({ key: "ollama.host_port", default: "33821" });
    for (const { name, key } of keys.values()) expect(variableOf(key)).toBe(name);
  });
});

describe("findKey", () => {
  test.each([
    ["web-ui.version", "HARBOR_WEB_UI_VERSION", true],
    ["HARBOR_WEB_UI_VERSION", "HARBOR_WEB_UI_VERSION", true],
    ["runtime", "HARBOR_RUNTIME", true],
    ["WEB_DEBUG", "WEB_DEBUG", true],
    ["web-ui.nothing", "HARBOR_WEB_UI_NOTHING", false],
  ])("%s", (typed, name, isKnown) => {
    const found = findKey(typed, world().keys);
    expect([found.name, found.known !== undefined]).toEqual([name, isKnown]);
  });

  test.each([
    ["web-ui.verson", 'Cannot find key "web-ui.verson": no file of the workspace names it; did you mean "web-ui.version"?'],
    ["HARBOR_PLAN", 'Cannot find key "HARBOR_PLAN": no file of the workspace names it; did you mean "HARBOR_PLAIN"?'],
    ["zzzzzzzzzz", 'Cannot find key "zzzzzzzzzz": no file of the workspace names it'],
  ])("suggests for %s in its own spelling", (typed, message) => {
    expect(unknownKey(typed, world().keys)).toMatchObject({ message, exit: "unknown" });
  });

  test.each(["a b", "a=b", "../x", "ü"])("refuses %j", (typed) => {
    expect(() => findKey(typed, new Map<string, Key>())).toThrow(expect.objectContaining({ exit: "usage" }));
  });
});

test("a variable belongs to the longest handle that it begins with", () => {
  const handles = ["mock", "mock-openai", "openai"];
  expect(handleOf("HARBOR_MOCK_OPENAI_HOST_PORT", handles)).toBe("mock-openai");
  expect(keyOf("HARBOR_MOCK_HOST_PORT", handles)).toBe("mock.host_port");
  expect(keyOf("HARBOR_DATA", handles)).toBe("data");
  expect(keyOf("OLLAMA_DEBUG", handles)).toBe("OLLAMA_DEBUG");
});

describe("listSettings", () => {
  test("lists what differs from files' defaults and a flat workspace's profile, with where it is set", () => {
    const { keys, values, workspace } = world(FILES, "HARBOR_WEB_UI_VERSION=1\nMY_OWN=a b\nHARBOR_PROJECT=p\n");
    const root = workspace.layers[0]?.root ?? "";
    const settings = listSettings({ keys, values, workspace, all: false });
    expect(settings.map((it) => [it.key, it.value, it.origin])).toEqual([
      ["MY_OWN", "a b", join(workspace.home, "config.env")],
      ["plain", "p", join(root, ".env")],
      ["project", "p", join(workspace.home, "config.env")],
    ]);
  });

  test("lists every key with its default where asked for", () => {
    const { keys, values, workspace } = world();
    const settings = new Map(listSettings({ keys, values, workspace, all: true }).map((it) => [it.name, it]));
    expect(settings.get("HARBOR_WEB_UI_RUNTIME")).toMatchObject({ value: "auto", origin: "default" });
    expect(settings.get("HARBOR_WEB_UI_VERSION")).toMatchObject({ value: "9", default: "1" });
    expect(settings.get("WEB_DEBUG")).toMatchObject({ value: null, default: null });
  });
});
