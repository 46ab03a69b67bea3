/** Harbor's commands and its documentation → texts that can be searched; the build keeps them, as they are the same for every question. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Indexed, indexFields } from "./_rank.ts";
import { listPages, readPages, type Section } from "./_read-pages.ts";
import type { CommandDescription } from "./describe-commands.ts";
import type { Answer } from "./search-help.ts";

export interface Text extends Indexed {
  /** Its file is below the program's root. */
  answer: Omit<Answer, "score" | "text" | "try">;
  /** Lines of which the best is shown. */
  texts: readonly string[];
  commands: readonly string[];
}

/** What a person types comes first, what those read who build on Harbor last. */
export const SHARE = { command: 1.2, page: 1, builders: 0.5 } as const;
const FOR_BUILDERS = /(?:^|\/)(?:README|adding-a-service|interfaces|exit-codes|coming-from-harbor)\.md$/;

/** Where the built program has it, below its root. */
export const INDEX_FILE = "dist/help-index.json";

/** Undefined where none was built, or a page was written since. */
export function readHelpIndex(root: string): Text[] | undefined {
  try {
    const file = join(root, INDEX_FILE);
    const { mtimeMs } = statSync(file);
    if (listPages(root).some((page) => statSync(join(root, page)).mtimeMs > mtimeMs)) return undefined;
    return JSON.parse(readFileSync(file, "utf8")) as Text[];
  } catch {
    return undefined;
  }
}

export function indexHelp(commands: readonly CommandDescription[], root: string): Text[] {
  return [...commands.flatMap((it) => commandTexts(it, "harbor")), ...readPages(root).map(pageText)];
}

function commandTexts(command: CommandDescription, before: string): Text[] {
  const line = `${before} ${command.name}`;
  const options = command.options.map((it) => `--${it.name}: ${it.description}`);
  const words = command.words.map((it) => `${it.name}: ${it.description}`);
  const own: Text = {
    answer: { kind: "command", title: line, file: null, line: null },
    share: SHARE.command,
    ...indexFields([
      { text: line, weight: before === "harbor" ? 5 : 3 },
      { text: command.description, weight: 3 },
      { text: [...options, ...words].join(" "), weight: 1 },
      { text: command.name === "how" ? "" : command.examples.join(" "), weight: 1 },
    ]),
    texts: [command.description],
    commands: command.examples.length === 0 ? [line] : command.examples.map((it) => it.replace(/ {2,}.*$/, "")),
  };
  // a stage by itself is for few
  return [own, ...(command.name === "routine" ? [] : command.commands.flatMap((it) => commandTexts(it, line)))];
}

function pageText({ file, line, headings, lines, commands }: Section): Text {
  return {
    answer: { kind: "page", title: headings.join(": "), file, line },
    share: FOR_BUILDERS.test(file) ? SHARE.builders : SHARE.page,
    ...indexFields([
      { text: headings.at(-1) ?? "", weight: 4 },
      { text: headings.slice(0, -1).join(" "), weight: 1.5 },
      { text: lines.join(" "), weight: 1 },
    ]),
    texts: lines.flatMap((it) => it.split(/(?<=[.;:]) +(?=[A-Z`])/)),
    commands,
  };
}
