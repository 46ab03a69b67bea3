/** The models in one folder of a store, read from disk by its layout. */
import { scanComfyui } from "./_scan-comfyui.ts";
import { scanGguf } from "./_scan-gguf.ts";
import { scanHub } from "./_scan-hub.ts";
import { scanOllama } from "./_scan-ollama.ts";
import type { StoredModel } from "./_stored-model.ts";
import type { Layout, StorePlace } from "./read-stores.ts";

const SCANS: Readonly<Record<Layout, (folder: string) => StoredModel[]>> = {
  ollama: scanOllama,
  hub: scanHub,
  gguf: (folder) => scanGguf(folder),
  comfyui: scanComfyui,
};

/** A folder that may not be read hides its own models alone. */
export function scanPlace({ layout, folder }: StorePlace, complain: (text: string) => void): StoredModel[] {
  try {
    return SCANS[layout](folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    complain(code === "EACCES" ? `no permission to read "${folder}"` : message);
    return [];
  }
}
