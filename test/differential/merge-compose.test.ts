/**
 * Our merge against compose's own, on hundreds of file sets: `docker compose config` of the merged file has to say the
 * same as `docker compose config` of the files it was merged from. Where compose refuses, so must we, or it our result.
 *
 * Left out on purpose, found with mutated texts: compose checks its schema after every file, Harbor leaves that to compose
 * once, at the end, so that a value which a later file replaces goes unchecked; and of odd YAML that only Go's reader takes
 * (brackets closed left of their key, a question mark after a tag) Harbor says where it stands rather than guess.
 *
 *   bun test test/differential                      the default seed, about half a minute
 *   DIFFERENTIAL_SEED=7 DIFFERENTIAL_SETS=5000 bun test test/differential
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VARIABLES } from "./_attributes.ts";
import { compareSet, type Outcome } from "./_compare-set.ts";
import { handMadeSets } from "./_hand-made.ts";
import { type FileSet, makeSet, ROUND, SCHEMA_PATHS } from "./_make-set.ts";
import { findOracle } from "./_oracle.ts";

const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const GENERATED = Number(process.env.DIFFERENTIAL_SETS ?? 3 * ROUND);
const WORKERS = 3;
const TIMEOUT_MS = 60_000 + GENERATED * 1_000;

const plugin = findOracle();
const MISSING =
  "needs the compose plugin: put docker-compose 2.26 or later (Debian's package of that name, its file usr/libexec/docker/cli-plugins/docker-compose) into ~/.docker/cli-plugins";

const handMade = handMadeSets(VARIABLES);
const outcomes = new Map<FileSet, Outcome>();
const generated: FileSet[] = [];

async function runAll(oracle: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "harbor-differential-"));
  const folderOf = (at: number): string => join(root, String(at));
  for (let index = 0; index < GENERATED; index++) generated.push(makeSet(index, SEED, folderOf(handMade.length + index)));
  const sets = [...handMade, ...generated];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < sets.length) {
      const at = next++;
      const set = sets[at] as FileSet;
      outcomes.set(set, await compareSet(set, folderOf(at), oracle));
    }
  };
  try {
    await Promise.all(Array.from({ length: WORKERS }, work));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe.skipIf(plugin === undefined)(`mergeCompose means what docker compose config means (${MISSING})`, () => {
  beforeAll(() => runAll(plugin as string), TIMEOUT_MS);

  for (const set of handMade) {
    test(set.name, () => expect(problemOf(set)).toBe(""));
  }

  test(`${GENERATED} generated sets of seed ${SEED}`, () => {
    expect(generated.map(problemOf).filter((problem) => problem !== "")).toEqual([]);
  });

  test("most generated sets are ones that compose takes", () => {
    const taken = generated.filter((set) => outcomes.get(set)?.verdict === "same").length;
    expect(taken / generated.length).toBeGreaterThan(0.75);
  });

  test.skipIf(GENERATED < 3 * ROUND)("every attribute of the schema has met itself in another file", () => {
    const met = new Set(generated.filter((set) => outcomes.get(set)?.verdict === "same").flatMap((set) => set.attributes));
    expect(SCHEMA_PATHS.filter((path) => !met.has(path))).toEqual([]);
  });
});

function problemOf(set: FileSet): string {
  const outcome = outcomes.get(set);
  return outcome?.verdict === "different" ? `${set.name}: ${outcome.detail}` : "";
}
