import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { defineCommand } from "../../../routines/_script/command.ts";
import { type CommandTable, dispatch, runNamed } from "../../../routines/_script/dispatch.ts";
import * as streams from "../../../routines/_script/emit.ts";

const ran: string[] = [];

const named = (name: string) => async () => ({
  command: defineCommand({
    meta: { name, description: `Does ${name}` },
    takesRest: true,
    args: { words: { type: "positional", description: "Words", multiple: true } },
    run: ({ args, rest }) => void ran.push([name, ...args.words, ...(rest.length > 0 ? ["--", ...rest] : [])].join(" ")),
  }),
});

const table: CommandTable = { up: named("up"), down: named("down"), version: named("version") };

/** Runs it, and hands back the commands that ran, what was written to which stream, and the exit code. */
async function call(work: () => Promise<void>): Promise<{ ran: string[]; written: [number, string][]; exit: number }> {
  ran.length = 0;
  const written: [number, string][] = [];
  const write = spyOn(streams, "writeAll").mockImplementation((fd, text) => void written.push([fd, text]));
  process.exitCode = 0;
  await work();
  const exit = Number(process.exitCode);
  write.mockRestore();
  return { ran: [...ran], written, exit };
}

afterEach(() => {
  process.exitCode = 0;
});

describe("dispatch", () => {
  test.each([
    [["up", "a", "b"], "up a b"],
    [["webui", "up"], "up webui"],
    [["webui", "up", "x", "--", "y"], "up webui x -- y"],
    [["--version"], "version"],
    [["up", "down"], "up down"],
  ])("%j runs %j", async (words, expected) => {
    expect((await call(() => dispatch(table, words))).ran).toEqual([expected]);
  });

  test.each([[[]], [["help"]], [["--help"]], [["-h"]]])("%j shows the overview", async (words) => {
    const { written, exit } = await call(() => dispatch(table, words));
    expect(exit).toBe(0);
    expect(written).toHaveLength(1);
    expect(written[0]?.[0]).toBe(1);
    expect(written[0]?.[1]).toContain("\n  up       Does up\n  down     Does down\n");
  });

  test("help and a word is that command's help", async () => {
    const { written, ran: none } = await call(() => dispatch(table, ["help", "up"]));
    expect(none).toEqual([]);
    expect(written[0]?.[1]).toContain("USAGE harbor up");
  });

  test.each([
    ["upp", "up"],
    ["dwon", "down"],
    ["toString", undefined],
  ])("%s is no command", async (word, guess) => {
    const { ran: none, written, exit } = await call(() => dispatch(table, [word]));
    expect({ none, exit, stream: written[0]?.[0] }).toEqual({ none: [], exit: 2, stream: 2 });
    if (guess !== undefined) expect(written[0]?.[1]).toContain(`did you mean "${guess}"?`);
  });
});

describe("runNamed", () => {
  test("lists the table when no command is named", async () => {
    const { written } = await call(() => runNamed(table, [], "harbor routine"));
    expect(written).toEqual([[1, "  up       Does up\n  down     Does down\n  version  Does version\n"]]);
  });
});
