/** A model for tests of its download, and what must be on the disk once it is there. */
import { expect } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { etagOf, type ModelFiles } from "../../fixtures/model-hub.ts";

export const REPO = "Systran/faster-whisper-small";
export const FOLDER = "models--Systran--faster-whisper-small";
export const ROUTINE = join(import.meta.dir, "../../../routines/models/fetch-model.ts");

/** Bytes that are the same each time. */
export function noise(bytes: number, seed = 1): Uint8Array {
  const block = new Bun.CryptoHasher("sha512").update(String(seed)).digest();
  return Uint8Array.from({ length: bytes }, (_, at) => (block[at % 64] ?? 0) ^ ((at >> 6) & 0xff) ^ ((at >> 14) & 0xff));
}

export const MODEL: ModelFiles = {
  "README.md": "---\nlibrary_name: ctranslate2\n---\n",
  "config.json": '{"lang_ids": [50259]}',
  "model.bin": noise(300_000),
  "tokenizer.json": "{}",
  "vocabulary.txt": "",
  "onnx/int8/model.onnx": noise(50_000, 2),
};

export function isLarge(path: string): boolean {
  return /\.(?:bin|onnx)$/.test(path);
}

export function sizeOf(files: ModelFiles): number {
  return Object.values(files).reduce((sum, content) => sum + content.length, 0);
}

/** Everything below a folder that is no folder; `[]` where there is none. */
export function listBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.filter((path) => !lstatSync(join(folder, path)).isDirectory()).sort();
}

/** That a snapshot is what huggingface_hub would have made of these files: relative links to blobs that bear their checksums as names. */
export function expectSnapshot(cache: string, commit: string, files: ModelFiles): void {
  const model = join(cache, FOLDER);
  const snapshot = join(model, "snapshots", commit);
  expect(listBelow(snapshot)).toEqual(Object.keys(files).sort());
  for (const [path, content] of Object.entries(files)) {
    const target = readlinkSync(join(snapshot, path));
    const blob = join(model, "blobs", etagOf(content, isLarge(path)));
    expect(resolve(dirname(join(snapshot, path)), target)).toBe(blob);
    expect(target.startsWith("../../")).toBe(true);
    expect(Bun.hash(readFileSync(join(snapshot, path)))).toBe(Bun.hash(content));
  }
}

/** What a process that died may have left: no snapshot, or one that is whole. */
export function expectNothingWrong(cache: string, commit: string, files: ModelFiles): void {
  const snapshots = join(cache, FOLDER, "snapshots");
  if (existsSync(snapshots) && readdirSync(snapshots).length > 0) expectSnapshot(cache, commit, files);
  const ref = join(cache, FOLDER, "refs/main");
  if (existsSync(ref)) {
    expect(readFileSync(ref, "utf8")).toBe(commit);
    expectSnapshot(cache, commit, files);
  }
}
