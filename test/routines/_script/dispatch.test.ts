import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { defineCommand } from "../../../routines/_script/command.ts";
import { type CommandGroups, type CommandTable, dispatch, runNamed } from "../../../routines/_script/dispatch.ts";
import * as streams from "../../../routines/_script/emit.ts";
import { HarborError } from "../../../routines/_script/error.ts";
import * as globals from "../../../routines/_script/global-args.ts";

const ran: string[] = [];

const named = (name: string) => async () => ({
  command: defineCommand({
    meta: { name, description: `Does ${name}` },
    takesRest: true,
    args: { handles: { type: "positional", description: "Services", multiple: true } },
    run: ({ args, rest }) => void ran.push([name, ...args.handles, ...(rest.length > 0 ? ["--", ...rest] : [])].join(" ")),
  }),
});

const sub = (name: string): CommandTable => ({ enable: named(`${name} enable`), status: named(`${name} status`) });
const group = (name: string) => async () => ({
  command: defineCommand({
    meta: { name, description: `Does ${name}` },
    args: {},
    passThrough: true,
    commands: sub(name),
    run: ({ rest }) => runNamed(sub(name), rest, `harbor ${name}`),
  }),
});
/** Not about services. */
const show = async () => ({
  command: defineCommand({
    meta: { name: "show", description: "Shows" },
    args: { words: { type: "positional", description: "Words", multiple: true } },
    run: ({ args }) => void ran.push(["show", ...args.words].join(" ")),
  }),
});

const table: CommandTable = { up: named("up"), down: named("down"), boot: group("boot"), show, version: named("version") };
const { version, ...others } = table;
const groups = { "Start and stop": others, Itself: { version } } as CommandGroups;

/** Runs it, and hands back the commands that ran, what was written to which stream, and the exit code. */
async function call(work: () => Promise<void>): Promise<{ ran: string[]; written: [number, string][]; exit: number }> {
  ran.length = 0;
  const written: [number, string][] = [];
  const write = spyOn(streams, "writeAll").mockImplementation((fd, text) => void written.push([fd, text]));
  // what it sets holds for the whole process
  const apply = spyOn(globals, "applyGlobals").mockImplementation(() => undefined);
  process.exitCode = 0;
  await work();
  const exit = Number(process.exitCode);
  write.mockRestore();
  apply.mockRestore();
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
    [["webui", "ollama", "up", "x"], "up webui ollama x"],
    [["webui", "d"], "down webui"],
    [["u", "webui"], "up webui"],
    [["s", "webui"], "up webui"],
    [["start"], "up"],
    [["-q", "--no-color", "up", "a"], "up a"],
    [["--quiet", "webui", "up"], "up webui"],
    [["webui", "boot", "enable"], "boot enable webui"],
    [["boot", "enable", "webui"], "boot enable webui"],
  ])("%j runs %j", async (words, expected) => {
    expect((await call(() => dispatch(groups, words))).ran).toEqual([expected]);
  });

  test.each([[[]], [["help"]], [["--help"]], [["-h"]]])("%j shows the overview", async (words) => {
    const { written, exit } = await call(() => dispatch(groups, words));
    expect(exit).toBe(0);
    expect(written).toHaveLength(1);
    expect(written[0]?.[0]).toBe(1);
    expect(written[0]?.[1]).toContain("\n  up       Does up\n  down     Does down\n  boot     Does boot\n");
  });

  test.each([
    [["help", "up"], "USAGE harbor up"],
    [["help", "u"], "USAGE harbor up"],
    [["help", "boot", "enable"], "USAGE harbor boot enable"],
    [["up", "-qh"], "USAGE harbor up"],
    [["webui", "up", "--help"], "USAGE harbor up"],
  ])("%j is that command's help", async (words, usage) => {
    const { written, ran: none } = await call(() => dispatch(groups, words));
    expect(none).toEqual([]);
    expect(written[0]?.[1]).toContain(usage);
  });

  test("what no command is named by is explained by whoever knows more", async () => {
    const explain = async () => ({
      explainWords: async (words: readonly string[]) => new HarborError(`? ${words.join(" ")}`, { exit: "usage" }),
    });
    for (const words of [["webui"], ["webui", "list"], ["webui", "show"], ["webui", "other", "-x"]]) {
      const { written, exit, ran: none } = await call(() => dispatch(groups, words, explain));
      expect({ none, exit, written }).toEqual({ none: [], exit: 2, written: [[2, `harbor: ? ${words.join(" ")}\n`]] });
    }
  });

  test("help lists the commands under their group's title, in one column", async () => {
    const [[, overview] = []] = (await call(() => dispatch(groups, ["help"]))).written;
    expect(overview).toMatch(/\nSTART AND STOP\n\n {2}up {7}\S.*\n(?: {2}\S.*\n)+\nITSELF\n\n {2}version {2}\S/);
  });

  test("an alias of a verb that there is not is no command", async () => {
    expect((await call(() => dispatch(groups, ["l"]))).written[0]?.[1]).toStartWith(
      'harbor: Cannot run "harbor l": there is no such command',
    );
  });

  test.each([
    ["upp", "up"],
    ["dwon", "down"],
    ["toString", undefined],
  ])("%s is no command", async (word, guess) => {
    const { ran: none, written, exit } = await call(() => dispatch(groups, [word]));
    expect({ none, exit, stream: written[0]?.[0] }).toEqual({ none: [], exit: 2, stream: 2 });
    if (guess !== undefined) expect(written[0]?.[1]).toContain(`did you mean "${guess}"?`);
  });
});

describe("runNamed", () => {
  test("lists the table when no command is named", async () => {
    const { written } = await call(() => runNamed(table, [], "harbor routine"));
    expect(written).toEqual([
      [1, "  up       Does up\n  down     Does down\n  boot     Does boot\n  show     Shows\n  version  Does version\n"],
    ]);
  });
});
