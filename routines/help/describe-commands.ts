#!/usr/bin/env bun
/**
 * What every command takes, as data: for completion, the manual and the search. The built program has it in a file; in the
 * sources it is asked of the commands themselves, which imports them all.
 *
 *   bun harbor.ts routine describe-commands --json
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ArgSpec, type Command, type CommandTable, type Completion, defineCommand, jsonArg } from "../_script/command.ts";
import { completionOf, takesService } from "../_script/completes.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { globalArgs } from "../_script/global-args.ts";
import { isBuilt, programRoot } from "../_script/program-root.ts";
import { runScript } from "../_script/script.ts";

/** A word that stands by its place. */
export interface WordDescription {
  name: string;
  description: string;
  isRequired: boolean;
  /** Takes all that follow. */
  isMultiple: boolean;
  completes?: Completion | undefined;
}

export interface OptionDescription {
  /** Without its dashes. */
  name: string;
  letter?: string | undefined;
  description: string;
  takesValue: boolean;
  /** May be given several times, and as a comma list. */
  isMultiple: boolean;
  /** What its value is called. */
  hint?: string | undefined;
  completes?: Completion | undefined;
}

export interface CommandDescription {
  name: string;
  description: string;
  /** Whole command lines, each perhaps with an explanation after two blanks. */
  examples: readonly string[];
  words: WordDescription[];
  /** Its own; besides those that every command takes. */
  options: OptionDescription[];
  commands: CommandDescription[];
  /** All words after its first go to another program. */
  passesOn: boolean;
  /** Words after `--` mean something to it. */
  takesRest: boolean;
  /** Whether its first word, or that of one of its subcommands, is a service. */
  takesService: boolean;
}

export interface ProgramDescription {
  commands: CommandDescription[];
  /** Of every command. */
  options: OptionDescription[];
}

/** Where the built program has it, below its root. */
export const DESCRIPTION_FILE = "dist/commands.json";

/** Of the program that is running. Throws `failed` in the sources for who has no table. */
export async function describeProgram(verbs: CommandTable | undefined): Promise<ProgramDescription> {
  if (isBuilt()) {
    try {
      return JSON.parse(readFileSync(join(programRoot(), DESCRIPTION_FILE), "utf8")) as ProgramDescription;
    } catch {
      // a copy without that file: the commands are in this program all the same
    }
  }
  if (verbs === undefined)
    throw new HarborError("Cannot describe Harbor's commands: this routine alone knows none", { hint: "Run it as `harbor routine …`" });
  return { commands: await describeTable(verbs), options: describeOptions(globalArgs) };
}

/** In the order of the table. */
export async function describeTable(table: CommandTable): Promise<CommandDescription[]> {
  const described: CommandDescription[] = [];
  for (const [name, load] of Object.entries(table)) {
    const { command } = (await load()) as { command: Command };
    const hasCommands = command.commands !== undefined;
    described.push({
      name,
      description: command.meta.description,
      examples: command.meta.examples ?? [],
      words: Object.entries(command.args).flatMap(([key, spec]) => (spec.type === "positional" ? [describeWord(key, spec)] : [])),
      options: describeOptions(command.args),
      commands: hasCommands ? await describeTable(command.commands as CommandTable) : [],
      passesOn: command.passThrough === true && !hasCommands,
      takesRest: command.takesRest === true,
      takesService: await takesService(command),
    });
  }
  return described;
}

function describeWord(name: string, spec: ArgSpec & { type: "positional" }): WordDescription {
  return {
    name,
    description: spec.description,
    isRequired: spec.required === true,
    isMultiple: spec.multiple === true,
    completes: completionOf(name, spec),
  };
}

function describeOptions(specs: Readonly<Record<string, ArgSpec>>): OptionDescription[] {
  return Object.entries(specs).flatMap(([name, spec]): OptionDescription[] => {
    if (spec.type === "positional") return [];
    const { description, alias: letter } = spec;
    if (spec.type === "boolean") return [{ name, letter, description, takesValue: false, isMultiple: false }];
    const { multiple, valueHint: hint } = spec;
    return [{ name, letter, description, takesValue: true, isMultiple: multiple === true, hint, completes: completionOf(name, spec) }];
  });
}

/** One line for each command and subcommand. */
function render({ commands }: ProgramDescription): string {
  const lines = (them: readonly CommandDescription[], before: string): string[] =>
    them.flatMap((it) => [`${before} ${it.name}\t${it.description}`, ...lines(it.commands, `${before} ${it.name}`)]);
  return lines(commands, "harbor").join("\n");
}

export const command = defineCommand({
  meta: { name: "describe-commands", description: "Describe every command, what it takes and its examples" },
  args: { ...jsonArg },
  async run({ args, verbs }) {
    emit(await describeProgram(verbs), { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
