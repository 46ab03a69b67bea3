/** `harbor find`: files by words of their paths. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { FoundFile } from "../../routines/stack/find-files.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({ "mine/compose.mine.yml": "services: { mine: { image: mine } }\n" });
  box.write({
    "home/config.env": "HARBOR_X=1\n",
    "home/env/mine.env": "A=b\n",
    "home/data/ollama/models/manifests/library/gemma/latest": "{}",
    "home/data/webui/notes about Gemma.txt": "x",
    "home/data/llamacpp/gemma-q4.gguf": "weights",
    "home/data/speaches/venv/pyvenv.cfg": "",
    "home/data/speaches/venv/gemma.py": "",
    "home/data/webui/bad\x1b[31mname": "x",
    "home/state/gemma": "x",
    ".cache/huggingface/hub/models--google--gemma/blobs/abc": "0123456789",
    ".cache/llama.cpp/gemma-user.gguf": "x",
    ".ollama/models/blobs/sha256-1": "x",
  });
  const snapshot = "cache-snapshot.safetensors";
  symlinkSync(join(box.root, ".cache/huggingface/hub/models--google--gemma/blobs/abc"), join(box.root, ".cache/huggingface/hub", snapshot));
  symlinkSync("/nonexistent", join(box.home, "data/webui/gemma-gone"));
});
afterAll(() => box.remove());

const find = async (...words: string[]): Promise<string[]> =>
  (await box.json<FoundFile[]>(["find", ...words])).map(({ place, path }) => `${place} ${path.replace(`${box.root}/`, "")}`);

describe("harbor find", () => {
  test("looks where services, their data and models are, and leaves out state and environments", async () => {
    expect(await find("gemma")).toEqual([
      "models home/data/llamacpp/gemma-q4.gguf",
      "models home/data/ollama/models/manifests/library/gemma/latest",
      "data home/data/webui/notes about Gemma.txt",
      "models .cache/huggingface/hub/models--google--gemma/blobs/abc",
      "models .cache/llama.cpp/gemma-user.gguf",
    ]);
  });

  test.each([
    [["GEMMA", "notes"], ["data home/data/webui/notes about Gemma.txt"]],
    [["*.gguf", "user"], ["models .cache/llama.cpp/gemma-user.gguf"]],
    [["gemma", "--in", "data"], ["data home/data/webui/notes about Gemma.txt"]],
    [["config.env"], ["configuration home/config.env"]],
    [["mine"], ["services home/services/mine/compose.mine.yml", "configuration home/env/mine.env"]],
    [["nothing-is-called-that"], []],
  ])("%j: %j", async (words, files) => {
    expect(await find(...words)).toEqual(files);
  });

  test("has the files of Harbor's own services, and the handle of each", async () => {
    const [found] = await box.json<FoundFile[]>(["find", "compose.webui.yml"]);
    expect(found).toMatchObject({ place: "services", handle: "webui", path: join(checkout, "services/webui/compose.webui.yml") });
    expect(found?.bytes).toBeGreaterThan(500);
    expect(Date.parse(found?.modifiedAt ?? "")).toBeGreaterThan(0);
  });

  test("tells the size of what a link leads to", async () => {
    const [found] = await box.json<FoundFile[]>(["find", "cache-snapshot"]);
    expect(found).toMatchObject({ bytes: 10, handle: null });
  });

  test("stops at the limit and says so", async () => {
    const { stdout, stderr } = await box.run(["find", "gemma", "--limit", "2"]);
    expect(stdout.trim().split("\n")).toHaveLength(2);
    expect(stderr).toBe("harbor: these are the first 2; more words find less, --limit all shows all\n");
  });

  test("a name changes nothing on the terminal", async () => {
    const { stdout } = await box.run(["find", "bad"]);
    expect(stdout).toContain("bad\ufffd[31mname");
    expect(stdout).not.toContain("\x1b");
  });

  test.each([
    [["find"], 'Cannot run "find": <words> is missing'],
    [["find", "x", "--in", "modles"], 'Cannot look in "modles": it is no such place; did you mean "models"?'],
    [["find", "x", "--limit", "few"], 'Cannot read --limit "few": it is no number'],
  ])("%j is wrong usage", async (words, message) => {
    const { exit, stderr } = await box.run(words);
    expect({ exit, stderr }).toEqual({ exit: 2, stderr: expect.stringContaining(message) });
  });
});
