import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder, writeFileWhole } from "../../../routines/_script/write-file.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("writeFileWhole", () => {
  test("makes the file and its folders for their owner alone, and leaves nothing beside it", () => {
    const root = makeFolder();
    const path = join(root, "a/b/file");
    writeFileWhole(path, "one");
    writeFileWhole(path, "two");
    expect([readFileSync(path, "utf8"), mode(path), mode(join(root, "a/b")), mode(join(root, "a"))]).toEqual(["two", "600", "700", "700"]);
    expect(readdirSync(join(root, "a/b"))).toEqual(["file"]);
  });

  test("puts another file in its place: who has the old one open reads all of it", () => {
    const path = join(makeFolder(), "file");
    writeFileWhole(path, "one".repeat(10));
    const old = openSync(path, "r");
    writeFileWhole(path, "two");
    expect([readFileSync(old, "utf8"), readFileSync(path, "utf8")]).toEqual(["one".repeat(10), "two"]);
    closeSync(old);
  });

  test("says which file it could not write, and leaves nothing beside it", () => {
    const root = makeTree({ "folder/file": "" });
    expect(() => writeFileWhole(join(root, "folder"), "text")).toThrow(`Cannot write "${join(root, "folder")}": `);
    expect(readdirSync(root)).toEqual(["folder"]);
  });
});

describe("makePrivateFolder", () => {
  test("says which folder it could not make", () => {
    const path = join(makeTree({ file: "" }), "file/folder");
    expect(() => makePrivateFolder(path)).toThrow(`Cannot make folder "${path}": `);
  });
});
