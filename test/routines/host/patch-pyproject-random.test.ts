/**
 * Random pyproject files and random Pythons, and what must hold for all of them. `HARBOR_TEST_SEED` repeats a run,
 * `HARBOR_TEST_LONG=1` makes five times as many.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { satisfies } from "@renovatebot/pep440";
import { HarborError } from "../../../routines/_script/error.ts";
import { patchPyproject } from "../../../routines/host/patch-pyproject.ts";
import { Random } from "../../differential/_random.ts";
import { shapes } from "./_pyproject-shapes.ts";
import { makePyproject, type RandomPyproject } from "./_random-pyproject.ts";

const SEED = Number(process.env.HARBOR_TEST_SEED ?? Date.now() % 1_000_000);
const COUNT = process.env.HARBOR_TEST_LONG === "1" ? 5_000 : 1_000;

setDefaultTimeout(15_000);

interface Sample extends RandomPyproject {
  python: string;
  patched: string;
  isChanged: boolean;
}

const random = new Random(SEED);
const samples = Array.from({ length: COUNT }, (): Sample => {
  const made = makePyproject(random);
  const minor = `3.${5 + random.below(12)}`;
  const python = random.chance(0.5) ? minor : `${minor}.${random.below(20)}`;
  try {
    const { text, isChanged } = patchPyproject(made.text, { python });
    return { ...made, python, patched: text, isChanged };
  } catch (cause) {
    throw new Error(`HARBOR_TEST_SEED=${SEED}, Python ${python}, refused:\n${made.text}`, { cause });
  }
});

type Tree = Record<string, unknown>;

const parse = (text: string): Tree => Bun.TOML.parse(text.replace(/^\ufeff/, "")) as Tree;

/** What a release has to satisfy; a minor by itself stands for a late one. */
const releaseOf = (python: string): string => (python.split(".").length === 3 ? python : `${python}.40`);

/** By another way than the code under test: Poetry's words are said in PEP 440's first. */
function allows(asks: string, syntax: "pep440" | "poetry", version: string): boolean {
  const alternatives = syntax === "poetry" ? asks.split(/\|\|?/) : [asks];
  return alternatives.some((alternative) => {
    const clauses = alternative.split(",").map((clause) => inStandardWords(clause.trim(), syntax));
    return clauses.every((clause) => satisfies(version, clause, { prereleases: true }));
  });
}

function inStandardWords(clause: string, syntax: "pep440" | "poetry"): string {
  if (syntax === "pep440") return clause;
  const series = /^([~^])(3)\.(\d+)(.*)$/.exec(clause);
  if (series !== null) return `>=3.${series[3]}${series[4]}, <${series[1] === "^" ? "4" : `3.${Number(series[3]) + 1}`}`;
  return clause === "*" ? "" : /^\d/.test(clause) ? `==${clause}` : clause;
}

/** What it asks of Python, as another reader of TOML finds it. */
function askedIn(text: string): { asks: string; syntax: "pep440" | "poetry" }[] {
  const tree = parse(text) as {
    project?: { "requires-python"?: string };
    tool?: {
      poetry?: { dependencies?: { python?: string | { version: string } } };
      flit?: { metadata?: { "requires-python"?: string } };
      pdm?: { python_requires?: string };
    };
  };
  const poetry = tree.tool?.poetry?.dependencies?.python;
  const found = [tree.project?.["requires-python"], tree.tool?.flit?.metadata?.["requires-python"], tree.tool?.pdm?.python_requires];
  const standard = found.flatMap((asks) => (asks === undefined ? [] : [{ asks, syntax: "pep440" as const }]));
  return [
    ...standard,
    ...(poetry === undefined ? [] : [{ asks: typeof poetry === "string" ? poetry : poetry.version, syntax: "poetry" as const }]),
  ];
}

function classifiersIn(text: string): string[][] {
  const tree = parse(text) as Record<string, Record<string, Record<string, unknown>>>;
  const lists = [tree.project?.classifiers, tree.tool?.pdm?.classifiers, (tree.tool?.flit?.metadata as Tree | undefined)?.classifiers];
  return lists.filter((list): list is string[] => Array.isArray(list));
}

/** What a reader finds with all that may change taken out. */
function restOf(text: string): Tree {
  const copy = parse(text) as Record<string, Tree>;
  const tool = (copy.tool ?? {}) as Record<string, Tree>;
  const metadata = (tool.flit?.metadata ?? {}) as Tree;
  for (const table of [copy.project, tool.pdm, metadata]) {
    for (const key of ["requires-python", "python_requires", "classifiers"]) delete table?.[key];
  }
  const dependencies = (tool.poetry?.dependencies ?? {}) as Record<string, Tree | string>;
  if (typeof dependencies.python === "string") delete dependencies.python;
  else delete dependencies.python?.version;
  return copy;
}

const say = (sample: Sample): string => `HARBOR_TEST_SEED=${SEED}, Python ${sample.python}, of:\n${sample.text}\nmade:\n${sample.patched}`;

function forAll(check: (sample: Sample) => boolean): void {
  const failed = samples.find((sample) => !check(sample));
  if (failed !== undefined) throw new Error(say(failed));
}

const GRID = Array.from({ length: 13 }, (_, minor) => [0, 7, 40].map((micro) => `3.${minor + 4}.${micro}`)).flat();
const known = new Map<string, readonly boolean[]>();

/** Which of the grid it allows. */
function allowedBy({ asks, syntax }: { asks: string; syntax: "pep440" | "poetry" }): readonly boolean[] {
  const found = known.get(`${syntax} ${asks}`) ?? GRID.map((version) => allows(asks, syntax, version));
  known.set(`${syntax} ${asks}`, found);
  return found;
}

const minorOf = (version: string): number => Number(version.split(".")[1]);

describe(`${COUNT} random files`, () => {
  test("are as many changed as not, so that this says something", () => {
    const changed = samples.filter((sample) => sample.isChanged).length;
    expect(changed).toBeGreaterThan(COUNT * 0.25);
    expect(changed).toBeLessThan(COUNT * 0.85);
  });

  test("allow that Python afterwards", () =>
    forAll(({ patched, python, bounds }) => {
      const asked = askedIn(patched);
      return asked.length === bounds.length && asked.every(({ asks, syntax }) => allows(asks, syntax, releaseOf(python)));
    }));

  test("are changed only where they kept it out", () =>
    forAll(({ bounds, python, isChanged }) => isChanged === !bounds.every(({ asks, syntax }) => allows(asks, syntax, releaseOf(python)))));

  test("are the same when patched again", () => forAll(({ patched, python }) => patchPyproject(patched, { python }).text === patched));

  test("keep every character outside of what was meant", () =>
    forAll(({ patched, fixed }) =>
      new RegExp(`^${fixed.map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[\\s\\S]*?")}$`).test(patched),
    ));

  test("mean the same but for that, to another reader", () => forAll(({ text, patched }) => Bun.deepEquals(restOf(patched), restOf(text))));

  test("name that minor among their classifiers, where they name any, and no other one more", () =>
    forAll(({ text, patched, python, isChanged }) => {
      const added = `Programming Language :: Python :: 3.${minorOf(python)}`;
      const after = classifiersIn(patched);
      return classifiersIn(text).every((before, index) => {
        const isDue = isChanged && before.some((it) => /:: 3\.\d/.test(it)) && !before.includes(added);
        const now = after[index] ?? [];
        return Bun.deepEquals(isDue ? now.filter((it) => it !== added) : now, before) && (!isDue || now.includes(added));
      });
    }));

  test("allow all that they allowed", () =>
    forAll(({ text, patched }) => {
      const after = askedIn(patched).map(allowedBy);
      return askedIn(text).every((bound, index) => allowedBy(bound).every((isAllowed, at) => !isAllowed || after[index]?.[at] === true));
    }));

  test("allow nothing beyond that Python and what is between it and them", () =>
    forAll(({ text, patched, python }) => {
      const after = askedIn(patched).map(allowedBy);
      return askedIn(text).every((bound, index) => {
        const before = allowedBy(bound);
        const minors = GRID.filter((_, at) => before[at]).map(minorOf);
        const [low, high] = [Math.min(minorOf(python), ...minors), Math.max(minorOf(python), ...minors)];
        const added = GRID.filter((_, at) => after[index]?.[at] === true && !before[at]).map(minorOf);
        return minors.length === 0 || added.every((minor) => minor >= low && minor <= high);
      });
    }));
});

const DEBRIS = ["\n", "\r", "\r\n", '"', "'", '"""', "'''", "[", "[[", "]", "{", "}", ",", "=", "#", ".", " ", "\t", "\\", "\\\n", "\0"];
const ODDITIES = ["\ufeff", "\ud83d", "3", "||", ">=", "*", "^", "project"];

function damage(text: string): string {
  const at = random.below(text.length + 1);
  const put = random.chance(0.7) ? random.pick([...DEBRIS, ...ODDITIES]) : "";
  return `${text.slice(0, at)}${put}${text.slice(at + random.below(4))}`;
}

test("a damaged file is refused with a place, or patched as any other", () => {
  for (let count = 0; count < COUNT * 2; count++) {
    const text = damage(random.chance(0.5) ? random.pick(shapes).toml : random.pick(samples).text);
    const python = `3.${5 + random.below(12)}`;
    try {
      const { text: patched } = patchPyproject(text, { python });
      if (patchPyproject(patched, { python }).isChanged) throw new Error("it is changed again");
    } catch (error) {
      const isRefusal = error instanceof HarborError && error.at?.line !== undefined;
      if (!isRefusal) throw new Error(`HARBOR_TEST_SEED=${SEED}, Python ${python}, of ${JSON.stringify(text)}`, { cause: error });
    }
  }
});

/** Python's own reader of TOML, and the library by which pip judges. */
const PROGRAM = `
import json, sys, tomllib
try:
    from packaging.specifiers import SpecifierSet
except ImportError:
    from pip._vendor.packaging.specifiers import SpecifierSet
def drop(tree):
    for table in (tree.get("project", {}), tree.get("tool", {}).get("pdm", {}), tree.get("tool", {}).get("flit", {}).get("metadata", {})):
        for key in ("requires-python", "python_requires", "classifiers"):
            table.pop(key, None)
    tree.get("tool", {}).get("poetry", {}).get("dependencies", {}).pop("python", None)
    return repr(tree)
def judge(sample):
    before, after = tomllib.loads(sample["text"]), tomllib.loads(sample["patched"])
    if drop(before) != drop(after):
        return "means something else"
    for asks in sample["asks"]:
        if not SpecifierSet(asks).contains(sample["version"], prereleases=True):
            return "does not allow it: " + asks
    return None
print(json.dumps([judge(sample) for sample in json.load(sys.stdin)]))
`;

const PRELUDE = PROGRAM.slice(0, PROGRAM.indexOf("def drop"));
const python3 = Bun.which("python3");
const hasOracle = python3 !== null && Bun.spawnSync([python3, "-c", PRELUDE], { stdout: "ignore", stderr: "ignore" }).success;

test.skipIf(!hasOracle)("Python's own reader and pip's own judge agree", async () => {
  const asked = samples.map(({ text, patched, python }) => ({
    text: text.replace(/^\ufeff/, ""),
    patched: patched.replace(/^\ufeff/, ""),
    version: releaseOf(python),
    asks: askedIn(patched).flatMap(({ asks, syntax }) => (syntax === "pep440" ? [asks] : [])),
  }));
  const child = Bun.spawn([python3 ?? "", "-c", PROGRAM], { stdin: new Blob([JSON.stringify(asked)]), stdout: "pipe", stderr: "inherit" });
  const verdicts = (await new Response(child.stdout).json()) as (string | null)[];
  const wrong = verdicts.findIndex((verdict) => verdict !== null);
  if (wrong !== -1) throw new Error(`${verdicts[wrong]}: ${say(samples[wrong] as Sample)}`);
  expect(verdicts).toHaveLength(COUNT);
});
