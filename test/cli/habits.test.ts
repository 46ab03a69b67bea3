/**
 * What holds for every command, subcommand and stage there is: help, --json, --quiet, --no-color and NO_COLOR. The list is the
 * program's own, so that a new command is tested with the others.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { VERB_ALIASES } from "../../routines/_script/verb-aliases.ts";
import type { CommandDescription, ProgramDescription } from "../../routines/help/describe-commands.ts";
import { until } from "../_until.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
});
afterAll(() => box.remove());

interface Listed {
  words: string[];
  command: CommandDescription;
}

function walk(commands: readonly CommandDescription[], before: readonly string[] = []): Listed[] {
  return commands.flatMap((command) => {
    const words = [...before, command.name];
    return [{ words, command }, ...walk(command.commands, words)];
  });
}

const described = Bun.spawnSync([join(checkout, "bin/harbor"), "routine", "describe-commands", "--json"], {
  env: { ...process.env, HARBOR_HOME: "/nonexistent" },
});
const program = JSON.parse(described.stdout.toString()) as ProgramDescription;
const all = walk(program.commands);
const leaves = all.filter(({ command }) => command.commands.length === 0);
const verbs = program.commands.map(({ name }) => name);

describe("--help", () => {
  test(`is there for each of them, ${all.length} in all, and names what it takes`, async () => {
    const wrong: string[] = [];
    const ask = async ({ words, command }: Listed): Promise<void> => {
      const { exit, stdout, stderr } = await box.run([...words, "--help"]);
      const lacks = command.options.filter(({ name }) => !stdout.includes(`--${name}`)).map(({ name }) => name);
      const subcommands = command.commands.filter(({ name }) => !stdout.includes(`\n  ${name} `)).map(({ name }) => name);
      const isWhole = stdout.includes(`USAGE harbor ${words.join(" ")} `) && /-q, --quiet.*\n.*--no-color/.test(stdout);
      if (exit !== 0 || stderr !== "" || !isWhole || lacks.length + subcommands.length > 0)
        wrong.push(`${words.join(" ")}: ${exit} ${stderr} ${lacks} ${subcommands}`);
    };
    const queue = [...all];
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await ask(next);
    };
    await Promise.all([work(), work(), work(), work()]);
    expect(wrong).toEqual([]);
  }, 60_000);

  test("has examples of every verb and subcommand, which begin as they are typed", () => {
    const lacking = all
      .filter(({ words, command }) => words[0] !== "routine" && command.examples.length === 0)
      .map(({ words }) => words.join(" "));
    expect(lacking).toEqual([]);
    const odd = all.flatMap(({ words, command }) =>
      words[0] === "routine" ? [] : command.examples.filter((line) => !line.includes(`harbor ${words[0]}`)),
    );
    expect(odd).toEqual([]);
  });
});

describe("the definitions", () => {
  test("leave the options and letters of every command alone", () => {
    const taken = program.options.flatMap(({ name, letter }) => [name, letter ?? name]);
    expect(taken).toEqual(expect.arrayContaining(["help", "h", "quiet", "q", "no-color", "debug"]));
    const clashes = all.flatMap(({ words, command }) =>
      command.options
        .filter((it) => taken.includes(it.name) || taken.includes(it.letter ?? ""))
        .map((it) => `${words.join(" ")} --${it.name}`),
    );
    expect(clashes).toEqual([]);
  });

  test("have no letter twice in one command", () => {
    const twice = all.filter(({ command }) => {
      const letters = command.options.flatMap(({ letter }) => (letter === undefined ? [] : [letter]));
      return new Set(letters).size < letters.length;
    });
    expect(twice.map(({ words }) => words.join(" "))).toEqual([]);
  });

  test("no other name of a verb is a verb's own", () => {
    expect(Object.keys(VERB_ALIASES).filter((alias) => verbs.includes(alias))).toEqual([]);
  });
});

describe("--json", () => {
  /** What prints no data of Harbor's own, and why. */
  const WITHOUT: Readonly<Record<string, string>> = {
    run: "what is printed is the program's",
    exec: "what is printed is the program's",
    shell: "what is printed is the shell's",
    "config edit": "prints what became of it, to a person",
    compose: "its protocol is JSON",
    completion: "a script for a shell",
    "routine render-manual": "a page for man",
    "routine open-url": "prints nothing",
    "routine keep-log": "prints nothing",
    "routine notify-supervisor": "prints nothing",
    "routine run-compose": "what is printed is compose's",
  };

  test("is an option of everything that prints data", () => {
    const without = leaves
      .filter(({ command }) => !command.options.some(({ name }) => name === "json"))
      .map(({ words }) => words.join(" "));
    expect(without.filter((line) => !Object.hasOwn(WITHOUT, line))).toEqual([]);
  });

  test.each([
    ["ps"],
    ["top"],
    ["url"],
    ["ls"],
    ["plan"],
    ["up --dry-run"],
    ["cmd webui"],
    ["eject webui"],
    ["env webui"],
    ["config ls"],
    ["config get ollama.host_port"],
    ["autostart status"],
    ["provider status"],
    ["supervisor status"],
    ["how to start"],
    ["version"],
    ["down"],
    ["routine complete -- u"],
    ["routine search-help start"],
    ["routine describe-commands"],
  ])("harbor %s: JSON and nothing else on stdout", async (line) => {
    const [own = "", rest] = line.split(" -- ");
    const { exit, stdout } = await box.run([...own.split(" "), "--json", ...(rest === undefined ? [] : ["--", ...rest.split(" ")])]);
    expect(() => JSON.parse(stdout)).not.toThrow();
    expect(exit).toBe(0);
  });
});

describe("--quiet", () => {
  /** Each says something to a person when nothing is up and nothing is set. */
  const TALKERS = ["ps", "logs", "top", "url", "down", "supervisor status", "supervisor stop", "config set data d", "config unset data"];

  test.each(TALKERS)("harbor %s says nothing with it, and as much before as after the verb", async (line) => {
    const words = line.split(" ");
    const home = join(box.root, `quiet-${TALKERS.indexOf(line)}`);
    const env = { HARBOR_HOME: home };
    expect((await box.run(words, { env })).stderr).not.toBe("");
    const after = await box.run([...words, "--quiet"], { env });
    const before = await box.run(["-q", ...words], { env });
    expect([after.stderr, before.stderr]).toEqual(["", ""]);
    expect([after.exit, before.exit]).toEqual([0, 0]);
  });

  test("a start and a stop say nothing, but for the result", async () => {
    const up = await box.run(["up", "--quiet"]);
    expect({ exit: up.exit, stderr: up.stderr }).toEqual({ exit: 0, stderr: "" });
    expect(up.stdout).toContain("mock-openai");
    expect(await box.run(["restart", "-q"])).toEqual({ exit: 0, stdout: "mock-openai: restarted\n", stderr: "" });
    expect(await box.run(["down", "-q"])).toEqual({ exit: 0, stdout: "mock-openai: stopped\n", stderr: "" });
  });

  test("warnings and errors are said all the same", async () => {
    const env = { HARBOR_WEBUI_SECRET: "s3cr3t" };
    expect((await box.run(["eject", "webui", "-q"], { env })).stderr).toStartWith("harbor: warning: ");
    expect(await box.run(["up", "-q", "olama"])).toMatchObject({ exit: 4, stderr: expect.stringContaining('did you mean "ollama"?') });
  });

  test("in front of what is handed on it is Harbor's, behind it the program's", async () => {
    box.services({ "echo/echo_native.yml": "x-harbor-native: { executable: echo }\n" });
    expect((await box.run(["run", "-q", "echo", "a"])).stdout).toBe("a\n");
    expect((await box.run(["run", "--workspace", box.home, "--quiet", "--debug", "echo", "a"])).stdout).toBe("a\n");
    expect((await box.run(["launch", "--backend", "ollama", "-q", "--json"])).stderr).not.toContain("has no option");
    expect((await box.run(["run", "--workspace", box.root, "--help"])).stdout).toContain("USAGE harbor run");
    expect((await box.run(["run", "echo", "-q", "--quiet"])).stdout).toBe("-q --quiet\n");
  });
});

describe("colours", () => {
  /** Of every verb its help; of those that only look, what they print. */
  const lines = [
    ...verbs.map((verb) => `${verb} --help`),
    ...[
      "help",
      "ps",
      "top --once",
      "logs",
      "url",
      "ls",
      "plan",
      "up --dry-run",
      "cmd webui",
      "eject webui",
      "env webui",
      "config ls --all",
    ],
    ...["autostart status", "provider status", "supervisor status", "routine", "how logs", "completion bash", "version", "nonsense"],
  ];

  /** All of them on a terminal, one after another. */
  async function print(option: string, env: Record<string, string>): Promise<string> {
    const { NO_COLOR: _, ...plain } = box.env;
    const script = lines.map((line) => `harbor ${option} ${line}`).join("\n");
    let text = "";
    const child = Bun.spawn(["sh", "-c", `${script}\necho the-end`], {
      cwd: box.root,
      env: { ...plain, PATH: `${join(checkout, "bin")}:${box.env.PATH}`, TERM: "xterm-256color", COLORTERM: "truecolor", ...env },
      terminal: {
        cols: 120,
        rows: 50,
        data: (__: unknown, bytes: Uint8Array): void => {
          text += Buffer.from(bytes).toString();
        },
      },
    });
    await child.exited;
    await until(() => text.includes("the-end"), "all of the output");
    return text;
  }

  test("there are some on a terminal; none with NO_COLOR, none with --no-color, whatever the command", async () => {
    const coloured = await print("", {});
    expect(coloured).toContain("\x1b[");
    for (const plain of [await print("", { NO_COLOR: "1" }), await print("--no-color", {})]) {
      expect(plain.split("\n").filter((line) => line.includes("\x1b"))).toEqual([]);
      expect(plain.length).toBeGreaterThan(coloured.length / 2);
    }
  }, 60_000);
});
