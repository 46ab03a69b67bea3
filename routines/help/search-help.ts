#!/usr/bin/env bun
/**
 * Words → the commands, sections of the documentation and services that answer them, the best first. All of it is on this
 * machine: nothing is asked of a network.
 *
 *   harbor routine search-help gpu in a container
 */
import { resolve } from "node:path";
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
import { indexHelp, readHelpIndex, SHARE, type Text } from "./_help-index.ts";
import { indexFields, rank, wordsOf } from "./_rank.ts";
import { describeProgram } from "./describe-commands.ts";

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

/** What has any of the words, the best first. */
export async function searchHelp({ words, verbs, home, limit, root = programRoot() }: SearchHelpOptions): Promise<Answer[]> {
  const help = readHelpIndex(root) ?? indexHelp((await describeProgram(verbs)).commands, root);
  const best = rank([...help, ...serviceTexts(home)], words).slice(0, limit);
  return best.map(({ item: { answer, texts, commands: lines }, score }) => ({
    ...answer,
    file: answer.file === null ? null : resolve(root, answer.file),
    text: choose(texts, words) ?? "",
    try: choose(lines, words) ?? null,
    score: Math.round(score * 100) / 100,
  }));
}

/** One folder that cannot be read must not hide the others. */
function serviceTexts(home: string): Text[] {
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
      return [{ answer, share: SHARE.page, ...indexFields(fields), texts: [description], commands: [`harbor up ${handle}`] }];
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
