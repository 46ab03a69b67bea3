/** `harbor run`: real programs, with what a shell, a terminal and other programs do to them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { checkout, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
const launcher = join(checkout, "bin/harbor");

const TOOL = `#!/bin/sh
case $1 in
  show) shift; printf '%s\\n' "$WORD" "\${SECRET-none}" "$TERM" "$PWD"; for word; do printf '[%s]\\n' "$word"; done ;;
  copy) cat; echo done >&2 ;;
  end) exit "$2" ;;
  die) kill -"$2" $$ ;;
  wait) trap 'echo got TERM; exit 3' TERM; trap 'echo got INT; echo INT >>ints' INT; echo ready; while :; do sleep 0.01; done ;;
  count) trap 'echo got INT; echo INT >>ints' INT; echo ready; until [ -s ints ]; do sleep 0.01; done; sleep 0.1; exit 9 ;;
  tty) if [ -t 0 ] && [ -t 1 ]; then echo a terminal; else echo none; fi ;;
esac
`;

const contract = (executable: string, more = ""): string =>
  `x-harbor-native:\n  executable: ${executable}\n  daemon_args: [serve]\n  port: 1\n  env: { WORD: "\${HARBOR_TOOL_WORD:-plain}" }\n${more}`;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    "tool/tool_native.yml": contract("./tool.sh"),
    "tool/tool.sh": TOOL,
    "gone/gone_native.yml": contract("no-such-program", "  install: { any: make it }\n"),
    "odd/odd_native.yml": contract("./odd"),
    "odd/odd": "not a program",
    "homeless/homeless_native.yml": contract("sh", "  working_directory: ./nowhere\n"),
    "box/compose.box.yml": "services:\n  box:\n    image: busybox:local\n",
  });
  chmodSync(join(box.home, "services/tool/tool.sh"), 0o755);
});
afterAll(() => box.remove());

const folder = (): string => join(box.home, "services/tool");

describe("harbor run", () => {
  test("runs the contract's program with the words as typed, in the service's environment and folder", async () => {
    const env = { SECRET: "of the shell", TERM: "dumb", HARBOR_TOOL_WORD: "from the configuration" };
    const words = ["--help", "-x", "--", "a b", "$HOME", "*", "--json", "--debug", ""];
    const { exit, stdout, stderr } = await box.run(["run", "tool", "show", ...words], { env });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    const shown = ["from the configuration", "none", "dumb", folder(), ...words.map((word) => `[${word}]`)];
    expect(stdout).toBe(`${shown.join("\n")}\n`);
  });

  test("takes its own options before the handle alone", async () => {
    expect((await box.run(["run", "--workspace", join(box.home, "services"), "--", "tool", "show"])).stdout).toStartWith("plain\n");
    expect(await box.run(["run", "--wrkspace=x", "tool"])).toMatchObject({ exit: 2, stderr: expect.stringContaining('"--workspace"?') });
    expect(await box.run(["run", "--workspace"])).toMatchObject({ exit: 2, stderr: expect.stringContaining("needs a value") });
    expect(await box.run(["run"])).toMatchObject({ exit: 2, stderr: expect.stringContaining("<handle> is missing") });
    expect((await box.run(["run", "--help"])).stdout).toContain("USAGE harbor run");
  });

  test("hands its streams through as they are", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const child = Bun.spawn([launcher, "run", "tool", "copy"], {
      cwd: box.root,
      env: box.env,
      stdin: bytes,
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(new Uint8Array(await new Response(child.stdout).arrayBuffer())).toEqual(bytes);
    expect([await child.exited, await child.stderr.text()]).toEqual([0, "done\n"]);
  });

  test.each([
    [["end", "0"], 0],
    [["end", "7"], 7],
    [["end", "255"], 255],
    [["die", "TERM"], 143],
    [["die", "KILL"], 137],
  ])("ends as the program does: %j with %d", async (words, exit) => {
    expect(await box.run(["run", "tool", ...words])).toEqual({ exit, stdout: "", stderr: "" });
  });

  test("passes a signal on, and waits for the end that the program makes of it", async () => {
    for (const [signal, exit] of [
      ["SIGTERM", 3],
      ["SIGINT", 3],
    ] as const) {
      rmSync(join(folder(), "ints"), { force: true });
      const child = box.start(["run", "tool", "wait"]);
      await readUntil(child.stdout, /ready/);
      child.kill(signal);
      if (signal === "SIGINT") {
        await until(() => existsSync(join(folder(), "ints")), "it got the signal");
        child.kill("SIGTERM");
      }
      expect(await child.exited).toBe(exit);
    }
  });

  test("runs a real one", async () => {
    expect(await box.run(["run", "redis", "--version"])).toEqual({
      exit: 0,
      stdout: expect.stringMatching(/^Redis server v=/),
      stderr: "",
    });
    const script = "console.log(process.execPath, process.env.MOCK_OPENAI_PORT)";
    expect((await box.run(["run", "mock-openai", "-e", script])).stdout).toEndWith(` ${box.port}\n`);
  });

  test.each([
    ["gone", 3, 'Cannot run "gone": "no-such-program" is not installed, or not on PATH\n  Install it: make it\n'],
    ["odd", 3, 'Cannot run "odd": "./odd" is no program that can be run\n  Make it executable'],
    ["homeless", 1, /Cannot run "homeless": its working directory ".*\/homeless\/nowhere" does not exist\n$/],
    ["box", 3, "Cannot reach a container engine at unix:///nonexistent.sock"],
    ["tol", 4, 'Cannot find service "tol"; did you mean "tool"?'],
    ["../tool", 2, 'Cannot use "../tool"'],
  ])("%s cannot be run: exit %d", async (handle, exit, message) => {
    const result = await box.run(["run", handle, "--json"]);
    expect({ exit: result.exit, stdout: result.stdout }).toEqual({ exit, stdout: "" });
    if (typeof message === "string") expect(result.stderr.replaceAll(`${box.home}/services/odd/`, "./")).toContain(message);
    else expect(result.stderr).toMatch(message);
  });

  test("leaves nothing behind, and is no part of what `down` stops", async () => {
    const child = box.start(["run", "tool", "wait"]);
    await readUntil(child.stdout, /ready/);
    expect(await box.ps()).toEqual([]);
    await box.run(["down"]);
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(3);
    expect(box.left()).toEqual([]);
  });
});

/** What a person at a terminal sees: Python opens one, types `keys` once `ready` is read, and tells how it ended. */
const TERMINAL = `
import os, pty, sys
ready, keys, *words = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(words[0], words)
seen = b""
while True:
    try:
        piece = os.read(terminal, 1024)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if ready and ready.encode() in seen:
        os.write(terminal, keys.encode().decode("unicode_escape").encode())
        ready = ""
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe.skipIf(Bun.which("python3") === null)("at a terminal", () => {
  const type = (ready: string, keys: string, words: string[]) =>
    resultOf(
      Bun.spawn(["python3", "-c", TERMINAL, ready, keys, launcher, "run", "tool", ...words], {
        cwd: box.root,
        env: box.env,
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
      }),
    );

  test("the program has it", async () => {
    expect(await type("", "", ["tty"])).toEqual({ exit: 0, stdout: "a terminal\r\n", stderr: "" });
  });

  test("Ctrl-C reaches the program once, and Harbor stays until it has ended", async () => {
    rmSync(join(folder(), "ints"), { force: true });
    const { exit, stdout } = await type("ready", "\\x03", ["count"]);
    expect(stdout).toContain("got INT");
    expect(exit).toBe(9);
    expect(readFileSync(join(folder(), "ints"), "utf8")).toBe("INT\n");
  });
});
