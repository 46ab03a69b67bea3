import { describe, expect, test } from "bun:test";
import { formatEnvValue, parseEnv } from "../../../routines/config/parse-env.ts";

function parse(text: string, lookup?: (name: string) => string | undefined): Record<string, string> {
  return Object.fromEntries(parseEnv(text, { file: "config.env", ...(lookup === undefined ? {} : { lookup }) }));
}

describe("parseEnv", () => {
  test.each([
    ["a plain value", "A=b", "b"],
    ["an empty value", "A=", ""],
    ["spaces around", "A = b c  ", "b c"],
    ["a comment behind it", "A=b # c", "b"],
    ["a hash within it", "A=b#c", "b#c"],
    ["an exported name", "export A=b", "b"],
    ["single quotes, literally", "A='b \\n ${C} \" #'", 'b \\n ${C} " #'],
    ["double quotes with escapes", 'A="b\\n\\"c\\" \\$d \\\\"', 'b\n"c" $d \\'],
    ["several lines in quotes", 'A="b\nc"', "b\nc"],
    ["windows line ends", "A=b\r\n", "b"],
    ["the last of two", "A=b\nA=c", "c"],
    ["a dollar sign, where nothing is filled in", "A=$b", "$b"],
  ])("reads %s", (_, text, value) => {
    expect(parse(text).A).toBe(value);
  });

  test("fills in other values where a lookup is given, not in single quotes", () => {
    const lookup = (name: string): string | undefined => (name === "OUT" ? "out" : undefined);
    expect(parse("A=1\nB=${A}-$OUT-${C:-d}\nE='${A}'\nF=\"\\$A\"", lookup)).toEqual({ A: "1", B: "1-out-d", E: "${A}", F: "$A" });
  });

  test("names the line that it cannot read", () => {
    expect(() => parse("A=b\nnot a line")).toThrow(expect.objectContaining({ at: { file: "config.env", line: 2 } }));
    expect(() => parse('A="b')).toThrow("never closed");
  });
});

describe("formatEnvValue", () => {
  test.each([
    "plain",
    "",
    "a b",
    "it's",
    'say "x"',
    "a$b",
    "${X}",
    "back\\slash",
    "tick`s",
    "a|b&c;d",
    "line\nbreak",
    'it\'s $5 \\ "x"',
    "ünïcode ☂",
    " #x",
    "!",
    "a\\n b",
    "#x",
    "two\n\nlines\n",
  ])("gives back %j, through this reader and through a shell", async (value) => {
    const line = `A=${formatEnvValue(value)}`;
    expect(parse(line).A).toBe(value);
    const shell = Bun.spawnSync(["sh", "-c", `${line}\nprintf %s "$A"`]);
    expect(shell.stdout.toString()).toBe(value);
  });

  test("gives back a carriage return through this reader", () => {
    for (const value of ["a\r\nb", "it's\r", "\r"]) expect(parse(`A=${formatEnvValue(value)}`).A).toBe(value);
  });
});
