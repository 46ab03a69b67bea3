import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../../routines/_script/error.ts";
import type { CommandDescription, ProgramDescription } from "../../../routines/help/describe-commands.ts";
import { readExitCodes, renderManual } from "../../../routines/help/render-manual.ts";

const root = join(import.meta.dir, "../../..");
const exitCodes = readExitCodes(readFileSync(join(root, "docs/exit-codes.md"), "utf8"));

const plain: CommandDescription = {
  name: "do",
  description: "Do it",
  examples: [],
  words: [],
  options: [],
  commands: [],
  passesOn: false,
  takesRest: false,
  takesService: false,
};

const page = (commands: CommandDescription[]): string =>
  renderManual({ program: { commands, options: [] }, exitCodes, version: "1.2.3", date: new Date("2026-02-03T23:59:00Z") });

/** As `man` shows it, in plain text. */
function read(source: string): { text: string; said: string } {
  const folder = mkdtempSync(join(tmpdir(), "harbor-manual-"));
  const file = join(folder, "harbor.1");
  writeFileSync(file, source);
  const shown = Bun.spawnSync(["man", "-l", file], {
    env: { PATH: process.env.PATH ?? "", MANWIDTH: "100", LC_ALL: "C.UTF-8", MANPAGER: "cat" },
  });
  rmSync(folder, { recursive: true });
  return { text: shown.stdout.toString(), said: shown.stderr.toString() };
}

describe("readExitCodes", () => {
  test("finds every code that Harbor has", () => {
    expect(exitCodes.map(({ code }) => code).sort((a, b) => a - b)).toEqual([0, ...Object.values(EXIT)].sort((a, b) => a - b));
  });
});

describe("renderManual", () => {
  test("has the sections that a manual has", () => {
    const source = page([plain]);
    const sections = [...source.matchAll(/^\.Sh (.*)$/gm)].map(([, name]) => name);
    expect(sections).toEqual([
      "NAME",
      "SYNOPSIS",
      "DESCRIPTION",
      "COMMANDS",
      "ENVIRONMENT",
      "FILES",
      "EXIT STATUS",
      "EXAMPLES",
      "SEE ALSO",
    ]);
    expect(source).toContain(".Dd February 3, 2026\n");
  });

  test.skipIf(Bun.which("man") === null)("shows text as it is, whatever it is made of (needs man)", () => {
    const odd: CommandDescription = {
      ...plain,
      description: 'Take a \\n and `up -x`. Then -y or "z"',
      examples: [".begins with a dot", "'begins with a quote", "harbor do --no-x 'a\\b' | sed s/-/_/   # An end"],
      words: [{ name: "An", description: ".5 of it", isRequired: false, isMultiple: true }],
      options: [{ name: "no-x", letter: "x", description: "Not x", takesValue: true, hint: "An", isMultiple: true }],
    };
    const { text, said } = read(page([odd]));
    expect(said).toBe("");
    expect(text).toContain('Take a \\n and ‘up -x’.  Then -y or "z".');
    expect(text).toContain("harbor do [options] [An ...]");
    expect(text).toMatch(/-x An, --no-x An\n +Not x; may be given several times\./);
    expect(text).toContain("An      .5 of it.");
    for (const example of odd.examples) expect(text).toContain(example);
  });
});

describe("the manual of Harbor itself", () => {
  const described = Bun.spawnSync([join(root, "bin/harbor"), "routine", "describe-commands", "--json"], {
    env: { ...process.env, HARBOR_HOME: "/nonexistent" },
  });
  const program = JSON.parse(described.stdout.toString()) as ProgramDescription;
  const made = Bun.spawnSync([join(root, "bin/harbor"), "routine", "render-manual"], {
    env: { ...process.env, HARBOR_HOME: "/nonexistent" },
  });
  const source = made.stdout.toString();

  test("has each command and each of its options", () => {
    for (const { name } of program.commands) expect(source).toContain(`\n.Ss harbor ${name}\n`);
    for (const { name } of program.commands.flatMap(({ options }) => options))
      expect(source).toContain(`Fl \\-${name.replaceAll(/(?<![A-Za-z])-/g, "\\-")}`);
  });

  test("is the one that the build made", () => {
    const dated = (text: string): string => text.replace(/^\.Dd .*$/m, "");
    expect(dated(readFileSync(join(root, "dist/harbor.1"), "utf8"))).toBe(dated(source));
  });

  test.skipIf(Bun.which("mandoc") === null)("is right to mandoc (needs mandoc)", () => {
    const lint = Bun.spawnSync(["mandoc", "-Tlint", "-Wwarning"], { stdin: new TextEncoder().encode(source) });
    expect({ said: lint.stdout.toString(), exit: lint.exitCode }).toEqual({ said: "", exit: 0 });
  });

  test.skipIf(Bun.which("man") === null)("is right to man (needs man)", () => {
    const { text, said } = read(source);
    expect(said).toBe("");
    expect(text).toContain("harbor up -x ollama webui");
    expect(text).not.toMatch(/\\[-&(]/);
  });
});
