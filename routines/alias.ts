#!/usr/bin/env bun
/**
 * `harbor alias`: command lines of your own, which `harbor run <alias>` runs. Words stay words: no shell reads them.
 *
 *   bun routines/alias.ts set models -- ollama list
 */
import { findPlace, workspaceArg } from "./_configuration.ts";
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runNamed } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { nearest } from "./_script/nearest.ts";
import { quoteWord } from "./_script/quote-word.ts";
import { runScript } from "./_script/script.ts";
import { splitWords } from "./_script/split-words.ts";
import { table } from "./_script/table.ts";
import { type Aliases, aliasesFile, changeAliases, checkAliasName, readAliases } from "./config/aliases.ts";
import { findHome } from "./config/find-home.ts";
import { note } from "./stack/say.ts";
import { listHandles } from "./workspace/list-handles.ts";

const nameArg = { name: { type: "positional", description: "Its name", required: true } } as const;

function lineOf(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function unknownAlias(name: string, aliases: Aliases): HarborError {
  const guess = nearest(name, aliases.keys());
  return new HarborError(`Cannot find alias "${name}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
    exit: "unknown",
    hint: "`harbor alias` shows those there are",
  });
}

/** One word is a command line, taken apart by its quotes; several are the words themselves. */
function readLine(words: readonly string[]): string[] {
  const [first, ...others] = words;
  const line = first === undefined ? [] : others.length > 0 ? [...words] : splitWords(first);
  if (line === undefined) throw new HarborError(`Cannot take "${first}" apart: a quote is never closed`, { exit: "usage" });
  if (line[0] !== undefined && line[0] !== "") return line;
  throw new HarborError("Cannot set the alias: its command is missing", { exit: "usage", hint: "harbor alias set models -- ollama list" });
}

const set = defineCommand({
  meta: {
    name: "set",
    description: "Give a command line a name",
    examples: [
      "harbor alias set models -- harbor run ollama list",
      "harbor alias set hi 'echo hello, world'",
      "harbor alias set gpu -- watch -n 1 nvidia-smi",
    ],
  },
  changes: "done",
  takesRest: true,
  args: {
    ...nameArg,
    words: {
      type: "positional",
      description: "One text that is a command line, or its words; after -- where they have options",
      multiple: true,
    },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args, rest }) {
    const { home, workspace } = findPlace(args.workspace);
    const name = String(args.name);
    checkAliasName(name);
    if (listHandles(workspace).includes(name)) {
      throw new HarborError(`Cannot call an alias "${name}": that is a service, whose program \`harbor run ${name}\` runs`, {
        exit: "usage",
      });
    }
    const words = readLine([...args.words, ...rest]);
    await changeAliases(home, (aliases) => new Map([...aliases, [name, words]]));
    if (args.json) return emit({ name, words, file: aliasesFile(home) }, { json: true, render: String });
    note(`\`harbor run ${name}\` runs: ${lineOf(words)}`);
  },
});

const get = defineCommand({
  meta: { name: "get", description: "Print the command line of one", examples: ["harbor alias get models"] },
  args: { ...nameArg, ...jsonArg },
  run({ args }) {
    const aliases = readAliases(findHome(process.env));
    const name = String(args.name);
    const words = aliases.get(name);
    if (words === undefined) throw unknownAlias(name, aliases);
    emit({ name, words }, { json: args.json, render: () => lineOf(words) });
  },
});

const rm = defineCommand({
  meta: { name: "rm", description: "Take aliases out", examples: ["harbor alias rm models"] },
  changes: "done",
  args: { names: { type: "positional", description: "Their names", required: true, multiple: true }, ...jsonArg },
  async run({ args }) {
    const home = findHome(process.env);
    await changeAliases(home, (aliases) => {
      const unknown = args.names.find((name) => !aliases.has(name));
      if (unknown !== undefined) throw unknownAlias(unknown, aliases);
      return new Map([...aliases].filter(([name]) => !args.names.includes(name)));
    });
    if (args.json) return emit({ removed: args.names, file: aliasesFile(home) }, { json: true, render: String });
    note(`no alias any more: ${args.names.join(", ")}`);
  },
});

const ls = defineCommand({
  meta: { name: "ls", description: "Show all of them", examples: ["harbor alias", "harbor alias ls --json"] },
  args: { ...jsonArg },
  run({ args }) {
    const aliases = readAliases(findHome(process.env));
    if (aliases.size === 0 && !args.json) note("there are no aliases; `harbor alias set <name> <command line>` makes one");
    const list = [...aliases].map(([name, words]) => ({ name, words }));
    emit(list, { json: args.json, render: (them) => table(them.map(({ name, words }) => [name, lineOf(words)])).join("\n") });
  },
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  get: async () => ({ command: get }),
  set: async () => ({ command: set }),
  rm: async () => ({ command: rm }),
};

export const command = defineCommand({
  meta: {
    name: "alias",
    description: "Show and change command lines of your own for `harbor run`",
    examples: ["harbor alias set models -- harbor run ollama list", "harbor alias", "harbor alias get models", "harbor alias rm models"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest[0] === undefined || rest[0].startsWith("-") ? ["ls", ...rest] : rest, "harbor alias"),
});

if (import.meta.main) await runScript(command);
