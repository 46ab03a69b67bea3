/**
 * Words after `harbor` of which none is a command → what was probably meant: a slip, a service of which it is not said what
 * to do with it, or a command that av/harbor has and Harbor has not.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandTable } from "../_script/command.ts";
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { programRoot } from "../_script/program-root.ts";
import { table } from "../_script/table.ts";
import { verbOf } from "../_script/verb-aliases.ts";
import { findHome } from "../config/find-home.ts";
import { findKey } from "../config/find-key.ts";
import { listKeys } from "../config/list-keys.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { readStack } from "../stack/read-stack.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { type CommandDescription, describeProgram } from "./describe-commands.ts";

const HINT = "Run `harbor help` to see them all, `harbor how <words>` to search help and documentation";

/** Always an error of wrong usage, for the caller to report. */
export async function explainWords(words: readonly string[], verbs: CommandTable): Promise<HarborError> {
  const [word = "", next] = words;
  const workspace = findWorkspaceOrNone();
  const handles = workspace === undefined ? [] : listHandles(workspace);
  if (workspace !== undefined && handles.includes(word)) return explainService(word, next, verbs, workspace);
  const former = findFormer(word);
  if (former !== undefined) return tellFormer(word, former);
  const verb = nearest(word, Object.keys(verbs));
  if (verb !== undefined) return usage(word, `; did you mean "${verb}"?`, HINT);
  const handle = nearest(word, handles);
  return handle === undefined
    ? usage(word, "", HINT)
    : usage(word, `; did you mean the service "${handle}"?`, `Start it: harbor up ${handle}`);
}

function usage(word: string, more: string, hint: string): HarborError {
  return new HarborError(`Cannot run "harbor ${word}": there is no such command${more}`, { exit: "usage", hint });
}

/** A workspace that cannot be read has no part in this. */
function findWorkspaceOrNone(): Workspace | undefined {
  try {
    const home = findHome(process.env);
    return findStackWorkspace({ home, record: readStack(home) }).workspace;
  } catch (error) {
    if (error instanceof HarborError) return undefined;
    throw error;
  }
}

/** A service alone, or before a word that is for its own program, a key of its, or a slip. */
async function explainService(handle: string, next: string | undefined, verbs: CommandTable, workspace: Workspace): Promise<HarborError> {
  if (next === undefined) {
    return new HarborError(`Cannot run "harbor ${handle}": it is a service, and what to do with it is missing`, {
      exit: "usage",
      details: await listWhatCanBeDone(handle, verbs),
      hint: "The handle may stand before the command as well",
    });
  }
  const verb = verbOf(next, verbs);
  const guess = verb === undefined ? nearest(next, Object.keys(verbs)) : undefined;
  const why = verb === undefined ? "there is no such command" : `"${verb}" is not about one service`;
  return new HarborError(`Cannot run "harbor ${handle} ${next}": ${why}${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
    exit: "usage",
    details: [...keyLine(handle, next, workspace), ...programLine(handle, next, workspace)],
    hint: `\`harbor ${handle}\` alone says what can be done with it`,
  });
}

/** A line for each command about services, in the order of the overview. */
async function listWhatCanBeDone(handle: string, verbs: CommandTable): Promise<string[]> {
  const { commands } = await describeProgram(verbs);
  const about = commands.filter((it) => it.takesService);
  return table(about.map((it) => [["harbor", it.name, ...wordsBefore(it), handle].join(" "), it.description]));
}

/** What stands between a command and a service: nothing, or a subcommand. */
function wordsBefore({ commands }: CommandDescription): string[] {
  // a single service may stand before the subcommand
  if (commands.some(({ words }) => words[0]?.name === "handle")) return [];
  return commands.flatMap((it) => (it.takesService ? [it.name] : [])).slice(0, 1);
}

/** `harbor llamacpp model X` sets a key in av/harbor. */
function keyLine(handle: string, next: string, workspace: Workspace): string[] {
  if (!/^[A-Za-z][\w.-]*$/.test(next)) return [];
  const { known } = findKey(`${handle}.${next}`, listKeys({ workspace }));
  return known === undefined ? [] : [`harbor config set ${known.key} <value>   sets the value of that name`];
}

/** `harbor ollama list` runs its program in av/harbor. */
function programLine(handle: string, next: string, workspace: Workspace): string[] {
  const files = listFiles({ workspace, handles: [handle], capabilities: new Set() });
  const isNative = files.some((file) => file.kind === "contract" && file.parts[0] === handle);
  return isNative ? [`harbor run ${handle} ${next}   runs its own program with these words`] : [];
}

/** What our page says of a command that av/harbor has and we have not. */
function findFormer(word: string): FormerCommand | undefined {
  let page: string;
  try {
    page = readFileSync(join(programRoot(), "docs/coming-from-harbor.md"), "utf8");
  } catch {
    return undefined;
  }
  return formerCommands(page).find(({ words, here }) => here !== "yes" && words.includes(word));
}

function tellFormer(word: string, { here, ours, instead }: FormerCommand): HarborError {
  const state = here === "later" ? "it is not there yet" : "it is a command of av/harbor alone";
  const hints = [...(here === "no" && ours !== "" ? [ours] : []), ...(instead === "" ? [] : [instead])];
  const page = "docs/coming-from-harbor.md has every command of av/harbor, and what it is here";
  const [hint, ...details] = hints.length === 0 ? [page] : [page, `Instead: ${hints.join("; ").replace(/^until then: /, "")}`];
  return new HarborError(`Cannot run "harbor ${word}": ${state}`, { exit: "usage", hint, details });
}

export interface FormerCommand {
  /** Its names in av/harbor: the first words of its command lines. */
  words: string[];
  /** Ours of the same use, or nothing. */
  ours: string;
  here: "yes" | "later" | "no";
  instead: string;
}

/** The rows of the page's tables of commands: `| theirs | here | ours | what is different |`. */
export function formerCommands(page: string): FormerCommand[] {
  const rows = [...page.matchAll(/^\| (`[^|]*) \| (yes|later|no) \| ([^|]*)\|([^|]*)\|$/gm)];
  return rows.map(([, theirs = "", here, ours = "", instead = ""]) => ({
    words: [...theirs.matchAll(/`([a-z][\w-]*)/g)].map(([, name = ""]) => name),
    ours: ours.replaceAll("`", "").trim(),
    here: here as FormerCommand["here"],
    instead: instead.replaceAll("`", "").trim(),
  }));
}
