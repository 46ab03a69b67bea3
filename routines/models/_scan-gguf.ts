/**
 * The models in a folder of GGUF files, as `llama-server --models-dir` takes it: a file is a model; a folder is one of several
 * files, its parts (`-00001-of-00003`) and what it needs beside it (`mmproj-…`). LM Studio's `<publisher>/<model>/<file>` is one folder deeper.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readGgufHeader } from "./_gguf-header.ts";
import { asQuantisation, isGgufModel, readGgufName } from "./_gguf-names.ts";
import { type ModelDetails, type StoredFile, type StoredModel, storedFile, totalOf } from "./_stored-model.ts";

const DEEPEST = 4;

/** Empty where there is no such folder. Throws as the file system does where it cannot be read. */
export function scanGguf(folder: string, inside = "", depth = 0): StoredModel[] {
  const here = join(folder, inside);
  const entries = listEntries(here);
  const files = entries.filter((entry) => !entry.isDirectory() && /\.gguf$/i.test(entry.name)).map(({ name }) => name);
  const folders = entries.filter((entry) => entry.isDirectory() && !/^(?:\.|models--)/.test(entry.name));
  const below = depth < DEEPEST ? folders.flatMap(({ name }) => scanGguf(folder, join(inside, name), depth + 1)) : [];
  return [...readModels(here, inside, files), ...below];
}

function listEntries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function readModels(here: string, inside: string, names: readonly string[]): StoredModel[] {
  const groups = groupParts(names.filter(isGgufModel));
  const isOwnFolder = inside !== "" && groups.length === 1;
  // what lies beside several models in the folder above all belongs to none of them
  const beside =
    inside === ""
      ? []
      : present(
          here,
          names.filter((name) => !isGgufModel(name)),
        );
  return groups.map((parts) => {
    const stem = readGgufName(parts[0] ?? "")?.stem ?? "";
    const files = [...present(here, parts), ...beside];
    return {
      name: isOwnFolder ? inside : join(inside, stem),
      path: isOwnFolder && files.length > 1 ? here : join(here, parts[0] ?? ""),
      files,
      bytes: totalOf(files),
      leads: [],
      ...(isOwnFolder ? { folder: here } : {}),
      isComplete: isWhole(parts) && files.length === parts.length + beside.length,
      details: ggufDetails(join(here, parts[0] ?? "")),
    };
  });
}

/** By the header, else by the name. */
export function ggufDetails(path: string): ModelDetails {
  const header = readGgufHeader(path);
  return { format: "gguf", ...header, quantisation: header?.quantisation ?? asQuantisation(readGgufName(path)?.tag ?? "") };
}

/** Files of one model together, by the numbers of their parts. */
export function groupParts(paths: readonly string[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const path of [...paths].sort()) {
    const { stem = path, parts = 1 } = readGgufName(path) ?? {};
    const key = `${stem} ${parts}`;
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  return [...groups.values()];
}

/** Whether all its parts are there. */
export function isWhole(parts: readonly string[]): boolean {
  return parts.length === (readGgufName(parts[0] ?? "")?.parts ?? 1);
}

function present(folder: string, names: readonly string[]): StoredFile[] {
  return names.flatMap((name) => storedFile(join(folder, name)) ?? []);
}
