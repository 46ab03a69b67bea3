/** A command that has changed something → a line of the history, unless the user wants none. */
import { existsSync } from "node:fs";
import type { Change } from "../_script/on-change.ts";
import { workingDirectory } from "../_script/working-directory.ts";
import { findHome } from "../config/find-home.ts";
import { readValues } from "../config/read-values.ts";
import { findWorkspace } from "../workspace/find-workspace.ts";
import { appendHistory } from "./history-file.ts";
import { maskWords } from "./mask-words.ts";

/** Makes no home: without one, nothing was changed. `HARBOR_HISTORY=false`, or `harbor config set history false`, turns it off. */
export async function noteChange({ program, specs, args, rest, exit, ms }: Change): Promise<void> {
  const home = findHome(process.env);
  if (!existsSync(home) || !isWanted(home)) return;
  const time = new Date().toISOString();
  const command = program.replace(/^harbor /, "");
  await appendHistory(home, { time, command, words: maskWords(specs, args, rest), exit, ms, cwd: workingDirectory() });
}

/** A configuration that cannot be read does not say no. */
function isWanted(home: string): boolean {
  try {
    return !/^(?:false|no|off|0)$/i.test(readValues({ workspace: findWorkspace({ home }), env: process.env }).get("HARBOR_HISTORY") ?? "");
  } catch {
    return true;
  }
}
