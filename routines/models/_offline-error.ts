/** A model that is not here and cannot be asked for → what exactly is missing, where it belongs, and how it gets there. */
import { formatSize } from "../_script/size.ts";
import { sizeOf } from "./_find-model.ts";
import { ModelError } from "./_model-error.ts";
import { modelFolderName, partialPath, placesOf, stagedPath, stagedTreePath } from "./_places.ts";
import { readTree, selectFiles, totalBytes } from "./_tree.ts";

export interface OfflineErrorOptions {
  repo: string;
  revision: string;
  cache: string;
  include?: readonly string[] | undefined;
}

export function offlineError(options: OfflineErrorOptions, why: string, cause?: unknown): ModelError {
  const { repo, revision, cache } = options;
  const folder = modelFolderName(repo);
  // the whole model: how several patterns are written depends on the version of hf
  const words = ["hf", "download", repo, ...(revision === "main" ? [] : ["--revision", revision])];
  return new ModelError("offline", repo, why, {
    ...(cause === undefined ? {} : { cause }),
    details: [describeWanted(options), `It belongs in ${cache}/${folder}`],
    hint: `Where there is a network, \`${words.map(quote).join(" ")} --cache-dir models\`; then copy models/${folder} to ${cache}/`,
  });
}

/** By its names and size, where an earlier call came so far as to learn them. */
function describeWanted({ repo, revision, cache, include = [] }: OfflineErrorOptions): string {
  const places = placesOf({ repo, cache });
  const tree = readTree(stagedTreePath(places));
  if (tree === undefined) return `Wanted: ${include.length === 0 ? "all files" : include.join(", ")} of revision ${revision}`;
  const files = selectFiles(tree, include);
  const received = files.reduce((sum, { blob }) => sum + (sizeOf(stagedPath(places, blob)) ?? sizeOf(partialPath(places, blob)) ?? 0), 0);
  const soFar = received === 0 ? "" : `, ${formatSize(received)} of it received`;
  return `Wanted: ${files.map(({ path }) => path).join(", ")} of revision ${revision}, ${formatSize(totalBytes(files))}${soFar}`;
}

/** For a shell; what needs no quotes has none. */
function quote(word: string): string {
  return /^[\w./@:=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
