/** What the name of a GGUF file says, as llama.cpp reads it: which part of how many, which quantisation, and whether it is a model at all. */

export interface GgufName {
  /** Its path without the part and the ending. */
  stem: string;
  /** `Q4_K_M`: the last word of the name, in capitals; empty where it has none. */
  tag: string;
  /** From 1; 1 of 1 for a file that is not split. */
  part: number;
  parts: number;
}

/** Undefined for a file that is no GGUF. */
export function readGgufName(path: string): GgufName | undefined {
  const [, whole] = /^(.+)\.gguf$/i.exec(path) ?? [];
  if (whole === undefined) return undefined;
  const [, stem = whole, part = "1", parts = "1"] = /^(.+)-(\d{5})-of-(\d{5})$/.exec(whole) ?? [];
  const [, tag = ""] = /[-.]([A-Za-z0-9_]+)$/.exec(stem) ?? [];
  return { stem, tag: tag.toUpperCase(), part: Number(part), parts: Number(parts) };
}

/** Whether it is a model, rather than a part that another model needs beside it (an image projector, a draft model). */
export function isGgufModel(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return /\.gguf$/i.test(name) && !/mmproj|imatrix|(?:mtp|eagle3|dflash|dspark)-/.test(name);
}

/** A tag that names a quantisation, and not, say, a version. */
export function asQuantisation(tag: string): string | undefined {
  return /^(?:I?Q\d|TQ\d|F16$|F32$|BF16$|FP\d|MXFP4|NVFP4)/.test(tag) ? tag : undefined;
}
