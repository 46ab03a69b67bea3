import { describe, expect, test } from "bun:test";
import { type ArgSpecs, defineCommand } from "../../../routines/_script/command.ts";
import { HarborError } from "../../../routines/_script/error.ts";
import { parseCommandArgs } from "../../../routines/_script/parse-args.ts";

const specs = {
  handle: { type: "positional", description: "", multiple: true },
  exclude: { type: "string", description: "", alias: "x", multiple: true },
  workspace: { type: "string", description: "", alias: "w" },
  "wait-timeout": { type: "string", description: "", default: "60s" },
  native: { type: "boolean", description: "", alias: "n" },
  json: { type: "boolean", description: "", alias: "j" },
} as const satisfies ArgSpecs;

const parse = (...argv: string[]) => parseCommandArgs(argv, specs, "harbor up");

function failure(run: () => unknown): HarborError {
  try {
    run();
  } catch (error) {
    if (error instanceof HarborError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("parseCommandArgs", () => {
  const nothing = { handle: [], exclude: [], workspace: undefined, "wait-timeout": "60s", native: false, json: false };

  test.each([
    [[], {}],
    [["ollama", "webui"], { handle: ["ollama", "webui"] }],
    [["-x", "ollama", "webui"], { exclude: ["ollama"], handle: ["webui"] }],
    [["-xollama", "webui"], { exclude: ["ollama"], handle: ["webui"] }],
    [["webui", "--exclude", "a", "--exclude=b,c", "-x", "d,,e"], { handle: ["webui"], exclude: ["a", "b", "c", "d", "e"] }],
    [["-n", "a"], { native: true, handle: ["a"] }],
    [["-nj"], { native: true, json: true }],
    [["-njx", "a", "b"], { native: true, json: true, exclude: ["a"], handle: ["b"] }],
    [["-njxa,b"], { native: true, json: true, exclude: ["a", "b"] }],
    [["-n", "-n"], { native: true }],
    [["--workspace", "/a b", "--workspace=/c"], { workspace: "/c" }],
    [["--workspace=a=b"], { workspace: "a=b" }],
    [["--workspace="], { workspace: "" }],
    [["--workspace=-x"], { workspace: "-x" }],
    [["-w", "-"], { workspace: "-" }],
    [["--wait-timeout", "5m"], { "wait-timeout": "5m" }],
    [["-", "", "*"], { handle: ["-", "", "*"] }],
    [["-1", "-2.5"], { handle: ["-1", "-2.5"] }],
    [["--workspace", "-1"], { workspace: "-1" }],
    [["--ctx-size 4096 --jinja", "-gl 99"], { handle: ["--ctx-size 4096 --jinja", "-gl 99"] }],
    [["-xa b", "--workspace=/a b"], { exclude: ["a b"], workspace: "/a b" }],
  ] as [string[], object][])("reads %j", (argv, expected) => {
    expect(parse(...argv)).toEqual({ args: { ...nothing, ...expected }, rest: [] });
  });

  test("keeps the words after -- apart, whatever they look like", () => {
    expect(parse("a", "--", "--nope", "-x", "--", "b")).toEqual({ args: { ...nothing, handle: ["a"] }, rest: ["--nope", "-x", "--", "b"] });
  });

  test.each([
    [["--exlude", "a"], 'Cannot run "up": it has no option "--exlude"; did you mean "--exclude"?'],
    [["--jsn=1"], 'Cannot run "up": it has no option "--jsn=1"; did you mean "--json"?'],
    [["--zzzzzzzz"], 'Cannot run "up": it has no option "--zzzzzzzz"'],
    [["--handle", "a"], 'Cannot run "up": it has no option "--handle"'],
    [["--toString"], 'Cannot run "up": it has no option "--toString"'],
    [["--__proto__"], 'Cannot run "up": it has no option "--__proto__"'],
    [["-nq"], 'Cannot run "up": it has no option "-nq"'],
    [["--json=yes"], 'Cannot run "up": "--json" takes no value, but has "yes"'],
    [["--exclude"], 'Cannot run "up": "--exclude" needs a value'],
    [["-x"], 'Cannot run "up": "-x" needs a value'],
    [["-x", "--json"], 'Cannot run "up": "-x" needs a value'],
    [["--workspace", "-n"], 'Cannot run "up": "--workspace" needs a value'],
    [["-x", "--", "a"], 'Cannot run "up": "-x" needs a value'],
  ] as [string[], string][])("refuses %j", (argv, message) => {
    const error = failure(() => parse(...argv));
    expect(error.message).toBe(message);
    expect(error.exit).toBe("usage");
    expect(error.hint).toBe("Run `harbor up --help`");
  });

  test("says where words belong that are no options, where any may stand", () => {
    expect(failure(() => parseCommandArgs(["--ctx-size"], specs, "harbor up", true)).hint).toBe(
      "Run `harbor up --help`; a word that is none of its options goes after --: … -- --ctx-size",
    );
  });

  test("takes av/harbor's name of an option for ours, where there is none of that name", () => {
    const ours = {
      up: { type: "boolean", description: "" },
      store: { type: "string", description: "" },
    } as const satisfies ArgSpecs;
    expect(parseCommandArgs(["--active", "--source=vllm"], ours, "harbor ls").args).toEqual({ up: true, store: "vllm" });
    const theirs = { ...ours, active: { type: "boolean", description: "" } } as const satisfies ArgSpecs;
    expect(parseCommandArgs(["--active"], theirs, "harbor ls").args).toEqual({ up: false, active: true, store: undefined });
    expect(failure(() => parse("--active")).message).toStartWith('Cannot run "up": it has no option "--active"');
  });

  test("asks for a required word and refuses one too many", () => {
    const one = { file: { type: "positional", description: "", required: true } } as const satisfies ArgSpecs;
    expect(parseCommandArgs(["a"], one, "eat").args.file).toBe("a");
    expect(failure(() => parseCommandArgs([], one, "eat")).message).toBe('Cannot run "eat": <file> is missing');
    expect(failure(() => parseCommandArgs(["a", "b"], one, "eat")).message).toBe('Cannot run "eat": it takes no word "b"');
  });

  test("does not change the words it is given", () => {
    const argv = Object.freeze(["-x", "a", "b"]);
    parseCommandArgs(argv, specs, "harbor up");
    expect(argv).toEqual(["-x", "a", "b"]);
  });
});

describe("defineCommand", () => {
  test("gives the command back as it is", () => {
    const command = { meta: { name: "a", description: "b" }, args: specs, run: () => undefined };
    expect(defineCommand(command)).toBe(command);
  });
});
