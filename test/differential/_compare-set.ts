/** One set through both: our merge, read by compose, against the file list itself, read by compose. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatCompose } from "../../routines/compose/format-compose.ts";
import { mergeCompose } from "../../routines/compose/merge-compose.ts";
import type { FileSet } from "./_make-set.ts";
import { askOracle } from "./_oracle.ts";

export interface Outcome {
  /** `same` and `refused` are agreement. */
  verdict: "same" | "refused" | "different";
  /** What differs, or why both refuse. */
  detail: string;
}

/** Compares one set in a folder of its own, which goes away unless they differ and `keep` is given. */
export async function compareSet(set: FileSet, root: string, plugin: string, keep = false): Promise<Outcome> {
  writeSet(set, root);
  const outcome = await judge(set, root, plugin);
  if (!keep || outcome.verdict !== "different") rmSync(root, { recursive: true, force: true });
  return outcome;
}

function writeSet(set: FileSet, root: string): void {
  const put = (path: string, text: string): void => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  mkdirSync(root, { recursive: true });
  for (const file of set.beside) put(file.path, file.text);
  for (const file of set.files) {
    put(file.path, file.text);
    if (file.oracleText !== undefined) put(`oracle-${file.path}`, file.oracleText);
  }
}

async function judge(set: FileSet, root: string, plugin: string): Promise<Outcome> {
  const originals = set.files.map((file) => join(root, file.oracleText === undefined ? file.path : `oracle-${file.path}`));
  const expected = await askOracle(plugin, originals, root, set.env);
  let merged: string;
  try {
    merged = mergeText(set, root);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return expected.json === undefined
      ? { verdict: "refused", detail: `${why} | ${expected.error}` }
      : { verdict: "different", detail: `Harbor refuses what compose takes: ${why}` };
  }
  const path = join(root, "merged.yml");
  writeFileSync(path, merged);
  const actual = await askOracle(plugin, [path], root, set.env);
  if (expected.json === undefined) {
    return actual.json === undefined
      ? { verdict: "refused", detail: expected.error }
      : { verdict: "different", detail: `Harbor takes what compose refuses: ${expected.error}` };
  }
  if (actual.json === undefined) return { verdict: "different", detail: `Compose refuses the merged file: ${actual.error}` };
  if (expected.json === actual.json || Bun.deepEquals(JSON.parse(expected.json), JSON.parse(actual.json), true)) return { verdict: "same", detail: "" };
  return { verdict: "different", detail: firstDifference(JSON.parse(expected.json), JSON.parse(actual.json), "") };
}

function mergeText(set: FileSet, root: string): string {
  const { model } = mergeCompose({
    files: set.files.map((file) => ({ path: join(root, file.path), directory: join(root, file.directory) })),
    projectDirectory: root,
    values: (name) => set.env[name],
  });
  return formatCompose(model);
}

function firstDifference(expected: unknown, actual: unknown, path: string): string {
  const isNested = [expected, actual].every((value) => typeof value === "object" && value !== null);
  if (!isNested) return `${path}: compose says ${JSON.stringify(expected)}, merged ${JSON.stringify(actual)}`;
  const [left, right] = [expected as Record<string, unknown>, actual as Record<string, unknown>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (!Bun.deepEquals(left[key], right[key], true)) return firstDifference(left[key], right[key], `${path}.${key}`);
  }
  return `${path}: their keys differ`;
}
