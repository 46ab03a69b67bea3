import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resultOf } from "../../_process.ts";

const floor = join(import.meta.dir, "../../../routines/_script");
const folder = mkdtempSync(join(tmpdir(), "harbor-script-"));
afterAll(() => rmSync(folder, { recursive: true }));

// A command that does what its first word says.
const program = join(folder, "act.ts");
writeFileSync(
  program,
  `import { defineCommand, jsonArg } from ${JSON.stringify(join(floor, "command.ts"))};
import { emit } from ${JSON.stringify(join(floor, "emit.ts"))};
import { HarborError } from ${JSON.stringify(join(floor, "error.ts"))};
import { runScript } from ${JSON.stringify(join(floor, "script.ts"))};

const command = defineCommand({
  meta: { name: "act", description: "Do what the word says", examples: ["harbor act say"] },
  takesRest: true,
  args: { ...jsonArg, what: { type: "positional", description: "What to do", required: true }, mode: { type: "string", description: "How", alias: "m" } },
  async run({ args, rest }) {
    await Promise.resolve();
    if (args.what === "throw") throw new Error("deep", { cause: new Error("deeper") });
    if (args.what === "fail") {
      throw new HarborError('Cannot act: "x" is wrong', { exit: "unknown", hint: "Say another", at: { file: "a.yml", line: 2, column: 5 }, details: ["one", "two"] });
    }
    emit({ ...args, rest }, { json: args.json, render: (it) => it.what + " " + it.rest.join("|") });
  },
});

if (import.meta.main) await runScript(command);
`,
);

async function act(...argv: string[]) {
  const child = Bun.spawn([process.execPath, program, ...argv], { stdout: "pipe", stderr: "pipe", env: { ...process.env, NO_COLOR: "1" } });
  return resultOf(child);
}

describe("runScript", () => {
  test("prints the result on stdout alone and ends with 0", async () => {
    expect(await act("say", "--", "a b", "-x")).toEqual({ stdout: "say a b|-x\n", stderr: "", exit: 0 });
  });

  test("words what a person can act on, with its exit code", async () => {
    const { stdout, stderr, exit } = await act("fail");
    expect({ stdout, exit }).toEqual({ stdout: "", exit: 4 });
    expect(stderr).toBe('harbor: a.yml:2:5: Cannot act: "x" is wrong\n  one\n  two\n  Say another\n');
  });

  test("gives the same as one JSON object on stderr with --json", async () => {
    const { stdout, stderr, exit } = await act("fail", "--json");
    expect({ stdout, exit }).toEqual({ stdout: "", exit: 4 });
    expect(JSON.parse(stderr)).toEqual({
      error: {
        message: 'Cannot act: "x" is wrong',
        exit: "unknown",
        code: 4,
        hint: "Say another",
        at: { file: "a.yml", line: 2, column: 5 },
        details: ["one", "two"],
      },
    });
  });

  test("calls anything else a bug, and shows where only with --debug", async () => {
    const quiet = await act("throw");
    expect(quiet.exit).toBe(1);
    expect(quiet.stderr).toContain("unexpected error: deep\n");
    expect(quiet.stderr).not.toContain("act.ts");
    const loud = await act("throw", "--debug");
    expect(loud.exit).toBe(1);
    expect(loud.stderr).toContain("act.ts:");
    expect(loud.stderr).toContain("caused by Error: deeper");
  });

  test("ends with 2 for wrong usage", async () => {
    const { stderr, exit } = await act("say", "--moed", "x");
    expect(exit).toBe(2);
    expect(stderr).toBe(`harbor: Cannot run "act": it has no option "--moed"; did you mean "--mode"?\n  Run \`bun ${program} --help\`\n`);
    expect((await act()).exit).toBe(2);
  });

  test("shows help with the examples on stdout, but not for a --help after --", async () => {
    const { stdout, stderr, exit } = await act("--help");
    expect({ stderr, exit }).toEqual({ stderr: "", exit: 0 });
    expect(stdout).toContain("Do what the word says");
    expect(stdout).toContain("EXAMPLES\n\n  harbor act say\n");
    expect((await act("say", "--", "--help")).stdout).toBe("say --help\n");
  });
});
