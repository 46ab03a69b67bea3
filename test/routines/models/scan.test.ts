/** Folders of models as other programs leave them: by their own documentation and source; none of these programs can be had here. */
import { beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { freedBy, removeFromDisk } from "../../../routines/models/_remove-files.ts";
import { scanComfyui } from "../../../routines/models/_scan-comfyui.ts";
import { scanGguf } from "../../../routines/models/_scan-gguf.ts";
import { scanHub } from "../../../routines/models/_scan-hub.ts";
import { scanOllama } from "../../../routines/models/_scan-ollama.ts";
import { lastReadMs, type StoredModel, totalOf } from "../../../routines/models/_stored-model.ts";
import type { Layout } from "../../../routines/models/read-stores.ts";
import { makeFolder } from "../../_workspace.ts";
import { ggufFile, ggufValues, safetensorsFile } from "../../fixtures/gguf-file.ts";
import { etagOf, type ModelFiles } from "../../fixtures/model-hub.ts";
import { blobPath, digestOf, writeManifestList, writeOllamaModel } from "../../fixtures/ollama-folder.ts";

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});

function write(files: Record<string, Uint8Array | string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

function named(models: readonly StoredModel[]): Record<string, StoredModel> {
  return Object.fromEntries(models.map((model) => [model.name, model]));
}

function remove(layout: Layout, models: readonly StoredModel[], name: string): Promise<void> {
  const stored = models.find((model) => model.name === name) as StoredModel;
  return removeFromDisk({ stored, place: { layout, folder }, others: models.filter((model) => model !== stored) });
}

function listBelow(root = folder): string[] {
  const all = readdirSync(root, { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

const WEIGHTS = ggufFile({ weights: 50_000 });

describe("Ollama's folder", () => {
  test("has models by the names that Ollama shows", () => {
    for (const name of ["llama3.2:1b", "mine/tuned", "hf.co/org/name:Q4_K_M", "registry.example/team/x:v2"]) {
      writeOllamaModel(folder, name, { model: WEIGHTS });
    }
    expect(
      scanOllama(folder)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["hf.co/org/name:Q4_K_M", "llama3.2:1b", "mine/tuned:latest", "registry.example/team/x:v2"]);
  });

  test("tells size, quantisation and context length of each, by its config and its weights", () => {
    writeOllamaModel(folder, "llama3.2:1b", { model: WEIGHTS, template: "{{ .Prompt }}", config: { file_type: "Q8_0" } });
    const [model] = scanOllama(folder);
    const blobs = readdirSync(join(folder, "blobs"));
    expect(blobs).toHaveLength(3);
    expect(model).toMatchObject({
      path: blobPath(folder, digestOf(WEIGHTS)),
      bytes: blobs.reduce((sum, name) => sum + statSync(join(folder, "blobs", name)).size, 0),
      isComplete: true,
      details: { format: "gguf", quantisation: "Q8_0", architecture: "llama", parameters: "1.2B", contextLength: 4096 },
    });
  });

  test("counts a blob of two models once, and frees it with the second of them alone", async () => {
    writeOllamaModel(folder, "base:1b", { model: WEIGHTS, license: "MIT" });
    writeOllamaModel(folder, "tuned:1b", { model: WEIGHTS, template: "{{ .Prompt }}!" });
    const models = scanOllama(folder);
    const { "base:1b": base, "tuned:1b": tuned } = named(models);
    if (base === undefined || tuned === undefined) throw new Error("not found");
    const onDisk = readdirSync(join(folder, "blobs")).reduce((sum, name) => sum + statSync(join(folder, "blobs", name)).size, 0);
    expect(totalOf([...base.files, ...tuned.files])).toBe(onDisk);
    expect(base.bytes + tuned.bytes).toBeGreaterThan(onDisk);
    expect(freedBy(base, [tuned])).toBe("MIT".length);
    await remove("ollama", models, "base:1b");
    expect(scanOllama(folder)).toMatchObject([{ name: "tuned:1b", isComplete: true }]);
    await remove("ollama", scanOllama(folder), "tuned:1b");
    expect(listBelow()).toEqual([]);
    expect(existsSync(join(folder, "manifests"))).toBe(true);
  });

  test("of a newer version has lists of manifests, which are blobs: all of them go with the model", async () => {
    const manifest = writeOllamaModel(folder, "new:1b", { model: WEIGHTS });
    writeOllamaModel(folder, "other:1b", { model: WEIGHTS, template: "x" });
    writeManifestList(folder, "new:1b", `${readFileSync(manifest, "utf8")}\n`);
    const models = scanOllama(folder);
    expect(models.map(({ name }) => name).sort()).toEqual(["new:1b", "other:1b"]);
    await remove("ollama", models, "new:1b");
    expect(scanOllama(folder)).toMatchObject([{ name: "other:1b", isComplete: true }]);
    await remove("ollama", scanOllama(folder), "other:1b");
    expect(listBelow()).toEqual([]);
  });

  test("shows a model of which a blob is missing, and one whose list is none", () => {
    writeOllamaModel(folder, "half:1b", { model: WEIGHTS });
    rmSync(blobPath(folder, digestOf(WEIGHTS)));
    write({ "manifests/registry.ollama.ai/library/broken/latest": "{", "manifests/registry.ollama.ai/library/null/latest": "null" });
    expect(named(scanOllama(folder))).toMatchObject({
      "half:1b": { isComplete: false },
      "broken:latest": { isComplete: false, bytes: 0 },
      "null:latest": { isComplete: false, bytes: 0 },
    });
  });

  test("a digest that leads out of it is no blob", () => {
    const config = { digest: "sha256:../../../../etc/passwd", size: 3 };
    write({ "manifests/registry.ollama.ai/library/evil/latest": JSON.stringify({ config, layers: [config, null, "x"] }) });
    expect(scanOllama(folder)).toMatchObject([{ files: [], isComplete: false }]);
  });

  test("tells when the weights were last read", () => {
    writeOllamaModel(folder, "old:1b", { model: WEIGHTS });
    const blob = blobPath(folder, digestOf(WEIGHTS));
    utimesSync(blob, new Date("2026-03-04"), new Date("2026-01-10"));
    expect(lastReadMs(scanOllama(folder)[0]?.files ?? [])).toBe(Date.parse("2026-03-04"));
    utimesSync(blob, new Date("2026-01-10"), new Date("2026-01-10"));
    expect(lastReadMs(scanOllama(folder)[0]?.files ?? [])).toBeUndefined();
  });

  test("that is not there has no models", () => {
    expect(scanOllama(join(folder, "none"))).toEqual([]);
  });
});

/** As huggingface_hub and llama.cpp leave it. */
function writeSnapshot(repo: string, files: ModelFiles, commit = "1".repeat(40)): void {
  const model = join(folder, ["models", ...repo.split("/")].join("--"));
  for (const [path, content] of Object.entries(files)) {
    const blob = etagOf(content, /\.(gguf|bin|safetensors)$/.test(path));
    mkdirSync(join(model, "blobs"), { recursive: true });
    writeFileSync(join(model, "blobs", blob), content);
    const link = join(model, "snapshots", commit, path);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(`${"../".repeat(path.split("/").length + 1)}blobs/${blob}`, link);
  }
  mkdirSync(join(model, "refs"), { recursive: true });
  writeFileSync(join(model, "refs/main"), commit);
}

describe("a cache of the hub's layout", () => {
  test("has a model for each repository, described by its config.json", () => {
    writeSnapshot("Qwen/Qwen3-0.6B", {
      "config.json": JSON.stringify({ model_type: "qwen3", torch_dtype: "bfloat16", max_position_embeddings: 40_960 }),
      "model.safetensors": safetensorsFile({ BF16: 3000 }),
    });
    writeSnapshot("org/awq", {
      "config.json": JSON.stringify({ quantization_config: { quant_method: "awq", bits: 4 } }),
      "model.safetensors": "x",
    });
    writeSnapshot("gpt2", { "model.safetensors": safetensorsFile({ F16: 10 }) });
    expect(named(scanHub(folder))).toMatchObject({
      "Qwen/Qwen3-0.6B": {
        path: join(folder, "models--Qwen--Qwen3-0.6B/snapshots", "1".repeat(40)),
        isComplete: true,
        details: { format: "safetensors", quantisation: "BF16", architecture: "qwen3", contextLength: 40_960 },
      },
      "org/awq": { details: { quantisation: "awq 4-bit" } },
      gpt2: { details: { quantisation: "F16" } },
    });
  });

  test("counts what two revisions share once, and what is left of others as well", async () => {
    writeSnapshot("org/name", { "config.json": "{}", "model.bin": "same weights" });
    writeSnapshot("org/name", { "config.json": '{"a": 1}', "model.bin": "same weights" }, "2".repeat(40));
    write({ "models--org--name/blobs/left": "of another" });
    const models = scanHub(folder);
    expect(models).toHaveLength(1);
    expect(models[0]?.bytes).toBe("{}".length + '{"a": 1}'.length + "same weights".length + "of another".length);
    expect(models[0]?.path).toEndWith("2".repeat(40));
    await remove("hub", models, "org/name");
    expect(readdirSync(folder)).toEqual(readdirSync(folder).filter((name) => name === ".locks"));
    expect(listBelow()).toEqual([]);
  });

  test("has one for each quantisation of GGUF files, by llama.cpp's names; each goes by itself", async () => {
    const q8 = ggufFile({ values: ggufValues({ fileType: 7 }), weights: 9000 });
    writeSnapshot("org/x-GGUF", {
      "x-Q4_K_M.gguf": ggufFile({ weights: 4000 }),
      "Q8_0/x-Q8_0-00001-of-00002.gguf": q8,
      "Q8_0/x-Q8_0-00002-of-00002.gguf": "rest",
      "mmproj-F16.gguf": "projector",
    });
    const models = scanHub(folder);
    expect(named(models)).toMatchObject({
      "org/x-GGUF:Q4_K_M": { isComplete: true, details: { quantisation: "Q4_K_M" } },
      "org/x-GGUF:Q8_0": { isComplete: true, bytes: q8.length + "rest".length + "projector".length, details: { quantisation: "Q8_0" } },
    });
    const freed = freedBy(
      named(models)["org/x-GGUF:Q8_0"] as StoredModel,
      models.filter(({ name }) => name !== "org/x-GGUF:Q8_0"),
    );
    expect(freed).toBe(q8.length + "rest".length);
    await remove("hub", models, "org/x-GGUF:Q8_0");
    expect(scanHub(folder)).toMatchObject([{ name: "org/x-GGUF:Q4_K_M", isComplete: true }]);
    await remove("hub", scanHub(folder), "org/x-GGUF:Q4_K_M");
    expect(listBelow()).toEqual([]);
  });

  test("shows what is not complete: a link that leads nowhere, half a file, a missing part", () => {
    writeSnapshot("a/dangling", { "model.bin": "x" });
    rmSync(join(folder, "models--a--dangling/blobs"), { recursive: true });
    writeSnapshot("b/half", { "model.bin": "x" });
    write({ "models--b--half/blobs/abc.incomplete": "ha" });
    writeSnapshot("c/part", { "x-Q4_0-00001-of-00002.gguf": ggufFile() });
    write({ ".locks/models--d--begun/harbor/blobs/0123.incomplete": "half" });
    const models = scanHub(folder);
    expect(models.map(({ name, isComplete }) => [name, isComplete]).sort()).toEqual([
      ["a/dangling", false],
      ["b/half", false],
      ["c/part:Q4_0", false],
      ["d/begun", false],
    ]);
  });

  test("reached by a link keeps the other quantisations when one goes", async () => {
    writeSnapshot("o/n", { "x-Q4_0.gguf": ggufFile(), "x-Q8_0.gguf": ggufFile({ weights: 9 }) });
    const real = folder;
    folder = join(makeFolder(), "link");
    symlinkSync(real, folder);
    await remove("hub", scanHub(folder), "o/n:Q4_0");
    expect(scanHub(folder)).toMatchObject([{ name: "o/n:Q8_0", isComplete: true }]);
  });

  test("a link out of it is removed, not what it leads to", async () => {
    const outside = join(makeFolder(), "weights.gguf");
    writeFileSync(outside, ggufFile());
    const link = join(folder, "models--o--n/snapshots", "1".repeat(40), "x-Q4_0.gguf");
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(outside, link);
    const models = scanHub(folder);
    expect(freedBy(models[0] as StoredModel, [])).toBe(0);
    await remove("hub", models, "o/n:Q4_0");
    expect([existsSync(outside), existsSync(link)]).toEqual([true, false]);
  });
});

describe("a folder of GGUF files", () => {
  test("has a model for each file, and for each folder of several, as llama-server takes them", () => {
    write({
      "llama-3.2-1b-Q4_K_M.gguf": ggufFile(),
      "gemma-3-4b-it-Q8_0/gemma-3-4b-it-Q8_0.gguf": ggufFile(),
      "gemma-3-4b-it-Q8_0/mmproj-F16.gguf": "projector",
      "Kimi-IQ1_S/Kimi-IQ1_S-00001-of-00002.gguf": ggufFile(),
      "Kimi-IQ1_S/Kimi-IQ1_S-00002-of-00002.gguf": "rest",
      "Half/Half-00001-of-00003.gguf": ggufFile(),
      "publisher/model/file-Q4_0.gguf": ggufFile(),
      "notes.txt": "no model",
      ".cache/models--a--b/snapshots/1/x-Q4_0.gguf": ggufFile(),
    });
    const models = named(scanGguf(folder));
    expect(Object.keys(models).sort()).toEqual(["Half", "Kimi-IQ1_S", "gemma-3-4b-it-Q8_0", "llama-3.2-1b-Q4_K_M", "publisher/model"]);
    expect(models).toMatchObject({
      "Kimi-IQ1_S": { path: join(folder, "Kimi-IQ1_S"), isComplete: true },
      "publisher/model": { path: join(folder, "publisher/model/file-Q4_0.gguf") },
      Half: { isComplete: false },
    });
  });

  test("is left as it was but for the model that goes", async () => {
    write({ "a-Q4_0.gguf": ggufFile(), "b/b.gguf": ggufFile(), "b/mmproj-F16.gguf": "projector" });
    await remove("gguf", scanGguf(folder), "b");
    expect(listBelow()).toEqual(["a-Q4_0.gguf"]);
    expect(existsSync(join(folder, "b"))).toBe(false);
    await remove("gguf", scanGguf(folder), "a-Q4_0");
    expect(existsSync(folder)).toBe(true);
  });

  test("two names of one file are one content", () => {
    write({ "a-Q4_0.gguf": ggufFile() });
    linkSync(join(folder, "a-Q4_0.gguf"), join(folder, "b-Q4_0.gguf"));
    const [a, b] = scanGguf(folder) as [StoredModel, StoredModel];
    expect(totalOf([...a.files, ...b.files])).toBe(a.bytes);
    expect(freedBy(a, [b])).toBe(0);
  });
});

describe("ComfyUI's folder", () => {
  test("has a model for each file by kind; of diffusers for each folder", () => {
    write({
      "checkpoints/sd15.safetensors": safetensorsFile({ F16: 4000 }),
      "loras/style/ink.safetensors": safetensorsFile({ BF16: 10 }),
      "unet/flux-Q4_K_S.gguf": ggufFile({ values: ggufValues({ fileType: 14 }) }),
      "checkpoints/put_checkpoints_here": "",
      "configs/v1.yaml": "x",
      "diffusers/sdxl/unet/model.safetensors": safetensorsFile(),
      "diffusers/sdxl/vae/model.safetensors": safetensorsFile({ F32: 10 }),
      ".harbor/half.safetensors": "x",
    });
    const models = named(scanComfyui(folder));
    expect(Object.keys(models).sort()).toEqual([
      "checkpoints/sd15.safetensors",
      "diffusers/sdxl",
      "loras/style/ink.safetensors",
      "unet/flux-Q4_K_S.gguf",
    ]);
    expect(models).toMatchObject({
      "checkpoints/sd15.safetensors": { details: { format: "safetensors", quantisation: "F16" } },
      "unet/flux-Q4_K_S.gguf": { details: { quantisation: "Q4_K_S" } },
      "diffusers/sdxl": { path: join(folder, "diffusers/sdxl"), files: [{}, {}] },
    });
  });

  test("keeps its kinds when the last model of one goes", async () => {
    write({ "loras/style/ink.safetensors": safetensorsFile(), "diffusers/sdxl/unet/model.safetensors": safetensorsFile() });
    await remove("comfyui", scanComfyui(folder), "loras/style/ink.safetensors");
    await remove("comfyui", scanComfyui(folder), "diffusers/sdxl");
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(["diffusers", "loras"]);
  });
});
