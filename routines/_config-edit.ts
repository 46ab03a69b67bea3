/** `harbor config edit`: your editor on a copy of the configuration, which takes its place when it is right. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Configuration, checkValue, findPlace, workspaceArg } from "./_configuration.ts";
import { defineCommand } from "./_script/command.ts";
import { confirm } from "./_script/confirm.ts";
import { formatPlace, HarborError } from "./_script/error.ts";
import { handOverToNamed } from "./_script/hand-over.ts";
import { isTerminal } from "./_script/is-terminal.ts";
import { splitWords } from "./_script/split-words.ts";
import { makePrivateFolder } from "./_script/write-file.ts";
import { findKey, unknownKey } from "./config/find-key.ts";
import { listKeys } from "./config/list-keys.ts";
import { changesBetween, mergeEdited } from "./config/merge-edited.ts";
import { parseEnv } from "./config/parse-env.ts";
import { readFileOrNothing, rewriteEnvFile } from "./config/rewrite-env-file.ts";
import { configFile } from "./config/write-values.ts";
import { note } from "./stack/say.ts";

const USUAL_EDITORS = ["nano", "vim", "vi"];

/** `$VISUAL`, `$EDITOR`, which may have options (`code --wait`), or one that most systems have. Throws `missing`. */
function findEditor(): string[] {
  const { VISUAL, EDITOR } = process.env;
  const name = VISUAL ? "VISUAL" : "EDITOR";
  const line = VISUAL || EDITOR || USUAL_EDITORS.find((editor) => Bun.which(editor) !== null);
  if (line === undefined) {
    throw new HarborError("Cannot edit the configuration: no editor is known", { exit: "missing", hint: "Set EDITOR, as in EDITOR=nano" });
  }
  const [program, ...words] = splitWords(line) ?? [];
  const path = program === undefined ? null : Bun.which(program);
  if (path !== null) return [path, ...words];
  throw new HarborError(`Cannot edit the configuration: there is no program "${program ?? line}" ($${name})`, {
    exit: "missing",
    hint: "Set EDITOR, as in EDITOR=nano",
  });
}

/** Without the values: a file that cannot be read is one to edit. */
type Checked = Pick<Configuration, "keys" | "workspace">;

interface Copy {
  /** What the user edits. */
  path: string;
  original: string;
  file: string;
}

/** All that is wrong with what was written, for what it changes; throws the first. */
function checkEdited(edited: string, { path, original, file }: Copy, isForced: boolean, configuration: Checked): void {
  const changes = changesBetween(parseOrNothing(original, file), parseEnv(edited, { file: path }));
  for (const [name, value] of changes) {
    if (value === undefined) continue;
    const { known } = findKey(name, configuration.keys);
    if (known === undefined && !isForced) throw unknownKey(name, configuration.keys, "--force takes what no file names as well");
    checkValue(name, value, configuration);
  }
}

/** A file that could not be read is edited to mend it: all in it is new then. */
function parseOrNothing(text: string, file: string): Map<string, string> {
  try {
    return parseEnv(text, { file });
  } catch {
    return new Map();
  }
}

/** Until it is right, or given up; false where nothing was changed. */
async function editUntilRight(copy: Copy, editor: readonly string[], isForced: boolean, configuration: Checked): Promise<boolean> {
  while (true) {
    const code = await handOverToNamed({ argv: [...editor, copy.path], env: process.env });
    if (code !== 0) throw new HarborError(`Cannot take your changes over: the editor ended with ${code}`);
    const edited = readFileSync(copy.path, "utf8");
    if (edited === copy.original) return false;
    try {
      checkEdited(edited, copy, isForced, configuration);
      return true;
    } catch (error) {
      if (!isEditedAgain(error)) throw error;
    }
  }
}

function isEditedAgain(error: unknown): boolean {
  if (!(error instanceof HarborError) || !isTerminal(0) || !isTerminal(2)) return false;
  note(`${error.at === undefined ? "" : `${formatPlace(error.at)}: `}${error.message}`);
  return confirm("Edit it again?", "");
}

/** The same error, saying where the copy is. */
function keeping(error: unknown, path: string): unknown {
  if (!(error instanceof HarborError)) return error;
  const { message, exit, at, hint, details } = error;
  const more = { ...(at === undefined ? {} : { at }), ...(hint === undefined ? {} : { hint }) };
  return new HarborError(message, {
    exit,
    cause: error,
    ...more,
    details: [...details, `The configuration is as it was; what you wrote is in ${path}`],
  });
}

export const command = defineCommand({
  meta: {
    name: "edit",
    description: "Open your configuration in $VISUAL or $EDITOR; it is checked before it counts",
    examples: ["harbor config edit", "EDITOR='code --wait' harbor config edit"],
  },
  changes: "done",
  args: { force: { type: "boolean", description: "Take keys that no file names as well" }, ...workspaceArg },
  async run({ args }) {
    const editor = findEditor();
    const { home, workspace } = findPlace(args.workspace);
    const file = configFile(home);
    const original = readFileOrNothing(file);
    makePrivateFolder(home);
    const folder = mkdtempSync(join(home, ".edit-"));
    const copy: Copy = { path: join(folder, "config.env"), original, file };
    writeFileSync(copy.path, original, { mode: 0o600 });
    let isChanged: boolean;
    try {
      isChanged = await editUntilRight(copy, editor, args.force, { keys: listKeys({ workspace }), workspace });
      const edited = readFileSync(copy.path, "utf8");
      if (isChanged) await rewriteEnvFile(file, (current) => mergeEdited({ original, current, edited, file }));
    } catch (error) {
      if (readFileOrNothing(copy.path) !== original) throw keeping(error, copy.path);
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    rmSync(folder, { recursive: true, force: true });
    note(isChanged ? `the configuration is changed (${file})` : "nothing was changed");
  },
});
