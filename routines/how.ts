/**
 * `harbor how`: words → where help and documentation answer them, and the command line to try; without a network.
 *
 *   bun harbor.ts how to use the gpu
 */
import { relative } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { readCount } from "./_script/count.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import { findHome } from "./config/find-home.ts";
import { type Answer, searchHelp } from "./help/search-help.ts";

const LIMIT = "5";
const WIDTH = 100;

/** A paragraph for each: what it is and where, what it says, what to type. */
function render(answers: readonly Answer[], cwd: string): string {
  return answers.map((it) => [head(it, cwd), `  ${clip(it.text)}`, ...(it.try === null ? [] : [`  $ ${it.try}`])].join("\n")).join("\n\n");
}

function head({ kind, title, file, line }: Answer, cwd: string): string {
  if (file === null) return title;
  const near = relative(cwd, file);
  const place = near.startsWith("..") ? file : near;
  return kind === "service" ? `${title} (${place})` : `${place}:${line}  ${title}`;
}

function clip(text: string): string {
  return text.length <= WIDTH ? text : `${text.slice(0, text.lastIndexOf(" ", WIDTH))} …`;
}

export const command = defineCommand({
  meta: {
    name: "how",
    description: "Search help, documentation and services for words",
    examples: ["harbor how to run ollama on the gpu", "harbor how secrets", "harbor how -n 3 --json start at boot"],
  },
  args: {
    words: { type: "positional", description: "What it is about", required: true, multiple: true },
    limit: { type: "string", alias: "n", description: "At most so many answers; 5 when left out", valueHint: "N", default: LIMIT },
    ...jsonArg,
  },
  async run({ args, verbs }) {
    const words = args.words.join(" ");
    const limit = readCount("--limit", args.limit);
    const answers = await searchHelp({ words, verbs, home: findHome(process.env), limit });
    if (answers.length === 0) {
      throw new HarborError(`Cannot find anything about "${words}" in help and documentation`, {
        exit: "unknown",
        hint: "Run `harbor help` to see all commands, `harbor ls` for all services",
      });
    }
    emit(answers, { json: args.json, render: (them) => render(them, workingDirectory()) });
  },
});

if (import.meta.main) await runScript(command);
