/** The header of GGUF and safetensors files: what it tells, and what cannot be right is not believed. */
import { describe, expect, test } from "bun:test";
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readGgufHeader } from "../../../routines/models/_gguf-header.ts";
import { asQuantisation, isGgufModel, readGgufName } from "../../../routines/models/_gguf-names.ts";
import { readSafetensorsHeader } from "../../../routines/models/_safetensors-header.ts";
import { makeFolder } from "../../_workspace.ts";
import { ggufFile, ggufValues, safetensorsFile } from "../../fixtures/gguf-file.ts";

function write(bytes: Uint8Array, name = "model.gguf"): string {
  const path = join(makeFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

describe("a GGUF file", () => {
  test("says architecture, quantisation, size and context length", () => {
    expect(readGgufHeader(write(ggufFile()))).toEqual({
      format: "gguf",
      architecture: "llama",
      quantisation: "Q4_K_M",
      parameters: "1.2B",
      contextLength: 4096,
    });
  });

  test.each([
    [0, "F32"],
    [7, "Q8_0"],
    [18, "Q6_K"],
    [32, "BF16"],
    [38, "MXFP4"],
    [1024, undefined],
    [5, undefined],
  ])("of file type %p is %p", (fileType, quantisation) => {
    expect(readGgufHeader(write(ggufFile({ values: ggufValues({ fileType }) })))?.quantisation).toBe(quantisation);
  });

  test("is read past the lists of a tokenizer, however long", () => {
    const texts = Array.from({ length: 40_000 }, (_, at) => `token ${at}`);
    const values = { "tokenizer.ggml.tokens": { texts }, "tokenizer.ggml.scores": { floats: 40_000 }, ...ggufValues({ context: 131_072 }) };
    expect(readGgufHeader(write(ggufFile({ values })))).toMatchObject({ quantisation: "Q4_K_M", contextLength: 131_072 });
  });

  test("that ends in the middle tells what it has", () => {
    const whole = ggufFile({ weights: 0 });
    for (let length = 24; length < whole.length; length++) {
      expect(readGgufHeader(write(whole.subarray(0, length)))?.format).toBe("gguf");
    }
  });

  test.each([
    ["more keys than there are bytes", ggufFile({ keys: 2n ** 63n, values: {}, weights: 3000 })],
    ["a text longer than the file", ggufFile({ values: { "general.architecture": { text: "llama" } } }).fill(0xff, 28, 32)],
    ["a version that counts otherwise", ggufFile({ version: 1 })],
    ["the other byte order", ggufFile({ version: 3 << 24 })],
  ])("with %s is a GGUF of which nothing is known", (_, bytes) => {
    expect(readGgufHeader(write(bytes))).toMatchObject({ format: "gguf" });
    expect(readGgufHeader(write(bytes))?.architecture).toBeUndefined();
  });

  test("with what would write to a terminal says nothing", () => {
    const values = { "general.architecture": { text: "\x1b[2Jllama" }, "general.file_type": { u32: 7 } };
    expect(readGgufHeader(write(ggufFile({ values })))).toMatchObject({ quantisation: "Q8_0", architecture: undefined });
  });

  test.each([["nothing"], ["<!doctype html><title>Log in</title>and some more of it"]])("is not %p", (text) => {
    expect(readGgufHeader(write(new TextEncoder().encode(text)))).toBeUndefined();
  });

  test.if(process.platform === "linux")("keeps the time of its last use when it is looked at", () => {
    const path = write(ggufFile());
    utimesSync(path, new Date("2026-01-05"), new Date("2026-01-10"));
    readGgufHeader(path);
    expect(statSync(path).atime).toEqual(new Date("2026-01-05"));
  });
});

describe("its name", () => {
  test.each([
    ["gemma-3-1b-it-Q4_K_M.gguf", { stem: "gemma-3-1b-it-Q4_K_M", tag: "Q4_K_M", part: 1, parts: 1 }],
    ["UD/Kimi-UD-IQ1_S-00002-of-00006.gguf", { stem: "UD/Kimi-UD-IQ1_S", tag: "IQ1_S", part: 2, parts: 6 }],
    ["llama.q8_0.GGUF", { stem: "llama.q8_0", tag: "Q8_0", part: 1, parts: 1 }],
    ["model.gguf", { stem: "model", tag: "", part: 1, parts: 1 }],
    ["model.bin", undefined],
  ])("%s", (name, parts) => {
    expect(readGgufName(name)).toEqual(parts);
  });

  test.each([
    ["a/b-Q4_0.gguf", true],
    ["mmproj-F16.gguf", false],
    ["a/mtp-x-Q8_0.gguf", false],
    ["x.imatrix.gguf", false],
    ["config.json", false],
  ])("%s is a model: %p", (name, isModel) => {
    expect(isGgufModel(name)).toBe(isModel);
  });

  test("has a quantisation, or a word that is none", () => {
    expect(["Q4_K_M", "IQ2_XXS", "BF16", "F16", "MXFP4", "TQ1_0"].map(asQuantisation)).not.toContain(undefined);
    expect(["V2", "INSTRUCT", "1B", "FINAL", "QWEN"].map(asQuantisation)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
});

describe("a safetensors file", () => {
  test("says which type most of it is of", () => {
    expect(readSafetensorsHeader(write(safetensorsFile({ F32: 100, BF16: 5000 })))).toEqual({
      format: "safetensors",
      quantisation: "BF16",
    });
  });

  test.each([
    ["no length", new Uint8Array(4)],
    ["a length past the end", Buffer.concat([Buffer.from([255, 255, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")])],
    ["a length beyond all measure", new Uint8Array(100).fill(255)],
    ["no JSON", Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("nope")])],
  ])("with %s is none", (_, bytes) => {
    expect(readSafetensorsHeader(write(bytes))).toBeUndefined();
  });
});
