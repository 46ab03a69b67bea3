/** `harbor config`, and what a preference makes of a plan, as a person meets them. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../routines/compose/make-plan.ts";
import { resultOf } from "../_process.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", 41_311),
    "echo/compose.echo.yml":
      'services:\n  echo:\n    image: "echo:${HARBOR_ECHO_VERSION:-1}"\n    environment: { K: "${HARBOR_ECHO_API_KEY:-}" }\n',
    "boxed/compose.boxed.yml": "services:\n  boxed:\n    image: boxed:1\n",
    "only/only_native.yml": "x-harbor-native: { executable: sleep, daemon_args: ['1'], port: 41312 }\n",
  });
});

const config = (): string => join(box.home, "config.env");
const read = (): string => (existsSync(config()) ? readFileSync(config(), "utf8") : "");

afterEach(() => rmSync(config(), { force: true }));
afterAll(() => box.remove());

const set = (...words: string[]) => box.run(["config", "set", ...words]);
const runtimes = async (...words: string[]): Promise<string[]> => {
  const plan = await box.json<Plan>(["plan", ...words]);
  return plan.services.map((it) => `${it.handle} ${it.runtime}: ${it.because}`);
};

describe("a preference", () => {
  test("decides until a word of the command does", async () => {
    const { exit, stderr } = await set("echo.runtime", "native");
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: `harbor: echo.runtime is native (${config()})\n` });
    expect(read()).toBe("HARBOR_ECHO_RUNTIME=native\n");
    expect(await runtimes("echo", "boxed")).toEqual([
      "boxed container: it has no contract",
      `echo native: HARBOR_ECHO_RUNTIME is native (${config()})`,
    ]);
    expect(await runtimes("boxed", "-c", "echo")).toContain("echo container: -c asks for it");
    await set("echo.runtime", "container");
    expect(await runtimes("echo")).toEqual([`echo container: HARBOR_ECHO_RUNTIME is container (${config()})`]);
    expect(await runtimes("-x", "echo")).toEqual(["echo native: -x asks for it"]);
  });

  test("for all is for all that can", async () => {
    await set("runtime", "native");
    expect(await runtimes("echo", "boxed")).toEqual([
      "boxed container: it has no contract",
      `echo native: HARBOR_RUNTIME is native (${config()})`,
    ]);
    await set("echo.runtime", "auto");
    expect(await runtimes("echo")).toEqual(["echo container: auto: this host has no GPU"]);
  });

  test("is explained by plan --explain", async () => {
    await set("echo.runtime", "native");
    const { stdout } = await box.run(["plan", "--explain", "echo", "boxed"]);
    expect(stdout).toContain(`\n\nboxed container: it has no contract\necho native: HARBOR_ECHO_RUNTIME is native (${config()})\n\n`);
    expect((await box.run(["plan", "echo"])).stdout).not.toContain("HARBOR_ECHO_RUNTIME");
  });

  test("does not move what runs, and says what does", async () => {
    await box.run(["up", "-x", "echo"]);
    const { stderr } = await set("echo.runtime", "container");
    expect(stderr).toContain("harbor: echo is up and stays on what it runs on; `harbor up -c echo` moves it\n");
    expect((await box.json<Plan>(["up", "echo", "--dry-run"])).services).toMatchObject([
      { runtime: "native", because: "it runs natively already" },
    ]);
    expect((await box.json<Plan>(["up", "-c", "echo", "--dry-run"])).services).toMatchObject([
      { runtime: "container", because: "-c asks for it" },
    ]);
    await box.run(["down"]);
  });

  test.each([
    [["echo.runtime", "metal"], 2, 'Cannot use runtime "metal": there is no such runtime\n  Use one of native, container, auto'],
    [["runtime", "Native"], 2, 'Cannot use runtime "Native"'],
    [["boxed.runtime", "native"], 1, 'Cannot prefer "boxed" native: it has no contract (boxed_native.yml)'],
    [["only.runtime", "container"], 1, 'Cannot prefer "only" container: it has no definition (compose.only.yml)'],
    [["engine_kind", "vmware"], 2, 'Cannot use HARBOR_ENGINE_KIND "vmware"'],
    [["ECHO_RUNTIME", "native"], 4, 'did you mean "HARBOR_ECHO_RUNTIME"?'],
    [["eco.runtime", "native"], 4, 'Cannot find key "eco.runtime": no file of the workspace names it; did you mean "echo.runtime"?'],
    [
      ["HARBOR_ECHO_VERSON", "2"],
      4,
      'Cannot find key "HARBOR_ECHO_VERSON": no file of the workspace names it; did you mean "HARBOR_ECHO_VERSION"?',
    ],
    [["echo.version"], 2, "Cannot set a value: the value is missing"],
    [["a/b", "1"], 2, 'Cannot use "a/b" as a key'],
  ])("config set %j is refused, and nothing is written", async (words, exit, message) => {
    const result = await set(...words);
    expect([result.exit, result.stderr.split("\n")[0]]).toEqual([exit, expect.stringContaining(message.split("\n")[0] ?? "") as never]);
    expect(existsSync(config())).toBe(false);
  });
});

describe("a key", () => {
  test.each(["plain", "", "it's", 'say "x" | & ; $HOME ${X} \\', "two\nlines", "ünïcode ☂ #x", "--dash"])(
    "gives back %j",
    async (value) => {
      expect((await set("echo.level", "--", value)).exit).toBe(0);
      expect((await box.json<{ value: string }>(["config", "get", "echo.level"])).value).toBe(value);
      const shell = Bun.spawnSync(["sh", "-c", '. "$0"; printf %s "$HARBOR_ECHO_LEVEL"', config()]);
      expect(shell.stdout.toString()).toBe(value);
    },
  );

  test("keeps comments and other lines, and is taken out again", async () => {
    writeFileSync(config(), "# mine\nHARBOR_ECHO_VERSION=1 # old\n\nOTHER='x'\n");
    await set("echo.version", "2");
    expect(read()).toBe("# mine\nHARBOR_ECHO_VERSION=2 # old\n\nOTHER='x'\n");
    expect((await box.run(["config", "get", "HARBOR_ECHO_VERSION"])).stdout).toBe("2\n");
    expect((await box.run(["config", "unset", "echo.version"])).stderr).toContain(
      `echo.version is out of ${config()}; the default holds: 1`,
    );
    expect(read()).toBe("# mine\n\nOTHER='x'\n");
    expect((await box.run(["config", "get", "echo.version"])).stdout).toBe("1\n");
    expect((await box.run(["config", "unset", "OTHER", "echo.version"])).exit).toBe(0);
    await set("echo.level", "1");
    expect((await box.run(["config", "unset", "echo.level", "echo.verson"])).exit).toBe(4);
    expect(read()).toContain("HARBOR_ECHO_LEVEL=1");
  });

  test("that nothing names takes --force", async () => {
    expect((await set("MY_OWN", "1", "--force")).exit).toBe(0);
    expect((await box.run(["config", "get", "MY_OWN"])).stdout).toBe("1\n");
  });

  test("may come from stdin, and is not shown in a listing", async () => {
    const program = [join(checkout, "bin/harbor"), "config", "set", "echo.api_key", "-"];
    const input = new TextEncoder().encode("s3cret\n");
    const { exit, stdout, stderr } = await resultOf(
      Bun.spawn(program, { cwd: box.root, env: box.env, stdin: input, stdout: "pipe", stderr: "pipe" }),
    );
    expect({ exit, stdout, stderr }).toEqual({
      exit: 0,
      stdout: "",
      stderr: `harbor: echo.api_key is ******** (${join(box.home, "secrets.env")})\n`,
    });
    const listed = await box.run(["config", "ls"]);
    expect(listed.stdout).not.toContain("s3cret");
    expect(listed.stdout).toMatch(/^echo\.api_key +\*{8} +.*secrets\.env$/m);
    expect((await box.run(["config", "ls", "--show-secrets"])).stdout).toContain("s3cret");
    expect((await box.run(["config", "get", "echo.api_key"])).stdout).toBe("s3cret\n");
  });

  test("that the environment sets too is told so", async () => {
    const { stderr } = await box.run(["config", "set", "echo.version", "2"], { env: { HARBOR_ECHO_VERSION: "3" } });
    expect(stderr).toContain("harbor: warning: HARBOR_ECHO_VERSION is set in the environment too, which goes first\n");
  });
});

describe("harbor config", () => {
  test("alone and --help name the subcommands", async () => {
    const [alone, help] = await Promise.all([box.run(["config"]), box.run(["config", "--help"])]);
    for (const { stdout, exit } of [alone, help]) {
      expect(exit).toBe(0);
      for (const name of ["set", "get", "unset", "ls"]) expect(stdout).toMatch(new RegExp(`^  ${name} +[A-Z]`, "m"));
    }
    expect((await box.run(["config", "set", "--help"])).stdout).toContain("USAGE harbor config set ");
    const slip = await box.run(["config", "sett"]);
    expect([slip.exit, slip.stderr]).toEqual([2, expect.stringContaining('did you mean "set"?') as never]);
  });

  test("reads without writing", async () => {
    const before = existsSync(box.state);
    await box.run(["config", "ls", "--all"]);
    await box.run(["config", "get", "echo.version"]);
    expect([existsSync(config()), existsSync(box.state)]).toEqual([false, before]);
  });
});
