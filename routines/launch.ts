#!/usr/bin/env bun
/**
 * `harbor launch`: a coding tool of this host, pointed at a backend of the stack, which is started when it does not run.
 * The user's own configuration of the tool is not touched.
 *
 *   bun routines/launch.ts --backend ollama claude
 */
import { type ArgSpecs, type ArgValues, defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { parseCommandArgs } from "./_script/parse-args.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { type Backend, listBackends } from "./launch/backends.ts";
import { findProgram, findTool, TOOLS } from "./launch/tools.ts";
import { currentStack } from "./stack/current-stack.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";

/** Its own, which stand before the tool. */
const ownArgs = {
  backend: { type: "string", description: "The service to talk to; else one that runs, else one that is started", valueHint: "H" },
  model: { type: "string", alias: "m", description: "The model; else HARBOR_LAUNCH_MODEL, else what the backend has", valueHint: "M" },
  print: { type: "boolean", description: "Print what the tool would be given, as a shell script, and run nothing" },
  config: { type: "boolean", description: "The same as --print" },
  "show-secrets": { type: "boolean", description: "Print the backend's key as well" },
  workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
  ...jsonArg,
} as const satisfies ArgSpecs;

type OwnArgs = ArgValues<typeof ownArgs>;

interface Line {
  args: OwnArgs;
  tool: string | undefined;
  /** For the tool, every one of them as it was typed. */
  words: readonly string[];
}

/** Up to the tool the words are ours; after it none is. */
function readLine(line: readonly string[]): Line {
  let at = 0;
  while (line[at]?.startsWith("-") && line[at] !== "--") at += takesNext(line[at] ?? "") ? 2 : 1;
  const own = line.slice(0, at).filter((word) => word !== "--debug");
  const { args } = parseCommandArgs(own, ownArgs, "harbor launch");
  const [tool, ...words] = line.slice(line[at] === "--" ? at + 1 : at);
  return { args, tool, words };
}

function takesNext(word: string): boolean {
  const spec = word.startsWith("--") ? Object.entries(ownArgs).find(([key]) => word === `--${key}`)?.[1] : undefined;
  return spec?.type === "string" || word === "-m";
}

interface ListedTool {
  name: string;
  title: string;
  /** Null where it is not installed. */
  program: string | null;
  install: string;
  speaks: readonly string[];
  /** Services of the workspace that speak it. */
  backends: string[];
  docs: string;
}

function listTools(backends: readonly Backend[]): ListedTool[] {
  return TOOLS.map((tool) => ({
    name: tool.name,
    title: tool.title,
    program: findProgram(tool, process.env.PATH ?? ""),
    install: tool.install,
    speaks: tool.speaks,
    backends: backends.filter(({ apis }) => tool.speaks.some((api) => apis.includes(api))).map(({ handle }) => handle),
    docs: tool.docs,
  }));
}

function renderTools(tools: readonly ListedTool[]): string {
  const rows = tools.map((it) => [it.name, it.title, it.speaks.join(" "), it.backends.join(" ") || "-", it.program ?? `no: ${it.install}`]);
  return table([["TOOL", "NAME", "SPEAKS", "BACKENDS", "INSTALLED"], ...rows]).join("\n");
}

export const command = defineCommand({
  meta: {
    name: "launch",
    description: "Run a coding tool of this host with a model of the stack",
    examples: [
      "harbor launch                                 The tools, which are installed, and what they speak",
      "harbor launch claude                          With what runs; started where nothing does",
      "harbor launch --backend ollama codex",
      "harbor launch -m qwen3:8b aider --message hi  Words after the tool are the tool's",
      "harbor launch --print opencode                What it would be given; nothing is run",
    ],
  },
  args: {
    ...ownArgs,
    tool: {
      type: "positional",
      description: `One of ${TOOLS.map(({ name }) => name).join(", ")}; options of Harbor's own stand before it`,
    },
    words: { type: "positional", description: "All that follows goes to the tool, options too", multiple: true },
  },
  passThrough: true,
  async run({ rest }) {
    const { args, tool: name, words } = readLine(rest);
    const stack = currentStack(process.env);
    const { workspace } = findStackWorkspace({ home: stack.home, record: stack.record, directory: args.workspace });
    if (name === undefined) {
      refuseAlone(args);
      return emit(listTools(listBackends(workspace)), { json: args.json, render: renderTools });
    }
    const tool = findTool(name);
    if (args.json && !args.print && !args.config) {
      throw new HarborError('Cannot run "launch" with --json: what is printed is the tool\'s', {
        exit: "usage",
        hint: "With --print it is Harbor's",
      });
    }
    const { launchTool } = await import("./launch/launch-tool.ts");
    await launchTool({ tool, args, stack, workspace }, words);
  },
});

/** Options that mean something to a launch alone. */
function refuseAlone(args: OwnArgs): void {
  const given = (["backend", "model", "print", "config", "show-secrets"] as const).find(
    (key) => args[key] !== undefined && args[key] !== false,
  );
  if (given === undefined) return;
  throw new HarborError(`Cannot run "launch": --${given} is for a tool, and none is named`, {
    exit: "usage",
    hint: "Run `harbor launch` to see the tools",
  });
}

if (import.meta.main) await runScript(command);
