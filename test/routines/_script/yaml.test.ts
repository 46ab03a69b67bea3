import { describe, expect, test } from "bun:test";
import { parseExactYaml } from "../../../routines/_script/_exact-yaml.ts";
import { parsePlainYaml } from "../../../routines/_script/_plain-yaml.ts";
import { HarborError, type Place } from "../../../routines/_script/error.ts";
import { locateYaml, parseYaml, parseYamlDocuments, RawScalar } from "../../../routines/_script/yaml.ts";

const parse = (text: string): unknown => parseYaml(text, "f.yml");

function failure(text: string): { message: string; at: Place | undefined } {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof HarborError) return { message: error.message, at: error.at };
    throw error;
  }
  throw new Error("it was read");
}

describe("parseYaml", () => {
  const scalars: [string, unknown][] = [
    ["1", 1],
    ["-1.5", -1.5],
    ["true", true],
    ["~", null],
    ["", null],
    ["yes", "yes"],
    ["8080:80", "8080:80"],
    ["127.0.0.1", "127.0.0.1"],
    ["1:30", "1:30"],
    ["_1", "_1"],
    ["30s", "30s"],
    ["0777", new RawScalar("0777", "int")],
    ["1_000", new RawScalar("1_000", "int")],
    ["0b1", new RawScalar("0b1", "int")],
    ["0x1F", new RawScalar("0x1F", "int")],
    ["1.50", new RawScalar("1.50", "float")],
    ["08", new RawScalar("08", "float")],
    ["9007199254740993", new RawScalar("9007199254740993", "int")],
    [".inf", new RawScalar(".inf", "float")],
    ["2001-12-14", new RawScalar("2001-12-14", "timestamp")],
    ["'0777'", "0777"],
  ];
  for (const [text, value] of scalars) {
    test(`reads ${JSON.stringify(text)} as Go does`, () => expect(parse(`a: ${text}\n`)).toEqual({ a: value }));
  }

  test("reads everyday files without the npm package", () => {
    const text =
      '# c\nservices:\n  a: # x\n    command: ["a", b, -c]\n    ports:\n    - "80:80"\n    - x: 1\n      y: {z: [1]}\n    text: |\n      one\n\n        two\n    end: it is\n';
    expect(parsePlainYaml(text)?.value).toEqual({
      services: { a: { command: ["a", "b", "-c"], ports: ["80:80", { x: 1, y: { z: [1] } }], text: "one\n\n  two\n", end: "it is" } },
    });
  });

  const unsure = [
    "a: &x 1",
    "a: !t 1",
    "<<: {a: 1}",
    "a: 1\na: 2",
    "a: >\n  b\n",
    "a: b\n  c",
    "---\na: 1\n---\nb: 2",
    "1: a",
    "true: a",
    'a: "\\/"',
    "a: b: c",
    "a:\t1",
    "__proto__: 1",
    "a: [b,\n c]",
  ];
  for (const text of unsure) test(`leaves ${JSON.stringify(text)} to the exact reader`, () => expect(parsePlainYaml(text)).toBeUndefined());

  test("keeps the text at the end of a file as long as it is", () => {
    expect(parse("a: |\n  b")).toEqual({ a: "b" });
    expect(parse("a: |\n  b\n")).toEqual({ a: "b\n" });
    expect(parseExactYaml("a: |\n  b", "f")[0]?.value).toEqual({ a: "b" });
  });

  test("follows anchors and merge keys", () => {
    expect(parse("a: &a {b: 1, c: 2}\nd:\n  <<: *a\n  c: 3\n")).toEqual({ a: { b: 1, c: 2 }, d: { b: 1, c: 3 } });
  });

  const errors: [string, string, number, number][] = [
    ["a: 1\nb: 2\na: 3\n", 'the key "a" is already given in line 1', 3, 1],
    ["a: [1\nb: 2\n", "Flow sequence", 2, 1],
    ["a: *x\n", "alias *x has no anchor", 1, 4],
    ["a:\n  8080: b\n", "the key 8080 is not text", 2, 3],
    ["a: &x\n  b: *x\n", "contains itself", 2, 3],
    ['a: "\\/"\n', "escape \\/ is not allowed", 1, 4],
    ["a:\n  __proto__: 1\n", "__proto__", 2, 3],
    ["{a:}\n", "space after the colon", 1, 2],
    ["a: [b?c]\n", "in quotes", 1, 5],
    ["a: {b: !c}\n", "space after the tag", 1, 10],
  ];
  for (const [text, message, line, column] of errors) {
    test(`says where ${JSON.stringify(text)} is wrong`, () => {
      const found = failure(text);
      expect(found.message).toContain(message);
      expect(found.at).toMatchObject({ file: "f.yml", line, column });
    });
  }

  test("refuses aliases that multiply without end", () => {
    const bomb = Array.from(
      { length: 30 },
      (_, at) =>
        `a${at}: &a${at} [${
          at === 0
            ? "x"
            : Array(10)
                .fill(`*a${at - 1}`)
                .join(", ")
        }]`,
    ).join("\n");
    expect(failure(bomb).message).toContain("aliases multiply");
  });

  test("refuses what is nested too deep", () => {
    expect(failure(`a: ${"[".repeat(50_000)}`).message).toContain("Cannot read YAML");
  });

  test("refuses several documents where one is expected", () => {
    expect(failure("a: 1\n---\nb: 2\n").message).toContain("several documents");
  });
});

describe("parseYamlDocuments", () => {
  const options = { omit: ["!reset"], mark: ["!override"] };

  test("notes tags, and leaves out what they empty", () => {
    expect(parseYamlDocuments("a:\n  b: !reset null\n  c: !override [1]\n", "f", options)).toEqual([
      {
        value: { a: { c: [1] } },
        marks: [
          { tag: "!reset", path: ["a", "b"] },
          { tag: "!override", path: ["a", "c"] },
        ],
      },
    ]);
  });

  test("gives each document", () => {
    expect(parseYamlDocuments("a: 1\n---\nb: 2\n", "f").map((document) => document.value)).toEqual([{ a: 1 }, { b: 2 }]);
  });

  test("an empty text has none", () => expect(parseYamlDocuments("# nothing\n", "f")).toEqual([]));
});

describe("locateYaml", () => {
  const text = "a:\n  b:\n    - x\n    - c: 1\n";
  test("finds a key", () => expect(locateYaml(text, ["a", "b"])).toEqual({ line: 2, column: 3 }));
  test("finds a key in a list", () => expect(locateYaml(text, ["a", "b", 1, "c"])).toEqual({ line: 4, column: 7 }));
  test("finds nothing where there is nothing", () => expect(locateYaml(text, ["a", "z"])).toBeUndefined());
});
