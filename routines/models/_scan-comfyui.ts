/**
 * The models in ComfyUI's `models/` folder: `<kind>/…/<file>`, each file a model (its `folder_paths.py`); in `diffusers/` each folder is
 * one. Their names are their paths, as ComfyUI shows them below the kind.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readSafetensorsHeader } from "./_safetensors-header.ts";
import { ggufDetails } from "./_scan-gguf.ts";
import { type ModelDetails, type StoredModel, storedFile, totalOf } from "./_stored-model.ts";

const ENDINGS = /\.(ckpt|pt2?|bin|pth|safetensors|pkl|sft|gguf|onnx)$/i;

/** Empty where there is no such folder. Throws as the file system does where it cannot be read. */
export function scanComfyui(folder: string): StoredModel[] {
  const paths = listBelow(folder).filter((path) => ENDINGS.test(path) && path.includes("/"));
  const folders = new Map<string, string[]>();
  const models: StoredModel[] = [];
  for (const path of paths) {
    const [kind, model, ...rest] = path.split("/");
    if (kind !== "diffusers" || rest.length === 0) models.push(...asModel(folder, path, [path]));
    else folders.set(`${kind}/${model}`, [...(folders.get(`${kind}/${model}`) ?? []), path]);
  }
  return [...models, ...[...folders].flatMap(([name, files]) => asModel(folder, name, files, join(folder, name)))];
}

function listBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => !/(?:^|\/)\./.test(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function asModel(root: string, name: string, paths: readonly string[], folder?: string): StoredModel[] {
  const files = paths.flatMap((path) => storedFile(join(root, path)) ?? []);
  const [largest] = [...files].sort((a, b) => b.bytes - a.bytes);
  if (largest === undefined) return [];
  const details = readDetails(largest.path);
  return [
    {
      name,
      path: folder ?? largest.path,
      files,
      bytes: totalOf(files),
      leads: [],
      ...(folder === undefined ? {} : { folder }),
      isComplete: true,
      details,
    },
  ];
}

function readDetails(path: string): ModelDetails {
  const format = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  if (format === "gguf") return ggufDetails(path);
  return format === "safetensors" ? (readSafetensorsHeader(path) ?? { format }) : { format };
}
