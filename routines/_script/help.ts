/** Help text of a command: citty's usage, with examples before all that it takes. Loaded only when help is asked for. */
import { type ArgsDef, renderUsage } from "citty";
import type { ArgSpecs, Command } from "./command.ts";
import { globalArgs } from "./global-args.ts";
import { listCommands } from "./list-commands.ts";

/** The whole help, without colour off a terminal. */
export async function renderHelp(command: Command, program: string): Promise<string> {
  const painted = await renderUsage({
    meta: { name: program, description: command.meta.description },
    args: toCittyArgs({ ...command.args, ...globalArgs }),
  });
  const text = process.stdout.isTTY && !process.env.NO_COLOR ? painted : Bun.stripANSI(painted);
  const commands = command.commands === undefined ? "" : `\n\nCOMMANDS\n\n${(await listCommands(command.commands)).join("\n")}`;
  const examples = command.meta.examples ?? [];
  const block = examples.length === 0 ? [] : ["EXAMPLES", examples.map((line) => `  ${line}`).join("\n")];
  // what it does and its usage come first: two paragraphs
  const [about = "", usage = "", ...more] = text
    .replace(/[ \t]+$/gm, "")
    .trimEnd()
    .split("\n\n");
  return `${[about, usage, ...block, ...more].join("\n\n")}${commands}\n`;
}

function toCittyArgs(specs: ArgSpecs): ArgsDef {
  const args: ArgsDef = {};
  for (const [key, spec] of Object.entries(specs)) {
    const description = spec.type !== "boolean" && spec.multiple ? `${spec.description} (repeatable)` : spec.description;
    if (spec.type === "positional") args[key] = { type: "positional", description, required: spec.required === true };
    else if (spec.type === "boolean") args[key] = { type: "boolean", description, ...alias(spec.alias) };
    else args[key] = { type: "string", description, ...alias(spec.alias), ...(spec.valueHint ? { valueHint: spec.valueHint } : {}) };
  }
  return args;
}

function alias(letter: string | undefined): { alias?: string } {
  return letter === undefined ? {} : { alias: letter };
}
