import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { programRoot } from "../../../routines/_script/program-root.ts";

describe("programRoot", () => {
  test("is the folder of package.json in a checkout", () => {
    expect(programRoot()).toBe(resolve(import.meta.dir, "../../.."));
    expect(existsSync(join(programRoot(), "package.json"))).toBe(true);
  });
});
