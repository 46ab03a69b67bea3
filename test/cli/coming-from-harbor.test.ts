/** docs/coming-from-harbor.md says what is so: against the commands that there are, and the tests that it names. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OPTION_ALIASES, VERB_ALIASES } from "../../routines/_script/verb-aliases.ts";
import type { CommandDescription, ProgramDescription } from "../../routines/help/describe-commands.ts";
import { type FormerCommand, formerCommands } from "../../routines/help/explain-words.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

const page = readFileSync(join(checkout, "docs/coming-from-harbor.md"), "utf8");
const rows = formerCommands(page);

const described = Bun.spawnSync([join(checkout, "bin/harbor"), "routine", "describe-commands", "--json"], {
  env: { ...process.env, HARBOR_HOME: "/nonexistent" },
});
const program = JSON.parse(described.stdout.toString()) as ProgramDescription;

/** Every word that av/harbor 0.5.5 takes first, but for those of single services. */
const THEIRS =
  "up u start s down d restart r ps logs log l build pull shell exec run stats attach cmd eject dive ls list defaults url open o qr tunnel t tunnels config env volumes alias aliases a profile profiles p history h doctor info smi top size find fixfs home vscode link ln unlink unln completion update migrate version help how skills routine dev tools gum eval models hf launch";

/** The command that a line names, or undefined; `<handle>` may stand anywhere. */
function findCommand(line: string): CommandDescription | undefined {
  const words = line.split(" ").filter((word) => !/^[<-]/.test(word));
  let found: CommandDescription | undefined;
  let commands = program.commands;
  for (const word of words.slice(1)) {
    found = commands.find(({ name }) => name === word);
    if (found === undefined) return undefined;
    commands = found.commands;
  }
  return found;
}

const lineOf = ({ words, ours }: FormerCommand): string => `${words.join(", ")}: ${ours}`;

describe("the tables of commands", () => {
  test("have every command of av/harbor", () => {
    const named = new Set(rows.flatMap(({ words }) => words));
    expect(THEIRS.split(" ").filter((word) => !named.has(word))).toEqual([]);
  });

  test("say of none that it is there that is not", () => {
    const here = rows.filter((it) => it.here === "yes");
    expect(here.length).toBeGreaterThan(20);
    expect(here.filter(({ ours }) => findCommand(ours) === undefined).map(lineOf)).toEqual([]);
  });

  test("say of none that it comes later, or does not come, that is there", () => {
    expect(rows.filter(({ here, ours }) => here === "later" && findCommand(ours) !== undefined).map(lineOf)).toEqual([]);
    const verbs = program.commands.map(({ name }) => name);
    const gone = rows.filter(({ here, ours }) => here === "no" && ours === "");
    expect(gone.flatMap(({ words }) => words).filter((word) => word !== "config" && verbs.includes(word))).toEqual([]);
  });

  test("name options that there are", () => {
    const wrong = [...page.matchAll(/`harbor ([a-z]+)((?: [^`|]*)?)`/g)].flatMap(([, verb = "", rest = ""]) => {
      const command = program.commands.find(({ name }) => name === verb);
      if (command === undefined) return [];
      const known = [...command.options, ...program.options, ...command.commands.flatMap(({ options }) => options)];
      const options = rest.split(" ").filter((word) => word.startsWith("-"));
      return options.filter((word) => !known.some(({ name, letter }) => word === `--${name}` || word === `-${letter}`));
    });
    expect(wrong).toEqual([]);
  });

  test("name keys that there are", () => {
    const listed = Bun.spawnSync([join(checkout, "bin/harbor"), "routine", "list-keys"], {
      env: { ...process.env, HARBOR_HOME: "/nonexistent" },
    });
    const keys = listed.stdout
      .toString()
      .split("\n")
      .map((line) => line.split("\t")[0]);
    const named = [...page.matchAll(/`harbor config [gs]et ([a-z][\w.]*)/g)].map(([, key]) => key);
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((key) => !keys.includes(key))).toEqual([]);
  });

  test("have every other name of a verb", () => {
    const named = [...page.matchAll(/^\| ((?:`[a-z]+`(?:, )?)+) \| `([a-z]+)` \|$/gm)].flatMap(([, words = "", verb]) =>
      [...words.matchAll(/[a-z]+/g)].map(([word]) => [word, verb]),
    );
    expect(Object.fromEntries(named)).toEqual({ ...VERB_ALIASES });
  });
});

describe("the table of defects", () => {
  const defects = [...page.matchAll(/^\| (D\d+): (.*) \| (.*) \|$/gm)].map(([, name = "", , proofs = ""]) => ({ name, proofs }));

  test("has all of them", () => {
    expect(defects.map(({ name }) => name)).toEqual(Array.from({ length: 17 }, (_, index) => `D${index + 1}`));
  });

  test.each(defects)("$name names tests that there are", ({ proofs }) => {
    for (const proof of proofs.split("; test/").map((it, index) => (index === 0 ? it : `test/${it}`))) {
      const [, file = "", title = ""] = /^(test\/\S+\.ts): (.*)$/.exec(proof) ?? [];
      expect({ proof, isThere: existsSync(join(checkout, file)) }).toEqual({ proof, isThere: true });
      expect(readFileSync(join(checkout, file), "utf8")).toContain(title);
    }
  });
});

describe("another name", () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.create();
  });
  afterAll(() => box.remove());

  test("of a subcommand is told on the page, and is it, also with the handle first", async () => {
    for (const word of ["list", "rm", "remove", "unset", "add", "set", "load"]) expect(page).toContain(`\`${word}\``);
    expect((await box.run(["webui", "env", "set", "WORD", "x"])).exit).toBe(0);
    expect(await box.run(["webui", "env", "rm", "WORD"])).toEqual({
      exit: 0,
      stdout: "",
      stderr: `harbor: WORD is out of ${join(box.home, "env/webui.env")}\n`,
    });
    expect((await box.run(["config", "set", "webui.host_port", "1234"])).exit).toBe(0);
    expect((await box.run(["profile", "add", "mine"])).exit).toBe(0);
    expect((await box.run(["config", "rm", "webui.host_port"])).exit).toBe(0);
    expect((await box.run(["profile", "load", "mine", "--yes"])).stdout).toBe("+ webui.host_port=1234\n");
    expect((await box.run(["profile", "list"])).stdout).toContain("mine");
    expect((await box.run(["profile", "remove", "mine", "--yes"])).exit).toBe(0);
  });

  test("of an option is told on the page, and is it", async () => {
    for (const [theirs, ours] of Object.entries(OPTION_ALIASES)) expect(page).toContain(`\`--${theirs}\` is \`--${ours}\``);
    expect(await box.run(["ls", "--active"])).toEqual(await box.run(["ls", "--up"]));
  });
});

describe("a command that only av/harbor has", () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.create();
  });
  afterAll(() => box.remove());

  test.each([
    ["smi", "nvidia-smi or rocm-smi;"],
    ["home", "it is $HARBOR_HOME, ~/.harbor when that is not set"],
    ["mlx", "harbor up -x; a service runs natively by its contract"],
  ])("harbor %s is told what to do instead", async (word, told) => {
    const { exit, stderr } = await box.run([word]);
    expect(exit).toBe(2);
    expect(stderr).toStartWith(`harbor: Cannot run "harbor ${word}": it is a command of av/harbor alone\n  Instead: ${told}`);
    expect(stderr).toContain("docs/coming-from-harbor.md");
  });

  test("with one that is to come it is said so", async () => {
    const later = rows.find(
      ({ here, words }) => here === "later" && !words.some((word) => program.commands.some(({ name }) => name === word)),
    );
    if (later === undefined) return;
    expect((await box.run([later.words[0] ?? ""])).stderr).toContain("it is not there yet");
  });
});
