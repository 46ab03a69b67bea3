import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { checkSetting, describeType, shortType } from "../../../routines/config/check-setting.ts";
import { type Declaration, placeOfDeclaration, readDeclarations, secretTest } from "../../../routines/config/read-declarations.ts";
import { makeTree } from "../../_workspace.ts";

/** As a definition declares it. */
function declare(fields: string): Declaration {
  const root = makeTree({ "compose.a.yml": `x-harbor:\n  settings:\n    a.key: ${fields}\n` });
  const { found, wrong } = readDeclarations([{ kind: "definition", path: join(root, "compose.a.yml") }]);
  const problem = wrong.get("HARBOR_A_KEY");
  if (problem !== undefined) throw problem;
  return found.get("HARBOR_A_KEY") as Declaration;
}

describe("checkSetting", () => {
  const cases: [string, string[], string[], string, string][] = [
    ["{ type: integer }", ["0", "-5", "007"], ["1.5", "x", "1e3", " 1"], "a whole number", "integer"],
    ["{ type: integer, min: 2, max: 4 }", ["2", "4"], ["1", "5"], "a whole number from 2 to 4", "integer 2..4"],
    ["{ type: number, min: 0.5 }", ["0.5", ".75", "1e3"], ["0.4", "x", "-1", "."], "a number of 0.5 at least", "number 0.5.."],
    ["{ type: number, max: 1.0 }", ["1", "-7"], ["1.1"], "a number of 1 at most", "number ..1"],
    ["{ type: boolean }", ["true", "0", "Yes", "off"], ["maybe", "2"], "true or false", "boolean"],
    ["{ type: port }", ["1", "65535"], ["0", "65536", "http", "127.0.0.1:80"], "a port, a whole number from 1 to 65535", "port"],
    ["{ type: duration }", ["90s", "1m30s", "0"], ["90", "soon"], "a duration, such as 90s or 5m", "duration"],
    ["{ type: size }", ["4g", "512MB", "1.5GiB"], ["big", "-1"], "a size, such as 512MB or 4GB", "size"],
    ["{ type: url }", ["http://a", "https://a:1/b?c"], ["a", "ftp://a", "http://", "http:// a"], "a URL, as http://… or https://…", "url"],
    ["{ type: path }", ["/a b", "~/x", "C:\\x"], ["a\nb"], "a path", "path"],
    ["{ choices: [a, 1, 0644, true] }", ["a", "1", "0644", "true"], ["b", "644", "A"], "one of a, 1, 0644, true", "a|1|0644|true"],
    ["{}", ["anything\n'\""], [], "a text", "text"],
  ];
  test.each(cases)("of %s", (fields, right, wrong, words, short) => {
    const declaration = declare(fields);
    for (const value of ["", ...right]) expect(() => checkSetting(declaration, value)).not.toThrow();
    for (const value of wrong) expect(() => checkSetting(declaration, value)).toThrow(expect.objectContaining({ exit: "usage" }));
    expect([describeType(declaration), shortType(declaration)]).toEqual([words, short]);
  });

  test("never says a secret", () => {
    expect(() => checkSetting(declare("{ type: integer, secret: true }"), "hunter2")).toThrow(
      "Cannot set a.key to this value: it takes a whole number",
    );
  });
});

describe("readDeclarations", () => {
  test.each([
    ["{ type: colour }", "its type is none of text, integer"],
    ["{ tpye: port }", 'there is no field "tpye"; did you mean "type"?'],
    ["port", "it has to be a map"],
    ["{ choices: a }", "choices has to be a list"],
    ["{ choices: [] }", "choices has to be a list"],
    ["{ type: integer, min: low }", "min has to be a number"],
    ["{ secret: perhaps }", "secret has to be true or false"],
  ])("says where %s is wrong", (fields, message) => {
    expect(() => declare(fields)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message), at: expect.objectContaining({ line: 3 }) }),
    );
  });

  test("takes the definition before the contract, the base file as well, and no file that cannot be read", () => {
    const root = makeTree({
      "compose.yml": "x-harbor:\n  settings:\n    shared: { secret: true }\n",
      "compose.a.yml": "x-harbor:\n  settings:\n    a.one: { type: port }\n",
      "a_native.yml": "x-harbor:\n  settings:\n    a.one: { type: url }\n    HARBOR_A_TWO: { type: size }\n",
      "compose.b.yml": "settings: [\n",
    });
    const files = (["contract", "base", "definition"] as const).map((kind) => ({
      kind,
      path: join(root, { contract: "a_native.yml", base: "compose.yml", definition: "compose.a.yml" }[kind]),
    }));
    const { found, wrong } = readDeclarations([...files, { kind: "definition", path: join(root, "compose.b.yml") }]);
    expect([...found.values()].map(({ name, type }) => `${name} ${type}`)).toEqual([
      "HARBOR_SHARED text",
      "HARBOR_A_ONE port",
      "HARBOR_A_TWO size",
    ]);
    expect(wrong.size).toBe(0);
    expect(placeOfDeclaration(found.get("HARBOR_A_TWO") as Declaration)).toEqual({
      at: { file: join(root, "a_native.yml"), line: 4, column: 5 },
    });
    const isSecret = secretTest(files);
    expect(["HARBOR_SHARED", "HARBOR_A_TOKEN", "HARBOR_A_ONE"].map(isSecret)).toEqual([true, true, false]);
  });
});
