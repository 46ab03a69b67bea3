#!/usr/bin/env bun
/**
 * What a folder takes of the disk, by what its files are: models, Python environments, all else. As du(1) counts: blocks, not
 * lengths; a file with several names once; links not followed.
 *
 *   bun routines/host/measure-folder.ts ~/.harbor/data --json
 */
import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";

export type FolderUsage = Record<FileUse, number> & {
  /** Folders that may not be read: what is in them is in none of the figures. */
  unreadable: string[];
};

export type FileUse = "models" | "environments" | "data";

/** Weights, by the formats that programs of the catalogue load. */
const MODEL_FILE = /\.(?:gguf|ggml|safetensors|onnx|ckpt|pth?|tflite|mlmodelc?|engine)$/i;
/** Folders in which all is a model's: Ollama's and ComfyUI's, and those of a Hugging Face cache. */
const MODEL_FOLDER = /^(?:models|models--.+|checkpoints|loras)$/;
/** What the folder of a Python environment has (PEP 405). */
const ENVIRONMENT_MARK = "pyvenv.cfg";
/** `st_blocks` counts in these whatever the file system's own are (stat(2)). */
const BLOCK_BYTES = 512;

/** Nothing where there is no such folder. */
export function measureFolder(path: string, use: FileUse = "data"): FolderUsage {
  const usage: FolderUsage = { models: 0, environments: 0, data: 0, unreadable: [] };
  new Walk(usage).addFolder(path, use);
  return usage;
}

/** All of it in one figure, its own blocks too; of a file as of a folder. Nothing where there is neither. */
export function measurePath(path: string): number {
  const own = lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0;
  const { models, environments, data } = measureFolder(path);
  return own * BLOCK_BYTES + models + environments + data;
}

class Walk {
  readonly #seen = new Set<string>();

  constructor(private readonly usage: FolderUsage) {}

  addFolder(path: string, use: FileUse): void {
    const entries = this.#read(path);
    const isEnvironment = entries.some((entry) => entry.name === ENVIRONMENT_MARK);
    const own = isEnvironment ? "environments" : use;
    for (const entry of entries) {
      const below = `${path}/${entry.name}`;
      if (entry.isDirectory()) this.addFolder(below, own === "data" && MODEL_FOLDER.test(entry.name) ? "models" : own);
      this.#add(below, own === "data" && MODEL_FILE.test(entry.name) ? "models" : own);
    }
  }

  #read(path: string): Dirent[] {
    try {
      return readdirSync(path, { withFileTypes: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTDIR") this.usage.unreadable.push(path);
      return [];
    }
  }

  #add(path: string, use: FileUse): void {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return; // gone meanwhile
    const name = `${found.dev}:${found.ino}`;
    if (found.nlink > 1 && !found.isDirectory() && this.#seen.has(name)) return;
    if (found.nlink > 1) this.#seen.add(name);
    this.usage[use] += found.blocks * BLOCK_BYTES;
  }
}

export const command = defineCommand({
  meta: { name: "measure-folder", description: "What a folder takes of the disk: models, environments, all else" },
  args: { folder: { type: "positional", description: "A folder", required: true }, ...jsonArg },
  run({ args }) {
    const path = String(args.folder);
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new HarborError(`Cannot measure "${path}": it is no folder`);
    const render = ({ models, environments, data }: FolderUsage): string =>
      `models\t${formatSize(models)}\nenvironments\t${formatSize(environments)}\ndata\t${formatSize(data)}`;
    emit(measureFolder(path), { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
