/** A model as it lies in a folder, whatever that folder's layout; and the files that it consists of. */
import { lstatSync, statSync } from "node:fs";

/** A file with content. Two names of one content have one `key`. */
export interface StoredFile {
  path: string;
  bytes: number;
  /** Device and inode. */
  key: string;
  /** A link, whose content lies elsewhere and stays there. */
  isLink: boolean;
  /** Milliseconds since 1970. */
  readMs: number;
  writtenMs: number;
}

/** What can be told of a model without loading it; undefined where nothing tells. */
export interface ModelDetails {
  /** `gguf`, `safetensors`, … */
  format?: string | undefined;
  /** `Q4_K_M`, `BF16`, `awq 4-bit`, … */
  quantisation?: string | undefined;
  architecture?: string | undefined;
  /** As its makers write it: `8.0B`. */
  parameters?: string | undefined;
  /** Tokens. */
  contextLength?: number | undefined;
}

export interface StoredModel {
  /** As the programs that read this folder call it. */
  name: string;
  /** The file or folder that such a program would be given; undefined for a model of another machine. */
  path: string | undefined;
  files: StoredFile[];
  /** Of all its files; of one that is not on this disk as its server says. */
  bytes: number;
  /** Lists and links that lead to the files: they go with the model. */
  leads: string[];
  /** A folder that holds this model and nothing else: it goes with it. */
  folder?: string;
  isComplete: boolean;
  details: ModelDetails;
}

/** Undefined for what is no file, or a link that leads to none. */
export function storedFile(path: string): StoredFile | undefined {
  try {
    const isLink = lstatSync(path).isSymbolicLink();
    const found = statSync(path);
    if (!found.isFile()) return undefined;
    const { dev, ino, size: bytes, atimeMs: readMs, mtimeMs: writtenMs } = found;
    return { path, bytes, key: `${dev}:${ino}`, isLink, readMs, writtenMs };
  } catch {
    return undefined;
  }
}

/** Each content once. */
export function totalOf(files: readonly StoredFile[]): number {
  return [...new Map(files.map((file) => [file.key, file.bytes])).values()].reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * When the file with the most in it was last read, as the file system notes it (on most systems to the day alone); undefined where it
 * was not since it was written, or nothing is noted.
 */
export function lastReadMs(files: readonly StoredFile[]): number | undefined {
  const largest = files.reduce<StoredFile | undefined>(
    (best, file) => (best === undefined || file.bytes > best.bytes ? file : best),
    undefined,
  );
  return largest !== undefined && largest.readMs > largest.writtenMs + SLACK_MS ? largest.readMs : undefined;
}

/** Whoever writes a file may read it back to check it. */
const SLACK_MS = 60_000;
