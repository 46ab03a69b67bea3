import { describe, expect, test } from "bun:test";
import { chmodSync, linkSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { measureFolder } from "../../../routines/host/measure-folder.ts";
import { obeyingModes, resultOf } from "../../_process.ts";
import { makeTree } from "../../_workspace.ts";

const KB = (count: number): string => "x".repeat(count * 1024);

/** Files alone: what the folders themselves take is the file system's affair. */
const atLeast = (bytes: number, kb: number): void => {
  expect(bytes).toBeGreaterThanOrEqual(kb * 1024);
  expect(bytes).toBeLessThan(kb * 1024 + 40 * 1024);
};

describe("measureFolder()", () => {
  test("tells models, environments and the rest apart, by folder and by format", () => {
    const root = makeTree({
      "notes.txt": KB(100),
      "models/blobs/sha256-1": KB(200),
      "models--org--name/snapshots/a/config.json": KB(300),
      "tiny.gguf": KB(400),
      "deep/voice.onnx": KB(500),
      "venv/pyvenv.cfg": "home = /usr/bin\n",
      "venv/lib/models/weights.pt": KB(600),
    });
    const { models, environments, data, unreadable } = measureFolder(root);
    atLeast(models, 200 + 300 + 400 + 500);
    atLeast(environments, 600);
    atLeast(data, 100);
    expect(unreadable).toEqual([]);
  });

  test("counts as du does: a file of two names once, a hole not, a link's target not", async () => {
    const root = makeTree({ "a/one": KB(300), "elsewhere/large": KB(900) });
    const inner = join(root, "a");
    linkSync(join(inner, "one"), join(inner, "two"));
    symlinkSync(join(root, "elsewhere"), join(inner, "link"));
    writeFileSync(join(inner, "sparse"), "");
    truncateSync(join(inner, "sparse"), 50_000_000);
    const { data } = measureFolder(inner);
    atLeast(data, 300);
    const du = await resultOf(Bun.spawn(["du", "-sk", inner], { stdout: "pipe", stderr: "pipe" }));
    // du counts the folder it is given as well
    expect(Math.abs(Number.parseInt(du.stdout, 10) * 1024 - data)).toBeLessThanOrEqual(8 * 1024);
  });

  test("is nothing where there is nothing", () => {
    expect(measureFolder("/nonexistent/folder")).toEqual({ models: 0, environments: 0, data: 0, unreadable: [] });
  });

  test.skipIf(process.getuid?.() === 0 && Bun.which("setpriv") === null)("names what it may not read, and counts the rest", async () => {
    const root = makeTree({ "shut/x": KB(10), "open/y": KB(100) });
    chmodSync(join(root, "shut"), 0);
    const routine = resolve(import.meta.dir, "../../../routines/host/measure-folder.ts");
    const child = Bun.spawn([...obeyingModes, process.execPath, routine, root, "--json"], { stdout: "pipe", stderr: "pipe" });
    const { stdout } = await resultOf(child);
    chmodSync(join(root, "shut"), 0o755);
    const found = JSON.parse(stdout) as ReturnType<typeof measureFolder>;
    expect(found.unreadable).toEqual([join(root, "shut")]);
    atLeast(found.data, 100);
  });
});
