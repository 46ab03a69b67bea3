import { describe, expect, test } from "bun:test";
import { parseYaml, RawScalar } from "../../../routines/_script/yaml.ts";
import { formatCompose } from "../../../routines/compose/format-compose.ts";

const readBack = (model: Record<string, unknown>): unknown => parseYaml(formatCompose(model), "formatted.yml");

describe("formatCompose", () => {
  test("quotes every text and leaves numbers alone", () => {
    const model = {
      services: { web: { image: "a:1", ports: [80, "8080:80"], init: true, env: null, mode: new RawScalar("0440", "int") } },
    };
    expect(formatCompose(model)).toBe(
      'services:\n  web:\n    image: "a:1"\n    ports:\n      - 80\n      - "8080:80"\n    init: true\n    env: null\n    mode: 0440\n',
    );
  });

  test("writes empty collections and an empty model", () => {
    expect(formatCompose({ a: {}, b: [] })).toBe("a: {}\nb: []\n");
    expect(formatCompose({})).toBe("{}\n");
  });

  test("leaves out what is undefined", () => {
    expect(formatCompose({ a: undefined, b: { c: undefined } })).toBe("b: {}\n");
  });

  const models: Record<string, Record<string, unknown>> = {
    "maps in lists": { a: [{ b: 1, c: { d: [1, [2, { e: "f" }]] } }, {}, [], null] },
    "keys that look like something else": { true: 1, null: 2, "1": 3, yes: 4, "a b": 5, "<<": 6, "": 7, "a: b": 8, "#": 9, "-": 10 },
    "control characters": { a: "\u0000\u0007\u007f\u0085\u2028\u2029\ufeff\t\n\r" },
    "other scripts": { a: "é 漢 😀 \\ud83d \" ' \\" },
    "a very long key": { ["k".repeat(3000)]: { a: 1 } },
    "text that looks like a number": { a: "0777", b: "1e3", c: "true", d: "~", e: "" },
    lines: { a: "one\n  two\n\n", b: "---\n" },
  };
  for (const [what, model] of Object.entries(models)) {
    test(`is read back as it was: ${what}`, () => expect(readBack(model)).toEqual(model));
  }

  test("replaces half a surrogate pair, which no file can hold", () => {
    expect(readBack({ a: "x\ud83dy" })).toEqual({ a: "x\ufffdy" });
  });
});
