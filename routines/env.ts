#!/usr/bin/env bun
/**
 * `harbor env`: the variables that a service gets, natively or in a container, and where each comes from; and those that you
 * give it alone, `$HARBOR_HOME/env/<handle>.env`.
 *
 *   bun routines/env.ts ollama set OLLAMA_DEBUG 1
 */
import { findPlace, noteIfUp, readValue, requireHandle, workspaceArg } from "./_configuration.ts";
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runForHandle } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { nearest } from "./_script/nearest.ts";
import { runScript } from "./_script/script.ts";
import { maskSecret } from "./_script/secret-name.ts";
import { changeEnvFile } from "./config/rewrite-env-file.ts";
import { readServiceVariables, variablesFile } from "./config/service-variables.ts";
import { note } from "./stack/say.ts";

const handleArg = { handle: { type: "positional", description: "Service handle", required: true } } as const;
const NAME = "A variable of its program, as in OLLAMA_DEBUG";

function checkName(name: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  const guess = name.includes("=") ? { hint: `Write the value as a word of its own: ${name.replace("=", " ")}` } : {};
  throw new HarborError(`Cannot use "${name}" as a variable: it is no name`, { exit: "usage", ...guess });
}

const set = defineCommand({
  meta: {
    name: "set",
    description: "Give a service a variable, natively and in a container",
    examples: [
      "harbor env ollama set OLLAMA_DEBUG 1",
      "harbor env vllm set VLLM_API_KEY - < key.txt",
      "harbor env webui set EXTRA -- --begins-with-a-dash",
    ],
  },
  changes: "done",
  takesRest: true,
  args: {
    ...handleArg,
    name: { type: "positional", description: NAME, required: true },
    value: { type: "positional", description: "Its value; - reads it from stdin, so that a secret is in no process list" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args, rest }) {
    const { home, record, workspace } = findPlace(args.workspace);
    const [handle, name] = [String(args.handle), String(args.name)];
    requireHandle(handle, workspace);
    checkName(name);
    const value = await readValue(args.value, rest);
    const { file } = await changeEnvFile({ file: variablesFile(home, handle), changes: new Map([[name, value]]) });
    const said = maskSecret(name, value);
    if (args.json) return emit({ handle, name, value: said, file }, { json: true, render: String });
    note(`${handle} gets ${name}=${said} (${file})`);
    noteIfUp(handle, record);
  },
});

const unset = defineCommand({
  meta: {
    name: "unset",
    description: "Take back variables that you gave a service",
    examples: ["harbor env ollama unset OLLAMA_DEBUG", "harbor env ollama unset OLLAMA_DEBUG OLLAMA_FLASH_ATTENTION"],
  },
  changes: "done",
  args: { ...handleArg, names: { type: "positional", description: NAME, required: true, multiple: true }, ...workspaceArg, ...jsonArg },
  async run({ args }) {
    const { home, record, workspace } = findPlace(args.workspace);
    const handle = String(args.handle);
    requireHandle(handle, workspace);
    const file = variablesFile(home, handle);
    const given = readServiceVariables(home, handle)?.values ?? new Map<string, string>();
    const unknown = args.names.find((name) => !given.has(name));
    if (unknown !== undefined) {
      const guess = nearest(unknown, given.keys());
      throw new HarborError(
        `Cannot take ${unknown} from ${handle}: you gave it none${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
        {
          exit: "unknown",
          hint: `\`harbor env ${handle}\` shows where each variable comes from; yours stand in ${file}`,
        },
      );
    }
    const { changed } = await changeEnvFile({ file, changes: new Map(args.names.map((name) => [name, undefined])) });
    if (args.json) return emit({ handle, unset: changed, file }, { json: true, render: String });
    note(`${changed.join(", ")} ${changed.length === 1 ? "is" : "are"} out of ${file}`);
    noteIfUp(handle, record);
  },
});

const commands: CommandTable = {
  ls: () => import("./_env-ls.ts"),
  get: () => import("./_env-get.ts"),
  set: async () => ({ command: set }),
  unset: async () => ({ command: unset }),
};

export const command = defineCommand({
  meta: {
    name: "env",
    description: "Show the variables that a service gets, and give it some of its own",
    examples: [
      "harbor env ollama                       What it gets, and where each comes from",
      "harbor env ollama set OLLAMA_DEBUG 1    For it alone, natively and in a container",
      "harbor env ollama get OLLAMA_DEBUG",
      "harbor env ollama unset OLLAMA_DEBUG",
      "harbor env webui -x ollama              What it would get beside a native Ollama",
    ],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runForHandle(commands, rest, "harbor env"),
});

if (import.meta.main) await runScript(command);
