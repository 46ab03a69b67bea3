/** Help text of a command: citty's usage, plus examples. Loaded only when help is asked for. */
import { type ArgsDef, renderUsage } from "citty";
import type { ArgSpecs, Command } from "./command.ts";
import { globalArgs } from "./global-args.ts";
import { listCommands } from "./list-commands.ts";

/** The whole help, without colour off a terminal. */
export async function renderHelp(command: Command, program: string): Promise<string> {
  const text = await renderUsage({
    meta: { name: program, description: command.meta.description },
    args: toCittyArgs({ ...command.args, ...globalArgs }),
  });
  const commands = command.commands === undefined ? "" : `\n\nCOMMANDS\n\n${(await listCommands(command.commands)).join("\n")}`;
  const examples = command.meta.examples ?? [];
  const block = examples.length === 0 ? "" : `\n\nEXAMPLES\n\n${examples.map((line) => `  ${line}`).join("\n")}`;
  const whole = `${text.replace(/[ \t]+$/gm, "").trimEnd()}${commands}${block}\n`;
  return process.stdout.isTTY && !process.env.NO_COLOR ? whole : Bun.stripANSI(whole);
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
