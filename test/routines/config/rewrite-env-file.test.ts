import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addItems, removeItems } from "../../../routines/config/change-list.ts";
import { mergeEdited } from "../../../routines/config/merge-edited.ts";
import { readImport } from "../../../routines/config/read-import.ts";
import { changeEnvFile } from "../../../routines/config/rewrite-env-file.ts";
import { formatMount, readMount } from "../../../routines/config/service-volumes.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

describe("changeEnvFile", () => {
  test("gives a function the values that the file has then, and loses none of many", async () => {
    const file = join(makeTree({ "a.env": "N=0\n" }), "a.env");
    const add = () => changeEnvFile({ file, changes: (values) => new Map([["N", String(Number(values.get("N")) + 1)]]) });
    await Promise.all(Array.from({ length: 20 }, add));
    expect(readFileSync(file, "utf8")).toBe("N=20\n");
  });

  test.each([
    ["a\0b", "a variable cannot hold a NUL character"],
    ["\ud800", "it is no text of Unicode"],
  ])("refuses %j, which no environment can hold", async (value, message) => {
    const file = join(makeFolder(), "a.env");
    const failed: unknown = await changeEnvFile({ file, changes: new Map([["A", value]]) }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "usage", message: `Cannot set A: ${message}` });
  });
});

describe("mergeEdited", () => {
  const merge = (original: string, current: string, edited: string): string =>
    mergeEdited({ original, current, edited, file: "config.env" });

  test.each([
    ["nobody else changed anything", "A=1\n", "A=1\n", "A=2 # why\n", "A=2 # why\n"],
    ["another key was set", "A=1\n", "A=1\nB=2\n", "# mine\nA=3\n", "# mine\nA=3\nB=2\n"],
    ["another key was taken out", "A=1\nB=2\n", "A=1\n", "A=3\nB=2\n", "A=3\n"],
    ["both did the same", "A=1\n", "A=2\n", "A=2\nB=1\n", "A=2\nB=1\n"],
    ["both took it out", "A=1\nB=1\n", "B=1\n", "B=2\n", "B=2\n"],
  ])("where %s", (_, original, current, edited, after) => {
    expect(merge(original, current, edited)).toBe(after);
  });

  test.each([
    ["A=1\n", "A=2\n", "A=3\n"],
    ["A=1\n", "", "A=3\n"],
    ["A=1\n", "A=2\n", ""],
  ])("refuses %j, %j, %j: both changed one key", (original, current, edited) => {
    expect(() => merge(original, current, edited)).toThrow("Cannot take your changes over: A was changed meanwhile");
  });
});

describe("lists", () => {
  test("are added to once, and taken from by item before number", () => {
    expect(addItems(["a"], ["b", "a", "b"])).toEqual(["a", "b"]);
    expect(removeItems(["1", "b", "c"], ["1", "2"], "them")).toEqual(["b"]);
    expect(() => removeItems(["a"], ["1"], "them")).toThrow(expect.objectContaining({ exit: "unknown" }));
  });
});

describe("readMount", () => {
  const mount = (text: string): string => formatMount(readMount(text, { directory: "/here", env: { HOME: "/me" } }));

  test.each([
    ["/a:/b", "/a:/b"],
    ["./a:/b:ro", "/here/a:/b:ro"],
    ["../a:/b:ro,z", "/a:/b:ro,z"],
    ["~:/b", "/me:/b"],
    ["~/a b:/c d", "/me/a b:/c d"],
    ["cache:/b", "cache:/b"],
  ])("%s is %s", (text, whole) => {
    expect(mount(text)).toBe(whole);
  });

  test.each(["", ":/b", "a:", "a", "x:/b", "~you:/b", "/a:b", "/a:/", "/a:/b:rr", "/a:/b:ro:z", "a b:/c", "./a;b:/c"])(
    "%j is none",
    (text) => {
      expect(() => mount(text)).toThrow(expect.objectContaining({ exit: "usage" }));
    },
  );
});

test("readImport takes an env file and JSON, by what is in it", () => {
  expect([...readImport("# x\nA='1 2'\n", "f")]).toEqual([["A", "1 2"]]);
  expect([...readImport(' {"a.b": 1, "c": true, "d": "x"}', "f")]).toEqual([
    ["a.b", "1"],
    ["c", "true"],
    ["d", "x"],
  ]);
});
