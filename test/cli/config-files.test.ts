/** `harbor config` as a whole: search, edit, path, export, import, and the types that folders declare. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Result, resultOf } from "../_process.ts";
import { checkout, Sandbox } from "./_sandbox.ts";
import { onTerminal } from "./_terminal.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    "echo/compose.echo.yml": `x-harbor:
  settings:
    echo.level: { choices: [low, high], description: How loud it is }
    echo.count: { type: integer, min: 1, max: 9, description: How often }
    echo.wait: { type: duration }
    echo.login: { secret: true, description: Who may come in }
    echo.bad: { type: colour }
services:
  echo:
    image: "echo:\${HARBOR_ECHO_VERSION:-1}"
    environment:
      LEVEL: "\${HARBOR_ECHO_LEVEL:-low}"
      COUNT: "\${HARBOR_ECHO_COUNT:-1}"
      WAIT: "\${HARBOR_ECHO_WAIT:-5s}"
      WHO: "\${HARBOR_ECHO_LOGIN:-}"
      BAD: "\${HARBOR_ECHO_BAD:-}"
      KEY: "\${HARBOR_ECHO_API_KEY:-}"
`,
  });
});

const config = (): string => join(box.home, "config.env");
const read = (): string => (existsSync(config()) ? readFileSync(config(), "utf8") : "");

const secrets = (): string => join(box.home, "secrets.env");

afterEach(() => [config(), secrets()].map((path) => rmSync(path, { force: true })));
afterAll(() => box.remove());

const run = (...words: string[]) => box.run(["config", ...words]);
const definition = (): string => join(box.home, "services/echo/compose.echo.yml");

async function runWith(input: string, words: string[], env: Record<string, string> = {}): Promise<Result> {
  const child = Bun.spawn([join(checkout, "bin/harbor"), "config", ...words], {
    cwd: box.root,
    env: { ...box.env, ...env },
    stdin: new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  return resultOf(child);
}

describe("a declared key", () => {
  test.each([
    ["echo.level", "loud", 3, "it takes one of low, high"],
    ["echo.count", "10", 4, "it takes a whole number from 1 to 9"],
    ["echo.count", "many", 4, "it takes a whole number from 1 to 9"],
    ["HARBOR_ECHO_WAIT", "soon", 5, "it takes a duration, such as 90s or 5m"],
  ])("%s is refused %j, with the place of the declaration", async (key, value, line, message) => {
    const { exit, stderr } = await run("set", key, value);
    const spelled = key.startsWith("HARBOR") ? "echo.wait" : key;
    expect({ exit, stderr }).toEqual({
      exit: 2,
      stderr: `harbor: ${definition()}:${line}:5: Cannot set ${spelled} to "${value}": ${message}\n`,
    });
    expect(existsSync(config())).toBe(false);
  });

  test("takes what it is declared to, and nothing at all", async () => {
    for (const [key, value] of [
      ["echo.level", "high"],
      ["echo.count", "9"],
      ["echo.wait", "1m30s"],
      ["echo.count", ""],
    ] as const) {
      expect((await run("set", key, value)).exit).toBe(0);
    }
    expect(read()).toBe("HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_COUNT=\nHARBOR_ECHO_WAIT=1m30s\n");
  });

  test("declared wrongly is told with its place, and hinders no other", async () => {
    const { exit, stderr } = await run("set", "echo.bad", "x");
    expect([exit, stderr]).toEqual([
      1,
      expect.stringContaining(`${definition()}:7:17: Cannot read the declaration of "echo.bad": its type is none of`) as never,
    ]);
    expect((await run("set", "echo.level", "high")).exit).toBe(0);
    const listed = await run("ls", "--long", "--all");
    expect(listed.stderr).toContain('Cannot read the declaration of "echo.bad"');
    expect(listed.stdout).toMatch(/^echo\.level +high +\S+config\.env +low\|high +How loud it is$/m);
    expect(listed.stdout).toMatch(/^echo\.count +1 +default +integer 1\.\.9 +How often$/m);
  });

  test("is a secret where it is declared one: in no listing, export, plan or ejected file", async () => {
    await run("set", "echo.login", "m3llon");
    const listings = [
      ["config", "ls"],
      ["config", "ls", "--long", "--all", "--json"],
      ["config", "search", "echo", "--json"],
      ["config", "export"],
      ["config", "export", "--json"],
      ["env", "echo"],
      ["env", "echo", "--json"],
      ["eject", "echo"],
      ["plan", "echo", "--json"],
    ];
    for (const words of listings) {
      const { exit, stdout, stderr } = await box.run(words);
      expect({ words, exit, shows: `${stdout}${stderr}`.includes("m3llon") }).toEqual({ words, exit: 0, shows: false });
    }
    expect((await run("search", "m3llon")).stdout).toBe("");
    for (const words of [
      ["config", "ls", "--show-secrets"],
      ["config", "export", "--show-secrets"],
      ["config", "get", "echo.login"],
      ["env", "echo", "--show-secrets"],
    ]) {
      expect((await box.run(words)).stdout).toContain("m3llon");
    }
  });

  test("says in the list of keys what completion offers", async () => {
    const { stdout } = await box.run(["routine", "list-keys"]);
    expect(stdout).toContain("\necho.level\tHARBOR_ECHO_LEVEL\tlow\tlow high\n");
    const keys = await box.json<object[]>(["routine", "list-keys"]);
    expect(keys).toContainEqual({
      ...{ name: "HARBOR_ECHO_COUNT", key: "echo.count", default: "1", files: [definition()], type: "integer" },
      ...{ choices: [], min: 1, max: 9, description: "How often", secret: false },
    });
  });
});

describe("harbor config search", () => {
  test("finds by name, value, default and description, all words", async () => {
    await run("set", "echo.version", "blue");
    const keys = async (...words: string[]) => (await box.json<{ key: string }[]>(["config", "search", ...words])).map(({ key }) => key);
    expect(await keys("echo", "loud")).toEqual(["echo.level"]);
    expect(await keys("BLUE")).toEqual(["echo.version"]);
    expect(await keys("how", "often", "echo")).toEqual(["echo.count"]);
    const none = await run("search", "nothing-has-this");
    expect(none).toEqual({
      exit: 0,
      stdout: "",
      stderr: "harbor: no key has all of these words; `harbor config ls --all` shows every key\n",
    });
  });
});

describe("harbor config path", () => {
  test("prints the file, there or not", async () => {
    expect((await run("path")).stdout).toBe(`${config()}\n`);
    expect(existsSync(config())).toBe(false);
    expect(await box.json<object>(["config", "path"])).toMatchObject({ file: config(), exists: false, home: box.home });
  });
});

describe("harbor config export and import", () => {
  const FULL = `HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_VERSION='it is "x" | & $HOME \\ #'\nHARBOR_ECHO_API_KEY=s3cret\nOTHER='two\nlines'\n`;

  test.each(["env", "json"])("carry any value over as %s", async (format) => {
    writeFileSync(config(), FULL);
    const before = await box.json<{ name: string }[]>(["config", "ls", "--show-secrets"]);
    const { stdout } = await run("export", "--format", format, "--show-secrets");
    rmSync(config());
    expect((await runWith(stdout, ["import", "--yes", "--force", "-"])).exit).toBe(0);
    const isSecret = ({ name }: { name: string }): boolean => name === "HARBOR_ECHO_API_KEY";
    const wanted = before.map((it) => (isSecret(it) ? { ...it, origin: secrets() } : it));
    expect(await box.json<object[]>(["config", "ls", "--show-secrets"])).toEqual(wanted);
  });

  test("leave secrets out, and what this shell alone sets", async () => {
    writeFileSync(config(), FULL);
    const { stdout, stderr } = await box.run(["config", "export"], { env: { HARBOR_ECHO_COUNT: "3" } });
    expect(stdout).not.toMatch(/s3cret|ECHO_COUNT/);
    expect(stdout).toEndWith("# HARBOR_ECHO_API_KEY is a secret, and left out\n");
    expect(stderr).toContain("HARBOR_ECHO_API_KEY (--show-secrets has them)");
    expect(Object.keys(await box.json<object>(["config", "export"]))).toEqual(["OTHER", "HARBOR_ECHO_LEVEL", "HARBOR_ECHO_VERSION"]);
  });

  test("show what changes, with secrets masked", async () => {
    writeFileSync(config(), "HARBOR_ECHO_LEVEL=low\nHARBOR_ECHO_COUNT=2\nHARBOR_ECHO_API_KEY=old\n");
    const text = '{ "echo.level": "high", "echo.count": 2, "HARBOR_ECHO_API_KEY": "new", "HARBOR_ECHO_VERSION": "a\\nb" }';
    const { exit, stdout, stderr } = await runWith(text, ["import", "--dry-run", "-"]);
    expect(stdout).toBe("- echo.level=low\n+ echo.level=high\n- echo.api_key=********\n+ echo.api_key=********\n+ echo.version=a\\nb\n");
    expect([exit, stderr]).toEqual([0, `harbor: not set, for --dry-run: 3 values in ${config()}, secrets in ${secrets()}\n`]);
    expect(read()).toContain("HARBOR_ECHO_LEVEL=low\n");
    await runWith(text, ["import", "--yes", "-"]);
    expect(read()).toBe("HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_COUNT=2\nHARBOR_ECHO_VERSION='a\nb'\n");
    expect(readFileSync(secrets(), "utf8")).toBe("HARBOR_ECHO_API_KEY=new\n");
  });

  test.each([
    ["a key that nothing names", "HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_LEVL=x\n", 4, 'did you mean "HARBOR_ECHO_LEVEL"?'],
    ["a value that its folder does not take", "HARBOR_ECHO_LEVEL=high\nHARBOR_ECHO_COUNT=0\n", 2, "it takes a whole number from 1 to 9"],
    ["a runtime that is none", "HARBOR_ECHO_LEVEL=high\nHARBOR_RUNTIME=metal\n", 2, "there is no such runtime"],
    ["a line that is none", "HARBOR_ECHO_LEVEL=high\nwhat is this\n", 1, "stdin:2: Cannot read a line"],
    ["no JSON", '{ "a": ', 1, "it is no JSON"],
    ["a value that is a list", '{ "echo.level": ["high"] }', 1, 'Cannot read "echo.level" of "stdin"'],
  ])("are all or nothing: %s", async (_, text, exit, message) => {
    writeFileSync(config(), "HARBOR_ECHO_VERSION=1\n");
    const result = await runWith(text, ["import", "--yes", "-"]);
    expect([result.exit, result.stderr]).toEqual([exit, expect.stringContaining(message) as never]);
    expect(read()).toBe("HARBOR_ECHO_VERSION=1\n");
  });

  test("ask; off a terminal that takes --yes", async () => {
    const { exit, stderr } = await runWith("HARBOR_ECHO_LEVEL=high\n", ["import", "-"]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining("this is no terminal\n  Say --yes to take them unasked") as never]);
    expect(read()).toBe("");
  });

  test.each([
    ["y", 0, "HARBOR_ECHO_LEVEL=high\n"],
    ["", 1, ""],
    ["no", 1, ""],
  ])("take the answer %j of a terminal", async (answer, exit, after) => {
    box.write({ "new.env": "HARBOR_ECHO_LEVEL=high\n" });
    const said = await onTerminal(box, ["config", "import", "new.env"], [[/\[y\/N\] $/, `${answer}\r`]]);
    expect(said.exit).toBe(exit);
    expect(said.text).toContain("+ echo.level=high");
    expect(read()).toBe(after);
  });
});

describe("harbor config edit", () => {
  /** An editor that does one thing to the file that it is given. */
  function editor(script: string): Record<string, string> {
    const path = join(box.root, "editor");
    writeFileSync(path, `#!/bin/sh\nfor file; do :; done\n${script}\n`);
    chmodSync(path, 0o755);
    return { VISUAL: "", EDITOR: `${path} --wait` };
  }
  const edit = (script: string, ...words: string[]) => box.run(["config", "edit", ...words], { env: editor(script) });
  const copies = (): string[] => readdirSync(box.home).filter((name) => name.startsWith(".edit-"));

  afterEach(() => {
    for (const name of copies()) rmSync(join(box.home, name), { recursive: true });
  });

  test("takes what was written, once it is right, and leaves nothing beside it", async () => {
    writeFileSync(config(), "# mine\nHARBOR_ECHO_LEVEL=low\n");
    const { exit, stderr } = await edit(`printf 'HARBOR_ECHO_COUNT=3\\n' >> "$file"`);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: `harbor: the configuration is changed (${config()})\n` });
    expect(read()).toBe("# mine\nHARBOR_ECHO_LEVEL=low\nHARBOR_ECHO_COUNT=3\n");
    expect((await edit("true")).stderr).toBe("harbor: nothing was changed\n");
    expect(copies()).toEqual([]);
  });

  test.each([
    ["a key that nothing names", "HARBOR_ECHO_LEVL=low", 4, 'did you mean "HARBOR_ECHO_LEVEL"?'],
    ["a value that its folder does not take", "HARBOR_ECHO_COUNT=0", 2, "it takes a whole number"],
    ["a quote that is never closed", 'HARBOR_ECHO_LEVEL="low', 1, "its quote is never closed"],
  ])("keeps %s out of the configuration, and the copy", async (_, line, exit, message) => {
    writeFileSync(config(), "HARBOR_ECHO_VERSION=1\n");
    const result = await edit(`printf '%s\\n' '${line}' >> "$file"`);
    const [copy = ""] = copies();
    expect([result.exit, result.stderr]).toEqual([exit, expect.stringContaining(message) as never]);
    expect(result.stderr).toContain(`The configuration is as it was; what you wrote is in ${join(box.home, copy, "config.env")}\n`);
    expect(read()).toBe("HARBOR_ECHO_VERSION=1\n");
    expect(readFileSync(join(box.home, copy, "config.env"), "utf8")).toBe(`HARBOR_ECHO_VERSION=1\n${line}\n`);
  });

  test("lets one edit again, on a terminal", async () => {
    const env = editor(`if grep -q COUNT "$file"; then sed -i s/=0/=4/ "$file"; else echo HARBOR_ECHO_COUNT=0 >> "$file"; fi`);
    const { exit, text } = await onTerminal(box, ["config", "edit"], [[/Edit it again\? \[y\/N\] $/, "y\r"]], env);
    expect([exit, text]).toEqual([0, expect.stringContaining("it takes a whole number from 1 to 9") as never]);
    expect(read()).toBe("HARBOR_ECHO_COUNT=4\n");
  });

  test("keeps what a command has set meanwhile; of one key both changed it takes neither", async () => {
    writeFileSync(config(), "HARBOR_ECHO_LEVEL=low\nHARBOR_ECHO_VERSION=1\n");
    const harbor = join(checkout, "bin/harbor");
    const both = await edit(
      `sed -i s/VERSION=1/VERSION=2/ "$file"; "${harbor}" config set echo.count 5 2>/dev/null; "${harbor}" config unset echo.level 2>/dev/null`,
    );
    expect(both.exit).toBe(0);
    expect(read()).toBe("HARBOR_ECHO_VERSION=2\nHARBOR_ECHO_COUNT=5\n");
    const clash = await edit(`sed -i s/VERSION=2/VERSION=3/ "$file"; "${harbor}" config set echo.version 4 2>/dev/null`);
    expect([clash.exit, clash.stderr]).toEqual([1, expect.stringContaining("HARBOR_ECHO_VERSION was changed meanwhile") as never]);
    expect(read()).toContain("HARBOR_ECHO_VERSION=4\n");
    expect(copies().length).toBe(1);
  });

  test("mends a file that nothing else can read", async () => {
    writeFileSync(config(), "what is this\n");
    expect((await run("ls")).exit).toBe(1);
    expect((await edit(`echo HARBOR_ECHO_LEVEL=high > "$file"`)).exit).toBe(0);
    expect(read()).toBe("HARBOR_ECHO_LEVEL=high\n");
  });

  test("takes nothing of an editor that fails, or is not there", async () => {
    const failed = await edit(`echo HARBOR_ECHO_LEVEL=high > "$file"; exit 3`);
    expect([failed.exit, failed.stderr]).toEqual([1, expect.stringContaining("the editor ended with 3") as never]);
    const none = await box.run(["config", "edit"], { env: { VISUAL: "", EDITOR: "no-such-editor -w" } });
    expect([none.exit, none.stderr]).toEqual([3, expect.stringContaining('there is no program "no-such-editor" ($EDITOR)') as never]);
    expect(existsSync(config())).toBe(false);
  });
});
