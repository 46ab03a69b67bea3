/** `harbor alias`, and `harbor run <alias>`: words are words (D14). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
});

const file = (): string => join(box.home, "aliases.json");

afterEach(() => rmSync(file(), { force: true }));
afterAll(() => box.remove());

const alias = (...words: string[]) => box.run(["alias", ...words]);
/** Prints each of its words on a line. */
const SHOW = ["printf", "[%s]\\n"];

describe("D14: harbor run <alias>", () => {
  test.each([
    ["commas, equals signs and spaces", ["a,b", "x=1,y=2", "two  words", " "]],
    ["what a shell would read", ["$HOME", "`id`", "$(id)", ";", "|", "&&", "*", "~", "'", '"', "\\", "a\nb", ""]],
    ["options", ["--json", "-h", "--", "--help"]],
  ])("hands %s on as they are", async (_, words) => {
    expect((await alias("set", "show", "--", ...SHOW, ...words)).exit).toBe(0);
    const shown = (them: string[]): string => them.map((word) => `[${word}]\n`).join("");
    expect(await box.run(["run", "show"])).toEqual({ exit: 0, stdout: shown(words), stderr: "" });
    expect((await box.run(["run", "show", ...words])).stdout).toBe(shown([...words, ...words]));
    expect(await box.json<object>(["alias", "get", "show"])).toEqual({ name: "show", words: [...SHOW, ...words] });
  });

  test("ends as the program does", async () => {
    await alias("set", "seven", "--", "sh", "-c", "exit 7");
    await alias("set", "killed", "--", "sh", "-c", "kill -TERM $$");
    expect((await box.run(["run", "seven"])).exit).toBe(7);
    expect((await box.run(["run", "killed"])).exit).toBe(143);
  });

  test("is run where one stands, with one's own environment", async () => {
    await alias("set", "where", "--", "sh", "-c", 'pwd; echo "$MINE"');
    const { stdout } = await box.run(["run", "where"], { cwd: "/", env: { MINE: "x y" } });
    expect(stdout).toBe("/\nx y\n");
  });

  test("may be a command of Harbor's, with words added", async () => {
    await alias("set", "mine", "harbor config path");
    expect((await box.run(["run", "mine", "--json"])).stdout).toContain(`"home": "${box.home}"`);
  });

  test("that runs itself is told so", async () => {
    await alias("set", "loop", "harbor run loop");
    const { exit, stderr } = await box.run(["run", "loop"]);
    expect([exit, stderr]).toEqual([1, 'harbor: Cannot run the alias "loop": it runs itself (loop, loop)\n']);
  });

  test("whose program is not there is told so", async () => {
    await alias("set", "gone", "no-such-program x");
    const { exit, stderr } = await box.run(["run", "gone"]);
    expect([exit, stderr]).toEqual([3, 'harbor: Cannot run "no-such-program": there is no such program\n']);
  });
});

describe("harbor alias", () => {
  test("takes one text for a command line, quotes and all, and shows it as one can type it", async () => {
    await alias("set", "hi", `echo 'hello, world' "a=b" c\\ d`);
    await alias("set", "b", "echo");
    expect((await alias()).stdout).toBe("b   echo\nhi  echo 'hello, world' a=b 'c d'\n");
    expect((await alias("get", "hi")).stdout).toBe("echo 'hello, world' a=b 'c d'\n");
    expect(await box.json<object>(["alias"])).toEqual([
      { name: "b", words: ["echo"] },
      { name: "hi", words: ["echo", "hello, world", "a=b", "c d"] },
    ]);
    await alias("rm", "hi", "b");
    expect((await alias()).stderr).toContain("there are no aliases");
  });

  test.each([
    [["set", "ollama", "echo"], 2, 'Cannot call an alias "ollama": that is a service'],
    [["set", "a/b", "echo"], 2, 'Cannot use "a/b" as an alias'],
    [["set", "-x", "echo"], 2, 'it has no option "-x"'],
    [["set", "a"], 2, "its command is missing"],
    [["set", "a", ""], 2, "its command is missing"],
    [["set", "a", "echo 'x"], 2, "a quote is never closed"],
    [["get", "hii"], 4, 'Cannot find alias "hii"; did you mean "hi"?'],
    [["rm", "hi", "hii"], 4, 'Cannot find alias "hii"'],
  ])("%j is refused, and nothing is changed", async (words, exit, message) => {
    const before = '{"hi":["echo"]}';
    writeFileSync(file(), before);
    const result = await alias(...words);
    expect([result.exit, result.stderr]).toEqual([exit, expect.stringContaining(message) as never]);
    expect(readFileSync(file(), "utf8")).toBe(before);
  });

  test.each(["[", "[1]", '{"a": "echo"}', '{"a": []}'])("a file that says %s is told with its place", async (text) => {
    writeFileSync(file(), text);
    const { exit, stderr } = await alias();
    expect([exit, stderr]).toEqual([1, expect.stringContaining(`harbor: ${file()}: Cannot read the alias`) as never]);
    expect(existsSync(file())).toBe(true);
  });

  test("a slip in the name of one is told when it is run", async () => {
    await alias("set", "models", "echo");
    const { exit, stderr } = await box.run(["run", "modles"]);
    expect([exit, stderr]).toEqual([4, expect.stringContaining('did you mean "models"?') as never]);
  });
});
