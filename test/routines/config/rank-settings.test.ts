/** One table of settings: each rank goes before the next, each type is checked where it stands, and all is told. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandArgs } from "../../../routines/_script/parse-args.ts";
import { rankSettings, type SettingsTable, settingArgs } from "../../../routines/config/rank-settings.ts";

const folder = mkdtempSync(join(tmpdir(), "harbor-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TABLE = {
  port: { type: "integer", description: "Port", env: "X_PORT", default: 1, least: 1, most: 65_535 },
  word: { type: "text", description: "Word", env: "X_WORD", default: "default" },
  kind: { type: "choice", description: "Kind", env: "X_KIND", choices: ["a", "b"], default: "a" },
  offline: { type: "flag", description: "Offline", env: "X_OFFLINE", default: false },
  check: { type: "flag", description: "Check", env: "X_CHECK", default: true },
  places: { type: "list", description: "Places", env: "X_PLACES", default: [] },
  wait: { type: "duration", description: "Wait", env: "X_WAIT", default: "3m" },
  home: { type: "path", description: "Home", env: "X_HOME", default: () => "/default", shown: "/default" },
  api_key: { type: "text", description: "Key", env: "X_KEY", default: "", isSecret: true },
} as const satisfies SettingsTable;

interface Given {
  argv?: string[];
  env?: Record<string, string>;
  yaml?: string;
}

function read({ argv = [], env = {}, yaml }: Given) {
  const { args } = parseCommandArgs(argv, settingArgs(TABLE), "x");
  const file = join(folder, "config.yml");
  if (yaml !== undefined) writeFileSync(file, yaml);
  return rankSettings(TABLE, { args, env, ...(yaml === undefined ? {} : { file }) });
}

function placeOf(name: string, given: Given): string {
  return read(given).settings.find((it) => it.name === name)?.place ?? "";
}

const FILE = { yaml: "# a comment\nword: file\n" };
const ENV = { env: { X_WORD: "environment" } };
const LINE = { argv: ["--word", "line"] };

describe("ranks, each pair", () => {
  test.each([
    ["command line before environment", { ...LINE, ...ENV }, "line", "--word"],
    ["command line before file", { ...LINE, ...FILE }, "line", "--word"],
    ["command line before default", LINE, "line", "--word"],
    ["environment before file", { ...ENV, ...FILE }, "environment", "$X_WORD"],
    ["environment before default", ENV, "environment", "$X_WORD"],
    ["file before default", FILE, "file", `${join(folder, "config.yml")}:2`],
    ["default alone", {}, "default", ""],
    ["all four", { ...LINE, ...ENV, ...FILE }, "line", "--word"],
    ["an empty variable is none", { env: { X_WORD: "" }, ...FILE }, "file", `${join(folder, "config.yml")}:2`],
    ["an empty value in the file is none", { yaml: "word:\n" }, "default", ""],
  ] as const)("%s", (_, given, value, place) => {
    expect(read(given as Given).values.word).toBe(value);
    expect(placeOf("word", given as Given)).toBe(place);
  });

  test.each([
    ["--offline", { argv: ["--offline"], env: { X_OFFLINE: "0" } }, "offline", true],
    ["--no-check", { argv: ["--no-check"], env: { X_CHECK: "1" } }, "check", false],
    ["a variable's no", { env: { X_CHECK: "no" }, yaml: "check: true\n" }, "check", false],
    ["the file's false", { yaml: "check: false\n" }, "check", false],
  ] as const)("a flag by %s", (_, given, name, value) => {
    expect(read(given as Given).values[name]).toBe(value);
  });
});

describe("types", () => {
  test("what is given becomes what the table says", () => {
    const yaml = "port: 8000\nplaces: [a, b]\nwait: 90s\nhome: sub\nkind: b\nword: 3.10\n";
    expect(read({ yaml }).values).toEqual({
      port: 8000,
      word: "3.10", // as written, though YAML calls it a number
      kind: "b",
      offline: false,
      check: true,
      places: ["a", "b"],
      wait: 90_000,
      home: join(folder, "sub"), // beside the file that says it
      api_key: "",
    });
    expect(read({ env: { X_PLACES: "a, b" } }).values.places).toEqual(["a", "b"]);
    expect(read({ argv: ["--places", "a", "--places", "b"] }).values.places).toEqual(["a", "b"]);
    expect(read({ env: { X_HOME: "~/x", HOME: "/home/me" } }).values.home).toBe("/home/me/x");
    expect(read({ argv: ["--home", "/a//b/"] }).values.home).toBe("/a/b");
  });

  test.each([
    [{ argv: ["--port", "x"] }, 'Cannot take "--port": it must be a whole number from 1 to 65535, not "x"'],
    [{ env: { X_PORT: "70000" } }, 'Cannot take "$X_PORT": it must be a whole number'],
    [{ yaml: "\nport: many\n" }, 'Cannot take "port": it must be a whole number'],
    [{ argv: ["--kind", "c"] }, "it must be one of a, b"],
    [{ yaml: "check: perhaps\n" }, "it must be true or false"],
    [{ yaml: "wait: 90\n" }, "it must be a duration, such as 90s or 5m, not 90"],
    [{ yaml: "word: [a]\n" }, "it must be one value"],
    [{ yaml: "places: [{ a: 1 }]\n" }, "it must be a list of texts"],
    [{ yaml: "wrod: x\n" }, 'there is no such setting; did you mean "word"?'],
    [{ yaml: "- a\n" }, "it must hold settings"],
  ] as const)("%j is refused", (given, message) => {
    expect(() => read(given as Given)).toThrow(message);
  });

  test("an error in a file says which line", () => {
    const at = (yaml: string): unknown => {
      try {
        read({ yaml });
      } catch (error) {
        return (error as { at?: unknown }).at;
      }
    };
    expect(at("# one\nport: many\n")).toMatchObject({ file: join(folder, "config.yml"), line: 2 });
    expect(at("\n\nnothing: 1\n")).toMatchObject({ line: 3 });
  });

  test("a file that is named and is not there is an error", () => {
    expect(() => rankSettings(TABLE, { args: {}, env: {}, file: join(folder, "none.yml") })).toThrow("there is no such file");
  });
});

test("a duration is told as it was written", () => {
  const wait = (given: Given): unknown => read(given).settings.find((it) => it.name === "wait")?.value;
  expect([wait({}), wait({ yaml: "wait: 90s\n" }), wait({ argv: ["--wait", "1m30s"] })]).toEqual(["3m", "90s", "1m30s"]);
});

test("what a file says in vain is told with where it stands", () => {
  const over = (given: Given): unknown => read(given).settings.find((it) => it.name === "word")?.over;
  const line = `${join(folder, "config.yml")}:2`;
  expect([over({ ...ENV, ...FILE }), over({ ...LINE, ...FILE }), over({ ...LINE, ...ENV }), over(FILE)]).toEqual([
    line,
    line,
    undefined,
    undefined,
  ]);
});

test.each([
  ["no YAML", "kind: [a\n"],
  ["a key twice", "kind: a\nkind: b\n"],
  ["two documents", "kind: a\n---\nkind: b\n"],
])("a file that cannot be read is wrong usage, like a wrong value in it: %s", (_, yaml) => {
  try {
    read({ yaml });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ exit: "usage", at: { file: join(folder, "config.yml") } });
  }
});

test("a secret is never shown, a password in an address neither", () => {
  const { settings, values } = read({ env: { X_KEY: "hunter2", X_WORD: "https://me:hunter2@host/x" } });
  expect(values.api_key).toBe("hunter2");
  expect(JSON.stringify(settings)).not.toContain("hunter2");
});

test("the help has every name, default and variable", () => {
  const args = settingArgs(TABLE);
  expect(Object.keys(args)).toEqual(["port", "word", "kind", "offline", "no-check", "places", "wait", "home", "api-key"]);
  expect(args.port?.description).toBe("Port (default: 1) [$X_PORT]");
  expect(args["no-check"]?.description).toContain("this turns it off");
  expect(args.kind).toMatchObject({ valueHint: "a|b", description: "Kind (default: a) [$X_KIND]" });
  const choices = ["first", "second", "third"];
  const long = settingArgs({ kind: { type: "choice", description: "Kind", choices, default: "first" } });
  expect(long.kind).toMatchObject({ valueHint: "choice", description: "Kind (one of first, second, third) (default: first)" });
});
