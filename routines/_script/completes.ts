/** What the words of an argument may be: as its command says, else by what arguments are called everywhere. */
import type { ArgSpec, Command, CommandTable, Completion } from "./command.ts";

const BY_NAME: Readonly<Record<string, Completion>> = {
  handle: "handle",
  handles: "handle",
  key: "key",
  keys: "key",
  file: "file",
  files: "file",
  folder: "directory",
};
const BY_HINT: Readonly<Record<string, Completion>> = { H: "handle", C: "capability", DIR: "directory", FILE: "file", PATH: "file" };
const ABOUT_SERVICES: readonly unknown[] = ["handle", "running", "selection", "program"];

/** Undefined where nobody can know. */
export function completionOf(key: string, spec: ArgSpec): Completion | undefined {
  if (spec.type === "boolean") return undefined;
  if (spec.completes !== undefined) return spec.completes;
  const [table, name] = spec.type === "positional" ? [BY_NAME, key] : [BY_HINT, spec.valueHint ?? ""];
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Whether a command's first word is a service, as in `harbor up webui`; one with subcommands: whether the first word of any is. */
export async function takesService(command: Command): Promise<boolean> {
  if (command.meta.isPlumbing) return false;
  if (command.commands !== undefined) {
    for (const load of Object.values<CommandTable[string]>(command.commands)) {
      if (await takesService(((await load()) as { command: Command }).command)) return true;
    }
    return false;
  }
  const first = Object.entries(command.args).find(([, spec]) => spec.type === "positional");
  return first !== undefined && ABOUT_SERVICES.includes(completionOf(...first));
}
