/** One set through both: our merge, read by compose, against the file list itself, read by compose. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatCompose } from "../../routines/compose/format-compose.ts";
import { mergeCompose } from "../../routines/compose/merge-compose.ts";
import { parseEnv } from "../../routines/config/parse-env.ts";
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
    return expected.model === undefined
      ? { verdict: "refused", detail: `${why} | ${expected.error}` }
      : { verdict: "different", detail: `Harbor refuses what compose takes: ${why}` };
  }
  const path = join(root, "merged.yml");
  writeFileSync(path, merged);
  const actual = await askOracle(plugin, [path], root, set.env);
  if (expected.model === undefined) {
    return actual.model === undefined
      ? { verdict: "refused", detail: expected.error }
      : { verdict: "different", detail: `Harbor takes what compose refuses: ${expected.error}` };
  }
  if (actual.model === undefined) return { verdict: "different", detail: `Compose refuses the merged file: ${actual.error}` };
  if (expected.model === actual.model) return { verdict: "same", detail: "" };
  const [left, right] = [expected.model, actual.model].map((text) => sortAgents(Bun.YAML.parse(text)));
  return Bun.deepEquals(left, right, true)
    ? { verdict: "same", detail: "" }
    : { verdict: "different", detail: firstDifference(left, right, "") };
}

function mergeText(set: FileSet, root: string): string {
  const dotenv = parseEnv(set.beside.find((file) => file.path === ".env")?.text ?? "", { file: ".env" });
  const { model } = mergeCompose({
    files: set.files.map((file) => ({ path: join(root, file.path), directory: join(root, file.directory) })),
    projectDirectory: root,
    values: (name) => set.env[name] ?? dotenv.get(name),
  });
  return formatCompose(model);
}

/** Compose prints build.ssh in an order that changes from run to run. */
function sortAgents(model: unknown): unknown {
  const services = (model as { services?: Record<string, { build?: { ssh?: unknown } }> }).services ?? {};
  for (const { build } of Object.values(services)) if (Array.isArray(build?.ssh)) build.ssh.sort();
  return model;
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
