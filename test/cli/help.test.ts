/** Finding one's way: the overview, help with examples, and what a slip at the keyboard gets. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
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
    "exec",
    "shell",
    "pull",
    "build",
    "update",
    "prune",
    "backup",
    "restore",
    "uninstall",
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
    "conductor",
    "secrets",
    "profile",
    "defaults",
    "volumes",
    "alias",
    "autostart",
    "provider",
    "compose",
  ],
  ...["supervisor", "routine", "how", "completion", "version"],
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
    const examples = stdout.split("EXAMPLES\n\n")[1]?.split("\n\n")[0]?.split("\n") ?? [];
    expect(examples.length).toBeGreaterThan(0);
    const file = existsSync(join(checkout, `routines/${verb}.ts`)) ? `routines/${verb}.ts` : `services/${verb}/command.ts`;
    const { command } = (await import(join(checkout, file))) as { command: Command };
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

  test.each([
    ["webui plan", "plan webui"],
    ["ollama webui plan --explain", "plan ollama webui --explain"],
    ["-q webui plan", "plan webui -q"],
    ["ollama env", "env ollama"],
    ["l nothing", "logs nothing"],
    ["list", "ls"],
    ["help config get", "config get --help"],
  ])("harbor %s is harbor %s", async (one, other) => {
    const [a, b] = await Promise.all([box.run(one.split(" ")), box.run(other.split(" "))]);
    expect(a).toEqual(b);
    expect(a.exit).toBe(one.includes("nothing") ? 4 : 0);
  });

  test("version, as a word and as an option", async () => {
    expect((await box.run(["--version"])).stdout).toBe((await box.run(["version"])).stdout);
    expect(await box.json<object>(["version"])).toEqual({
      harbor: expect.any(String),
      bun: Bun.version,
      platform: `${process.platform}-${process.arch}`,
    });
  });
});

describe("slips", () => {
  test.each([
    ["upp", 'Cannot run "harbor upp": there is no such command; did you mean "up"?'],
    ["ollama", 'Cannot run "harbor ollama": it is a service, and what to do with it is missing\n'],
    ["olama", 'Cannot run "harbor olama": there is no such command; did you mean the service "ollama"?\n  Start it: harbor up ollama\n'],
    [
      "ollama list",
      'Cannot run "harbor ollama list": "ls" is not about one service\n  harbor run ollama list   runs its own program with these words\n',
    ],
    ["ollama version_", 'Cannot run "harbor ollama version_": there is no such command; did you mean "version"?\n'],
    ["llamacpp args", 'Cannot run "harbor llamacpp args": there is no such command\n  harbor run llamacpp args'],
    ["webui version", 'Cannot run "harbor webui version": "version" is not about one service\n  harbor config set webui.version <value>'],
    ["ollama a;b", 'Cannot run "harbor ollama a;b": there is no such command\n  harbor run ollama a;b'],
    ["supervisor stpo", "Cannot stpo the supervisor: there is no such action"],
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

  test("harbor ollama says what can be done with it", async () => {
    const { stderr } = await box.run(["ollama"]);
    for (const line of [
      "harbor up ollama",
      "harbor logs ollama",
      "harbor run ollama",
      "harbor env ollama",
      "harbor autostart enable ollama",
    ])
      expect(stderr).toMatch(new RegExp(`^  ${line} {2,}[A-Z]`, "m"));
    for (const other of ["version", "config", "routine", "ls"]) expect(stderr).not.toContain(`harbor ${other} `);
  });

  test("with --json it is one object as well", async () => {
    const { stderr } = await box.run(["ollama", "--json"]);
    expect(JSON.parse(stderr)).toMatchObject({ error: { exit: "usage", code: 2, details: expect.any(Array) } });
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
