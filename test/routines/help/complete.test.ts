/** What is offered for a line, by a made-up program's definitions and a home of our own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ArgSpecs, type CommandTable, defineCommand } from "../../../routines/_script/command.ts";
import { globalArgs } from "../../../routines/_script/global-args.ts";
import { complete } from "../../../routines/help/complete.ts";
import { describeProgram, describeTable, type ProgramDescription } from "../../../routines/help/describe-commands.ts";

let home: string;
let program: ProgramDescription;

const make =
  (name: string, args: ArgSpecs, more: object = {}) =>
  async () => ({
    command: defineCommand({ meta: { name, description: `Does ${name}` }, args, run: () => undefined, ...more }),
  });
const group = (name: string, commands: CommandTable) => make(name, {}, { commands, passThrough: true });
const names = { type: "positional", description: "Services", multiple: true, completes: "selection" } as const;
const handle = { handle: { type: "positional", description: "Service", required: true } } as const;

const table: CommandTable = {
  up: make("up", {
    names,
    exclude: { type: "string", alias: "x", valueHint: "H", description: "Natively", multiple: true },
    attach: { type: "boolean", alias: "a", description: "Attach" },
    level: { type: "string", alias: "l", description: "How", completes: ["low", "high"] },
    workspace: { type: "string", valueHint: "DIR", description: "Where" },
  }),
  url: make("url", { handle: { type: "positional", description: "Service", completes: "running" } }),
  run: make("run", { ...handle, words: { type: "positional", description: "Its", multiple: true } }, { passThrough: true }),
  cmd: make("cmd", { names }, { takesRest: true }),
  config: group("config", {
    set: make("set", {
      key: { type: "positional", description: "Key", required: true },
      value: { type: "positional", description: "Value", completes: "key-value" },
    }),
    unset: make("unset", { keys: { type: "positional", description: "Keys", multiple: true, completes: "set-key" } }),
  }),
  env: group("env", {
    ls: make("ls", { ...handle, all: { type: "boolean", description: "All" } }),
    set: make("set", { ...handle, name: { type: "positional", description: "Name", completes: ["ONE", "TWO"] } }),
  }),
  show: make("show", { file: { type: "positional", description: "File" }, tag: { type: "string", description: "Tag", completes: "tag" } }),
  pick: make("pick", {
    what: { type: "positional", description: "What", completes: "program" },
    api: { type: "string", description: "Api", completes: "api" },
    backend: { type: "string", description: "Backend", completes: "backend" },
    store: { type: "string", description: "Store", completes: "store" },
    model: { type: "string", description: "Model", completes: "model" },
    alias: { type: "string", description: "Alias", completes: "alias" },
    default: { type: "string", description: "Default", completes: "default" },
  }),
  given: make("given", { ...handle, names: { type: "positional", description: "Names", multiple: true, completes: "variable" } }),
  boot: group("boot", { enable: make("enable", { names }) }),
};

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "harbor-complete-"));
  const files: Record<string, string> = {
    "services/zebra/compose.zebra.yml":
      "x-harbor: { name: Zebra, tags: [striped], provides: [openai-api, stripes], models: { folders: [gguf: '${HARBOR_DATA}/zebra'] } }\nservices:\n  zebra: { image: 'z:${HARBOR_ZEBRA_VERSION:-1}', environment: { A: '${HARBOR_ZEBRA_LOUD:-true}' } }\n",
    "services/zero/zero_native.yml": "x-harbor-native: { executable: sleep }\n",
    "config.env": "HARBOR_ZEBRA_VERSION=2\nHARBOR_SERVICES_DEFAULT='zebra;zero'\n",
    "aliases.json": '{"hi":["zero"],"zap":["zebra"]}\n',
    "env/zebra.env": "LOUD=1\nLINES=2\n",
    "data/zebra/tiny.gguf": "GGUF",
    // nobody types that, and its second line would be an answer of its own
    "hub/models--org--own\n:file/snapshots/1/a.safetensors": "x",
    "hub/models--org--name/refs/main": "1\n",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const globals = await describeTable({ any: make("any", globalArgs) });
  program = { commands: await describeTable(table), options: globals[0]?.options ?? [] };
});
afterAll(() => rmSync(home, { recursive: true }));

function offer(...words: string[]): string[] {
  const { candidates, paths } = complete({ program, words, env: { HARBOR_HOME: home, HF_HUB_CACHE: join(home, "hub"), HOME: home } });
  return [...candidates.map(({ word }) => word), ...(paths === null ? [] : [`:${paths}`])];
}

const GLOBALS = ["--help", "--quiet", "--no-color", "--debug"];

describe("complete", () => {
  test.each<[string[], string[]]>([
    [[""], Object.keys(table)],
    [["u"], ["up", "url"]],
    [["-"], GLOBALS],
    [
      ["--quiet", "u"],
      ["up", "url"],
    ],
    [["zeb"], ["zebra"]],
    [["x1"], []],
  ])("at the start: %j offers %j", (words, offered) => {
    expect(offer(...words)).toEqual(offered);
  });

  test.each<[string[], string[]]>([
    [
      ["up", "ze"],
      ["zebra", "zero"],
    ],
    [["up", "zebra", "ze"], ["zero"]],
    [["up", "nvi"], ["nvidia"]],
    [
      ["u", "ze"],
      ["zebra", "zero"],
    ],
    [
      ["up", "--"],
      ["--exclude", "--attach", "--level", "--workspace", ...GLOBALS],
    ],
    [
      ["up", "--attach", "--exclude", "zero", "-"],
      ["--exclude", "--level", "--workspace", ...GLOBALS],
    ],
    [["up", "-a", "--at"], []],
    [["up", "-x", "zeb"], ["zebra"]],
    [["up", "-ax", "zeb"], ["zebra"]],
    [["up", "-xzero", "zer"], ["zero"]],
    [["up", "--exclude", "zebra,ze"], ["zebra,zero"]],
    [
      ["up", "--exclude=ze"],
      ["--exclude=zebra", "--exclude=zero"],
    ],
    [
      ["up", "--level="],
      ["--level=low", "--level=high"],
    ],
    [
      ["up", "--level", ""],
      ["low", "high"],
    ],
    [["up", "--workspace", ""], [":directory"]],
    [
      ["up", "--", "ze"],
      ["zebra", "zero"],
    ],
    [
      ["url", "ze"],
      ["zebra", "zero"],
    ],
    [["url", "zebra", "z"], []],
    [["show", ""], [":file"]],
    [["show", "--tag", "str"], ["striped"]],
    [["nothing", "there", "x"], []],
  ])("of a command: %j offers %j", (words, offered) => {
    expect(offer(...words)).toEqual(offered);
  });

  test.each<[string[], string[]]>([
    [["run", "zer"], ["zero"]],
    [["run", "--de"], ["--debug"]],
    [["run", "zero", "z"], [":file"]],
    [["run", "zero", "--de"], [":file"]],
    [["cmd", "zebra", "--", "z"], [":file"]],
  ])("what goes to another program is the shell's to complete: %j offers %j", (words, offered) => {
    expect(offer(...words)).toEqual(offered);
  });

  test.each<[string[], string[]]>([
    [
      ["config", ""],
      ["set", "unset"],
    ],
    [["config", "-"], GLOBALS],
    [["config", "--quiet", "s"], ["set"]],
    [
      ["config", "set", "zebra."],
      [
        "zebra.loud",
        "zebra.open_url",
        "zebra.remote_ca",
        "zebra.remote_insecure",
        "zebra.remote_token",
        "zebra.remote_url",
        "zebra.runtime",
        "zebra.version",
        "zebra.volumes",
      ],
    ],
    [["config", "set", "HARBOR_ZEBRA_L"], ["HARBOR_ZEBRA_LOUD"]],
    [
      ["config", "set", "zebra.runtime", ""],
      ["native", "container", "auto", "connected"],
    ],
    [
      ["config", "set", "HARBOR_ZEBRA_LOUD", ""],
      ["true", "false"],
    ],
    [["config", "set", "zebra.version", ""], []],
    [
      ["config", "unset", ""],
      ["zebra.version", "services_default"],
    ],
    [["config", "nothing", ""], []],
    [["boot", "enable", "zer"], ["zero"]],
    [["boot", "zebra", ""], []],
  ])("of a subcommand: %j offers %j", (words, offered) => {
    expect(offer(...words)).toEqual(offered);
  });

  test.each<[string[], string[]]>([
    [
      ["zebra", ""],
      ["up", "url", "run", "cmd", "env", "pick", "given", "boot"],
    ],
    [
      ["zebra", "zero", "u"],
      ["up", "url"],
    ],
    [["zebra", "up", "--at"], ["--attach"]],
    [["zebra", "up", "ze"], ["zero"]],
    [
      ["env", "z"],
      ["zebra", "zero"],
    ],
    [
      ["env", "zebra", ""],
      ["ls", "set"],
    ],
    [
      ["env", "zebra", "set", ""],
      ["ONE", "TWO"],
    ],
    [["env", "zebra", "--a"], ["--all"]],
    [["env", "set", "zebra", "T"], ["TWO"]],
    [["zebra", "env", "set", "T"], ["TWO"]],
    [
      ["zebra", "env", ""],
      ["ls", "set"],
    ],
    [["zebra", "boot", ""], ["enable"]],
    [["zebra", "boot", "enable", "z"], ["zero"]],
  ])("with the service first: %j offers %j", (words, offered) => {
    expect(offer(...words)).toEqual(offered);
  });

  test.each<[string[], string[]]>([
    [["pick", "--api", "stri"], ["stripes"]],
    [["pick", "--backend", "z"], ["zebra"]],
    [
      ["pick", "--alias", ""],
      ["hi", "zap"],
    ],
    [
      ["pick", "z"],
      ["zap", "zebra", "zero"],
    ],
    [
      ["pick", "--default", ""],
      ["zebra", "zero"],
    ],
    [["pick", "--model", "ti"], ["tiny"]],
    [["pick", "--model", "org/o"], []],
    [["pick", "--store", "z"], ["zebra"]],
    [["pick", "--store", "user"], ["user:hf"]],
    [
      ["given", "zebra", ""],
      ["LOUD", "LINES"],
    ],
    [["given", "zebra", "LOUD", "L"], ["LINES"]],
    [["given", "zero", ""], []],
  ])("of what there is: %j offers %j", (words, offered) => {
    expect(offer(...words)).toEqual(offered);
  });

  test.each<[string[], string[]]>([
    [
      ["help", "u"],
      ["up", "url"],
    ],
    [
      ["help", "config", ""],
      ["set", "unset"],
    ],
    [["help", "up", ""], []],
    [["help", "nothing", ""], []],
  ])("of help, commands alone: %j offers %j", (words, offered) => {
    expect(offer(...words)).toEqual(offered);
  });

  test("of services that are up, those alone", () => {
    const state = join(home, "state");
    mkdirSync(state);
    writeFileSync(join(state, "stack.json"), JSON.stringify({ services: ["zero"], projects: [], planned: [], natives: ["zero"] }));
    expect(offer("url", "")).toEqual(["zero"]);
    rmSync(state, { recursive: true });
  });
});

describe("describeProgram", () => {
  test("by itself knows no commands, and says so", () => {
    expect(describeProgram(undefined)).rejects.toThrow("this routine alone knows none");
  });
});
