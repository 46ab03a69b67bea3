/** What a person means by a model's name, which files of it that are, and which service it is for. */
import { describe, expect, test } from "bun:test";
import { chooseFiles } from "../../../routines/models/_choose-files.ts";
import { chooseStore } from "../../../routines/models/_choose-store.ts";
import { asHubReference, asOllamaName, readReference } from "../../../routines/models/_read-reference.ts";
import type { Store } from "../../../routines/models/read-stores.ts";

const HUB = "https://huggingface.co";

describe("a name", () => {
  test.each([
    ["llama3.2", { kind: "ollama", name: "llama3.2" }],
    ["llama3.2:1b", { kind: "ollama", name: "llama3.2:1b" }],
    ["hf.co/org/name:Q4_K_M", { kind: "ollama", name: "hf.co/org/name:Q4_K_M" }],
    ["registry.example:5000/team/x:v1", { kind: "ollama", name: "registry.example:5000/team/x:v1" }],
    ["https://ollama.com/library/llama3.2:1b", { kind: "ollama", name: "llama3.2:1b" }],
    ["org/name", { kind: "hub", repo: "org/name" }],
    ["org/name-GGUF:Q4_K_M", { kind: "hub", repo: "org/name-GGUF", tag: "Q4_K_M" }],
    ["https://huggingface.co/org/name", { kind: "hub", repo: "org/name" }],
    ["https://hf.co/org/name/", { kind: "hub", repo: "org/name" }],
    ["https://huggingface.co/org/name/tree/v2", { kind: "hub", repo: "org/name", revision: "v2" }],
    ["https://huggingface.co/org/name/resolve/main/a/x.gguf?download=true", { kind: "hub", repo: "org/name", path: "a/x.gguf" }],
    [
      "https://huggingface.co/org/name/blob/abc/x%20y.safetensors",
      { kind: "hub", repo: "org/name", revision: "abc", path: "x y.safetensors" },
    ],
    ["https://example.com/models/x.gguf?key=1", { kind: "url", url: new URL("https://example.com/models/x.gguf?key=1"), file: "x.gguf" }],
  ])("%s", (text, reference) => {
    expect(readReference(text, HUB)).toEqual(reference as never);
  });

  test("of a mirror's page is the hub's", () => {
    expect(readReference("http://127.0.0.1:8000/org/name", "http://127.0.0.1:8000")).toEqual({ kind: "hub", repo: "org/name" });
  });

  test.each([
    ["../x"],
    ["org/../x"],
    ["a b"],
    ["a/b/c/d"],
    ["org/-x"],
    ["x\u0007y"],
    ["-rf"],
    ["https://example.com/page"],
    ["https://user:secret@example.com/x.gguf"],
    ["ftp://example.com/x.gguf"],
  ])("%j is none, and ends in usage", (text) => {
    expect(() => readReference(text, HUB)).toThrow(expect.objectContaining({ exit: "usage" }));
  });

  test("is turned into another program's spelling where that is meant", () => {
    const of = (text: string) => readReference(text, HUB);
    expect(asHubReference(of("hf.co/org/name:Q8_0"))).toEqual({ kind: "hub", repo: "org/name", tag: "Q8_0" });
    expect(asHubReference(of("llama3.2"))).toEqual({ kind: "ollama", name: "llama3.2" });
    expect(asOllamaName("https://huggingface.co/org/name", of("https://huggingface.co/org/name"))).toBe("hf.co/org/name");
    expect(asOllamaName("user/model", of("user/model"))).toBe("user/model");
  });
});

function choose(paths: readonly string[], options: { tag?: string; path?: string } = {}): string[] {
  const files = paths.map((path) => ({ path, bytes: 1_000_000, blob: "0".repeat(40) }));
  return chooseFiles({ commit: "0".repeat(40), files }, { repo: "org/name", ...options }).files.map(({ path }) => path);
}

const MANY = ["README.md", "x-Q2_K.gguf", "x-Q4_K_M.gguf", "x-Q8_0.gguf", "x-UD-Q4_K_XL.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf"];

describe("of many quantisations", () => {
  test.each([
    [undefined, ["x-Q4_K_M.gguf", "mmproj-F16.gguf"]],
    ["Q8_0", ["x-Q8_0.gguf", "mmproj-F16.gguf"]],
    ["q2_k", ["x-Q2_K.gguf", "mmproj-F16.gguf"]],
    ["UD-Q4_K_XL", ["x-UD-Q4_K_XL.gguf", "mmproj-F16.gguf"]],
  ])("%p means %p", (tag, paths) => {
    expect(choose(MANY, tag === undefined ? {} : { tag })).toEqual(paths);
  });

  test("one that is not there ends in those that are", () => {
    expect(() => choose(MANY, { tag: "Q5_0" })).toThrow(
      expect.objectContaining({
        exit: "unknown",
        message: 'Cannot find the quantisation "Q5_0" of org/name',
        details: ["It has Q2_K (1.0 MB), Q4_K_M (1.0 MB), Q8_0 (1.0 MB), Q4_K_XL (1.0 MB)"],
      }),
    );
    expect(() => choose(["model.safetensors"], { tag: "Q5_0" })).toThrow(expect.objectContaining({ details: ["It has no GGUF files"] }));
  });

  test("all parts belong to it, in a folder too", () => {
    const parts = ["BF16/x-BF16-00001-of-00002.gguf", "BF16/x-BF16-00002-of-00002.gguf"];
    expect(choose(["x-Q4_K_M.gguf", ...parts], { tag: "BF16" })).toEqual(parts);
    expect(choose(["x-Q4_K_M.gguf", ...parts], { path: parts[0] as string })).toEqual(parts);
  });

  test("without one of llama.cpp's favourites it is the first", () => {
    expect(choose(["x-IQ3_M.gguf", "x-IQ4_XS.gguf"])).toEqual(["x-IQ3_M.gguf"]);
  });
});

describe("of weights in several formats", () => {
  test("safetensors are taken, and what describes them", () => {
    const wanted = ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "tokenizer.json"];
    const doubles = ["original/consolidated.00.pth", "pytorch_model.bin", "onnx/model.onnx", "tf_model.h5", "consolidated.safetensors"];
    expect(choose([...wanted, ...doubles])).toEqual(wanted);
  });

  test("all is taken where nothing says that there are doubles", () => {
    const files = ["config.json", "model.bin", "vocabulary.txt", "model.onnx"];
    expect(choose(files)).toEqual(files);
  });

  test("a file is taken by its path, or it is said which there are", () => {
    expect(choose(["a/x.safetensors", "y.safetensors"], { path: "y.safetensors" })).toEqual(["y.safetensors"]);
    expect(() => choose(["a/x.safetensors"], { path: "z.safetensors" })).toThrow(
      expect.objectContaining({ exit: "unknown", details: ["It has a/x.safetensors"] }),
    );
  });
});

function store(name: string, takes: string[], service: string | undefined = name): Store {
  return { name, places: [], service, loaded: undefined, refresh: undefined, takes };
}

const STORES = [store("llamacpp", ["gguf"]), store("vllm", ["text-generation"]), { ...store("user:hf", ["gguf"]), service: undefined }];

describe("the service that a model is for", () => {
  test("is the one that says it takes it, never a cache of the user's own", () => {
    expect(chooseStore(STORES, ["gguf"], "x").name).toBe("llamacpp");
    expect(chooseStore(STORES, ["text-generation"], "x").name).toBe("vllm");
  });

  test.each([
    [["text-to-video"], "llamacpp, vllm"],
    [[], "llamacpp, vllm"],
  ])("cannot be told for %j: those that there are are named", (kinds, names) => {
    expect(() => chooseStore(STORES, kinds, "x")).toThrow(
      expect.objectContaining({ exit: "usage", hint: `Say it with --store: ${names}` }),
    );
  });

  test("cannot be told where two take it", () => {
    const two = [...STORES, store("mine", ["gguf"])];
    expect(() => chooseStore(two, ["gguf"], "x")).toThrow(expect.objectContaining({ hint: "Say it with --store: llamacpp, mine" }));
  });
});
