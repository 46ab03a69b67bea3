#!/usr/bin/env bun
/**
 * Words → the commands, sections of the documentation and services that answer them, the best first. All of it is on this
 * machine: nothing is asked of a network.
 *
 *   harbor routine search-help gpu in a container
 */
import { type CommandTable, defineCommand, jsonArg } from "../_script/command.ts";
import { readCount } from "../_script/count.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { programRoot } from "../_script/program-root.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { describeService } from "../workspace/describe-service.ts";
import { findWorkspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { type Entry, rank, wordsOf } from "./_rank.ts";
import { readPages, type Section } from "./_read-pages.ts";
import { type CommandDescription, describeProgram } from "./describe-commands.ts";

export interface Answer {
  kind: "command" | "page" | "service";
  /** `harbor config set`, the headings down to the section, or a service's name. */
  title: string;
  /** Where it stands; null for a command. */
  file: string | null;
  line: number | null;
  /** The words of it that answer best. */
  text: string;
  /** A command line to try. */
  try: string | null;
  score: number;
}

export interface SearchHelpOptions {
  words: string;
  verbs: CommandTable | undefined;
  home: string;
  /** At most so many. */
  limit?: number | undefined;
  /** Folder of `docs/`. */
  root?: string;
}

interface Found extends Entry {
  answer: Omit<Answer, "score" | "text" | "try">;
  /** Lines of which the best is shown. */
  texts: readonly string[];
  commands: readonly string[];
}

/** What a person types comes first, what those read who build on Harbor last. */
const SHARE = { command: 1.2, page: 1, builders: 0.5 } as const;
const FOR_BUILDERS = /\/(?:README|adding-a-service|interfaces|exit-codes|coming-from-harbor)\.md$/;

/** What has any of the words, the best first. */
export async function searchHelp({ words, verbs, home, limit, root = programRoot() }: SearchHelpOptions): Promise<Answer[]> {
  const { commands } = await describeProgram(verbs);
  const entries = [...commands.flatMap((it) => commandEntries(it, "harbor")), ...readPages(root).map(pageEntry), ...serviceEntries(home)];
  const best = rank(entries, words).slice(0, limit);
  return best.map(({ item: { answer, texts, commands: lines }, score }) => ({
    ...answer,
    text: choose(texts, words) ?? "",
    try: choose(lines, words) ?? null,
    score: Math.round(score * 100) / 100,
  }));
}

function commandEntries(command: CommandDescription, before: string): Found[] {
  const line = `${before} ${command.name}`;
  const options = command.options.map((it) => `--${it.name}: ${it.description}`);
  const words = command.words.map((it) => `${it.name}: ${it.description}`);
  const own: Found = {
    answer: { kind: "command", title: line, file: null, line: null },
    share: SHARE.command,
    fields: [
      { text: line, weight: before === "harbor" ? 5 : 3 },
      { text: command.description, weight: 3 },
      { text: [...options, ...words].join(" "), weight: 1 },
      { text: command.name === "how" ? "" : command.examples.join(" "), weight: 1 },
    ],
    texts: [command.description],
    commands: command.examples.length === 0 ? [line] : command.examples.map((it) => it.replace(/ {2,}.*$/, "")),
  };
  // a stage by itself is for few
  return [own, ...(command.name === "routine" ? [] : command.commands.flatMap((it) => commandEntries(it, line)))];
}

function pageEntry({ file, line, headings, lines, commands }: Section): Found {
  return {
    answer: { kind: "page", title: headings.join(": "), file, line },
    share: FOR_BUILDERS.test(file) ? SHARE.builders : SHARE.page,
    fields: [
      { text: headings.at(-1) ?? "", weight: 4 },
      { text: headings.slice(0, -1).join(" "), weight: 1.5 },
      { text: lines.join(" "), weight: 1 },
    ],
    texts: lines.flatMap((it) => it.split(/(?<=[.;:]) +(?=[A-Z`])/)),
    commands,
  };
}

/** One folder that cannot be read must not hide the others. */
function serviceEntries(home: string): Found[] {
  let workspace: ReturnType<typeof findWorkspace>;
  try {
    workspace = findWorkspace({ home });
  } catch (error) {
    if (error instanceof HarborError) return [];
    throw error;
  }
  return listHandles(workspace).flatMap((handle) => {
    try {
      const { name, description, tags, provides, folder } = describeService(handle, workspace);
      const fields = [
        { text: `${handle} ${name}`, weight: 4 },
        { text: `${description} ${tags.join(" ")} ${provides.join(" ")} service`, weight: 2 },
      ];
      const answer = { kind: "service", title: `${handle}: ${name}`, file: folder, line: null } as const;
      return [{ answer, share: SHARE.page, fields, texts: [description], commands: [`harbor up ${handle}`] }];
    } catch (error) {
      if (error instanceof HarborError) return [];
      throw error;
    }
  });
}

/** The line with most of the words; the first of those. */
function choose(lines: readonly string[], question: string): string | undefined {
  const asked = new Set(wordsOf(question));
  let found = lines[0];
  let most = 0;
  for (const line of lines) {
    const count = new Set(wordsOf(line).filter((word) => asked.has(word))).size;
    if (count > most) [found, most] = [line, count];
  }
  return found;
}

const LIMIT = "100";

export const command = defineCommand({
  meta: {
    name: "search-help",
    description: "Search help, documentation and services",
    examples: ["harbor routine search-help gpu on a mac", "harbor routine search-help --json -n 3 secrets"],
  },
  args: {
    words: { type: "positional", description: "What it is about", required: true, multiple: true },
    limit: { type: "string", alias: "n", description: "At most so many", valueHint: "N", default: LIMIT },
    ...jsonArg,
  },
  async run({ args, verbs }) {
    const limit = readCount("--limit", args.limit);
    const answers = await searchHelp({ words: args.words.join(" "), verbs, home: findHome(process.env), limit });
    emit(answers, {
      json: args.json,
      render: (them) => them.map((it) => [it.score, it.kind, it.title, it.file ?? "-"].join("\t")).join("\n"),
    });
  },
});

if (import.meta.main) await runScript(command);
