import { describe, expect, test } from "bun:test";
import { projectName } from "../../../routines/compose/project-name.ts";
import { Values } from "../../../routines/config/read-values.ts";

const values = (map: Record<string, string>): Values => new Values([{ origin: "test", get: (name) => map[name] }]);

describe("projectName", () => {
  test("is harbor for the usual home, and another for each other home", () => {
    expect(projectName(values({ HOME: "/home/a" }), "/home/a/.harbor")).toBe("harbor");
    const other = projectName(values({ HOME: "/home/a" }), "/srv/stack");
    expect(other).toMatch(/^harbor-[0-9a-f]{8}$/);
    expect(projectName(values({}), "/srv/stack")).toBe(other);
    expect(projectName(values({}), "/srv/stack2")).not.toBe(other);
  });

  test("is what HARBOR_PROJECT says, where compose takes that", () => {
    expect(projectName(values({ HARBOR_PROJECT: "my_stack-2" }), "/x")).toBe("my_stack-2");
    for (const wrong of ["-f", "My", "a b", "_a"]) {
      expect(() => projectName(values({ HARBOR_PROJECT: wrong }), "/x")).toThrow(expect.objectContaining({ exit: "usage" }));
    }
  });
});
