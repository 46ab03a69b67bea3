import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { findExecutable } from "../../../routines/native/find-executable.ts";
import { makeTree } from "../../_workspace.ts";

describe("findExecutable", () => {
  test("looks along PATH, in the contract's folder for a name with a slash, and nowhere else", () => {
    const root = makeTree({ "bin/brain": "", "svc/run.sh": "", "svc/plain.txt": "" });
    chmodSync(join(root, "bin/brain"), 0o755);
    chmodSync(join(root, "svc/run.sh"), 0o755);
    mkdirSync(join(root, "svc/folder"));
    const find = (executable: string) =>
      findExecutable({
        contract: { executable, path: join(root, "svc/x_native.yml") },
        values: (name) => (name === "BIN" ? "brain" : undefined),
        path: join(root, "bin"),
      });
    expect(find("${BIN}")).toEqual({ program: "brain", file: join(root, "bin/brain") });
    expect(find("./run.sh").file).toBe(join(root, "svc/run.sh"));
    expect(find("bun").file).toBe(process.execPath);
    for (const name of ["sh", "./plain.txt", "./folder", "./none"]) expect(find(name)).toEqual({ program: name, file: null });
  });
});
