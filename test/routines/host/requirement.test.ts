import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { fromWheel, parseRequirement } from "../../../routines/host/_requirement.ts";
import { makeTree } from "../../_workspace.ts";

const env = { HOME: "/home/ada" };

describe("a requirement", () => {
  test.each([
    ["speaches", { name: "speaches", extras: "", specifier: "" }],
    ["Speaches_Server[ui,gpu] == 0.8.3", { name: "speaches-server", extras: "[ui,gpu]", specifier: "== 0.8.3" }],
    ["a>=1,<2 ; python_version < '3.12'", { name: "a", specifier: ">=1,<2", marker: "; python_version < '3.12'" }],
    ["a (>=1, <2)", { name: "a", specifier: "(>=1, <2)" }],
    ["a@https://x.example/a-1.tar.gz", { name: "a", text: "a @ https://x.example/a-1.tar.gz", location: "https://x.example/a-1.tar.gz" }],
    ["a[ui] @ git+https://x.example/a.git@v1", { name: "a", extras: "[ui]", location: "git+https://x.example/a.git@v1" }],
    ["a @ ./src", { name: "a", text: `a @ file://${join(process.cwd(), "src")}`, location: join(process.cwd(), "src") }],
    ["~/a-b_c-1.0-py3-none-any.whl", { name: "a-b-c", text: "/home/ada/a-b_c-1.0-py3-none-any.whl" }],
    ["./with space[ui]", { text: `${join(process.cwd(), "with space")}[ui]`, extras: "[ui]" }],
    ["file:///srv/a-1.0.tar.gz", { name: "a", text: "/srv/a-1.0.tar.gz", location: "/srv/a-1.0.tar.gz" }],
    ["git+ssh://git@x.example/a.git", { text: "git+ssh://git@x.example/a.git" }],
  ])("%j", (text, wanted) => {
    expect(parseRequirement(text, env)).toMatchObject(wanted);
  });

  test("that is a folder has the name that its project says", () => {
    const root = makeTree({ "pyproject.toml": '[project]\nname = "Tiny.Thing"\n' });
    expect(parseRequirement(root, env)).toMatchObject({ name: "tiny-thing", location: root });
  });

  test("keeps its extras and its marker where a wheel takes its place", () => {
    const requirement = parseRequirement("a[ui]>=1; python_version > '3'", env);
    expect(fromWheel(requirement, "a", "/x y/a-1-py3-none-any.whl")).toBe(
      "a[ui] @ file:///x%20y/a-1-py3-none-any.whl ; python_version > '3'",
    );
  });
});
