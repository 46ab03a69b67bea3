/** Finding one's way: the overview, help with examples, and what a slip at the keyboard gets. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Command } from "../../routines/_script/command.ts";
import { parseCommandArgs } from "../../routines/_script/parse-args.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
});

afterAll(() => box.remove());

const VERBS = [
  ...[
    "up",
    "doctor",
    "down",
    "ps",
    "top",
    "stats",
    "size",
    "find",
    "history",
    "restart",
    "stop",
    "logs",
    "attach",
    "run",
    "launch",
    "connect",
    "disconnect",
    "expose",
    "unexpose",
    "tunnel",
    "url",
    "open",
    "qr",
    "ls",
    "info",
    "plan",
    "cmd",
    "eject",
    "env",
    "config",
    "models",
    "defaults",
    "volumes",
    "alias",
    "autostart",
    "provider",
    "compose",
  ],
  ...["supervisor", "routine", "completion", "version"],
];

/** The command line of an example: without its explanation, what it is put into, and where its output goes. */
function wordsOf(example: string): string[] {
  const line = example.split(/ {2,}/)[0] ?? "";
  const bare = line.replace(/^eval "\$\((.*)\)"$/, "$1").replace(/ >+ .*$/, "");
  return bare.split(" ").map((word) => word.replace(/^'(.*)'$/, "$1"));
}

describe("harbor alone", () => {
  test("names every command, on stdout", async () => {
    const { exit, stdout, stderr } = await box.run([]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb} {2,}[A-Z]`, "m"));
    expect(stdout).not.toMatch(/[ \t]$/m);
    expect((await box.run(["help"])).stdout).toBe(stdout);
    expect((await box.run(["--help"])).stdout).toBe(stdout);
  });
});

describe.each(VERBS)("harbor %s --help", (verb) => {
  test("ends with 0 and has an example that can be typed", async () => {
    const { exit, stdout, stderr } = await box.run([verb, "--help"]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toContain(`USAGE harbor ${verb} `);
    expect(stdout).not.toMatch(/[ \t]$/m);
    const examples = stdout.split("EXAMPLES\n\n")[1]?.trimEnd().split("\n") ?? [];
    expect(examples.length).toBeGreaterThan(0);
    const { command } = (await import(join(checkout, `routines/${verb}.ts`))) as { command: Command };
    for (const example of examples) {
      const [program, name, ...words] = wordsOf(example.trim());
      expect([program, name]).toEqual(["harbor", verb]);
      if (command.passThrough === undefined) parseCommandArgs(words, command.args, verb);
    }
  });
});

describe("other ways to ask", () => {
  test("harbor help up is harbor up --help", async () => {
    const [a, b] = await Promise.all([box.run(["help", "up"]), box.run(["up", "-h"])]);
    expect(a).toEqual(b);
    expect(a.exit).toBe(0);
  });

  test("harbor webui plan is harbor plan webui", async () => {
    const [a, b] = await Promise.all([box.run(["webui", "plan"]), box.run(["plan", "webui"])]);
    expect(a).toEqual(b);
    expect(a.exit).toBe(0);
  });

  test("version, as a word and as an option", async () => {
    expect((await box.run(["--version"])).stdout).toBe((await box.run(["version"])).stdout);
    expect(await box.json<object>(["version"])).toEqual({
      harbor: expect.any(String),
      bun: Bun.version,
      platform: `${process.platform}-${process.arch}`,
    });
  });

  test("completion prints a script that the shell accepts", async () => {
    const { stdout } = await box.run(["completion", "bash"]);
    const shell = Bun.spawn(["bash", "-n"], { stdin: new TextEncoder().encode(stdout), stdout: "ignore", stderr: "pipe" });
    expect(await shell.stderr.text()).toBe("");
  });
});

describe("completion in bash", () => {
  /** What the shell would offer for the last of these words. */
  async function offer(...words: string[]): Promise<string[]> {
    const script = 'source <(harbor completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _harbor; printf "%s\\n" "${COMPREPLY[@]}"';
    const env = { ...box.env, PATH: `${join(checkout, "bin")}:${box.env.PATH}` };
    const shell = Bun.spawn(["bash", "-c", script, "bash", "harbor", ...words], { env, cwd: box.root, stdout: "pipe", stderr: "ignore" });
    return (await shell.stdout.text()).trim().split("\n");
  }

  test("offers every command", async () => {
    expect((await offer("")).sort()).toEqual([...VERBS].sort());
  });

  test.each([
    [
      ["supervisor", ""],
      ["status", "stop", "restart"],
    ],
    [["provider", "un"], ["uninstall"]],
    [
      ["autostart", ""],
      ["enable", "disable", "status"],
    ],
    [["config", "s"], ["set"]],
    [["stop", "olla"], ["ollama"]],
    [["config", "get", "redis.host"], ["redis.host_port"]],
  ])("%j: %j", async (words, offered) => {
    expect(await offer(...words)).toEqual(offered);
  });
});

describe("slips", () => {
  test.each([
    ["upp", 'Cannot run "harbor upp": there is no such command; did you mean "up"?'],
    [
      "ollama",
      'Cannot run "harbor ollama": there is no such command\n  Run `harbor help` to see them all; to start a service, `harbor up <handle>`',
    ],
    ["up --no-default", 'Cannot run "up": it has no option "--no-default"; did you mean "--no-defaults"?'],
    ["plan --exlude x", 'Cannot run "plan": it has no option "--exlude"; did you mean "--exclude"?'],
    ["up -x", 'Cannot run "up": "-x" needs a value'],
    ["url a b", 'Cannot run "url": it takes no word "b"'],
    ["routine resolve-fils", 'Cannot run "harbor routine resolve-fils": there is no such command; did you mean "resolve-files"?'],
    ["completion tcsh", 'Cannot print a completion script for "tcsh": only for bash, zsh and fish'],
    ["completion constructor", 'Cannot print a completion script for "constructor": only for bash, zsh and fish'],
  ])("harbor %s", async (line, message) => {
    const { exit, stdout, stderr } = await box.run(line.split(" "));
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: "" });
    expect(stderr).toStartWith(`harbor: ${message}`);
  });

  test("a reader that stops reading is no error", async () => {
    const shell = Bun.spawn(["sh", "-c", '"$0" plan --json "*" | head -1', join(checkout, "bin/harbor")], {
      env: box.env,
      cwd: box.root,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    expect([await shell.stdout.text(), await shell.stderr.text()]).toEqual(["{\n", ""]);
  });
});
