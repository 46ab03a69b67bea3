import { describe, expect, test } from "bun:test";
import { idlePatterns, matchPaths } from "../../../routines/models/_match-paths.ts";
import { Random } from "../../differential/_random.ts";

describe("matchPaths", () => {
  const paths = ["README.md", "config.json", "onnx/model.onnx", "onnx/int8/model.onnx", "vocabulary.txt", "a[b].bin"];
  const cases: [string[] | undefined, string[]][] = [
    [undefined, paths],
    [[], paths],
    [["config.json"], ["config.json"]],
    [["*.onnx"], ["onnx/model.onnx", "onnx/int8/model.onnx"]],
    [["onnx/"], ["onnx/model.onnx", "onnx/int8/model.onnx"]],
    [["onnx/*/*"], ["onnx/int8/model.onnx"]],
    [
      ["vocabulary.*", "READ??.md"],
      ["README.md", "vocabulary.txt"],
    ],
    [["readme.md", "config"], []],
    [["[cv]*"], ["config.json", "vocabulary.txt"]],
    [["[!a-z]*"], ["README.md"]],
    [["a[[]b].bin"], ["a[b].bin"]],
  ];
  test.each(cases)("%j", (patterns, wanted) => {
    expect(matchPaths(paths, patterns)).toEqual(wanted);
  });

  test("says which patterns mean nothing", () => {
    expect(idlePatterns(paths, ["*.md", "preprocessor_config.json", "x*"])).toEqual(["preprocessor_config.json", "x*"]);
    expect(idlePatterns(paths)).toEqual([]);
  });
});

const python = Bun.which("python3");

test.skipIf(python === null)("means what Python's fnmatch means", () => {
  const random = new Random(7);
  const word = (alphabet: string): string =>
    Array.from({ length: 1 + Math.floor(random.next() * 7) }, () => alphabet[Math.floor(random.next() * alphabet.length)] ?? "").join("");
  const pairs = Array.from({ length: 20_000 }, () => [word("ab./!]^\\-"), word("ab./**??[[]]!^\\--")] as const);
  const script =
    "import fnmatch,json,sys;print(json.dumps([fnmatch.fnmatchcase(n,p+('*' if p.endswith('/') else '')) for n,p in json.load(sys.stdin)]))";
  const { stdout } = Bun.spawnSync([python ?? "", "-c", script], { stdin: Buffer.from(JSON.stringify(pairs)) });
  const theirs = JSON.parse(stdout.toString()) as boolean[];
  const differing = pairs.filter(([name, pattern], index) => (matchPaths([name], [pattern]).length === 1) !== theirs[index]);
  expect(differing.slice(0, 10)).toEqual([]);
  expect(theirs.filter(Boolean).length).toBeGreaterThan(200);
});
