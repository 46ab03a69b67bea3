/**
 * What a model consists of at a commit, as the hub lists it; and a note of it beside the model, so that it is known later,
 * without a network, whether anything is missing. The note is a folder `.harbor` in the model's own: it goes where a copy of the
 * model goes, is gone when the model is removed, and huggingface_hub looks at none but its own names there.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileWhole } from "../_script/write-file.ts";
import { matchPaths } from "./_match-paths.ts";
import { isCommit, isInnerPath } from "./_names.ts";

export interface TreeFile {
  /** In the repository; stays in its folder. */
  path: string;
  bytes: number;
  /** The name of its blob, which is its checksum: SHA-256 for a file in LFS or Xet, git's SHA-1 of a blob for the others. */
  blob: string;
}

export interface Tree {
  commit: string;
  files: readonly TreeFile[];
}

/** One entry of `GET /api/models/<repo>/tree/<commit>` → a file; undefined for a folder. Throws, saying what is wrong, for what can be neither. */
export function readTreeEntry(entry: unknown): TreeFile | undefined {
  const { type, path, size, oid, lfs } = (entry ?? {}) as Record<string, unknown>;
  if (type === "directory") return undefined;
  const pointed = lfs as { oid?: unknown; size?: unknown } | undefined;
  return checkFile({ path, bytes: pointed?.size ?? size, blob: pointed?.oid ?? oid });
}

function checkFile({ path, bytes, blob }: Record<string, unknown>): TreeFile {
  if (typeof path !== "string" || !isInnerPath(path)) throw new Error(`it has a file with the path ${JSON.stringify(path)}`);
  if (typeof blob !== "string" || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(blob)) {
    throw new Error(`its file "${path}" has the checksum ${JSON.stringify(blob)}`);
  }
  if (!Number.isSafeInteger(bytes) || (bytes as number) < 0) throw new Error(`its file "${path}" has the size ${JSON.stringify(bytes)}`);
  return { path, bytes: bytes as number, blob };
}

/** Two files cannot have one path, and no file can be in another. */
export function checkTree(tree: Tree): Tree {
  const paths = new Set<string>();
  for (const { path } of tree.files) {
    if (paths.has(path)) throw new Error(`it has two files with the path "${path}"`);
    paths.add(path);
  }
  for (const { path } of tree.files) {
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
      if (paths.has(path.slice(0, at))) throw new Error(`its file "${path}" is in another file`);
    }
  }
  return tree;
}

export function writeTree(path: string, tree: Tree): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileWhole(path, `${JSON.stringify(tree)}\n`, 0o666);
}

/** The note at this path; undefined where there is none, or it is not one of ours. */
export function readTree(path: string): Tree | undefined {
  try {
    const { commit, files } = JSON.parse(readFileSync(path, "utf8")) as { commit: unknown; files: unknown };
    if (typeof commit !== "string" || !isCommit(commit) || !Array.isArray(files)) return undefined;
    return checkTree({ commit, files: files.map(checkFile) });
  } catch {
    return undefined;
  }
}

/** Those of its files that the patterns mean; all where there is none. */
export function selectFiles({ files }: Tree, patterns: readonly string[] | undefined): TreeFile[] {
  const paths = files.map(({ path }) => path);
  const wanted = new Set(matchPaths(paths, patterns));
  return files.filter(({ path }) => wanted.has(path));
}

export function totalBytes(files: readonly Pick<TreeFile, "bytes">[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
