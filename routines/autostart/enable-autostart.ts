#!/usr/bin/env bun
/**
 * Have services start by themselves when the user's session begins: a systemd unit of the user, or a launchd agent.
 *
 *   bun routines/autostart/enable-autostart.ts -x ollama webui --dry-run
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { workingDirectory } from "../_script/working-directory.ts";
import { type SelectionArgs, selectionArgs } from "../compose/selection-args.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { note, warn } from "../stack/say.ts";
import { describeStart } from "./_describe-start.ts";
import { findManager, readEntry } from "./_find-manager.ts";
import type { Manager } from "./_manager.ts";
import { type AutostartStatus, readAutostart, renderStatus } from "./read-autostart.ts";

export interface PlanAutostartOptions {
  /** What is to start; without services what runs now, else the default ones. */
  args: SelectionArgs;
  home: string;
  env: Env;
  cwd: string;
  manager: Manager;
}

/** The file as it would be written. */
export interface PlannedAutostart {
  unit: string;
  file: string;
  text: string;
  /** What a person should hear, but need not act on. */
  warnings: string[];
}

/** Writes nothing. Throws what `harbor up` would for the same selection, and `failed` for what the system's own validator refuses. */
export async function planAutostart({ manager, ...options }: PlanAutostartOptions): Promise<PlannedAutostart> {
  const { entry, warnings } = await describeStart(options);
  const text = manager.render(entry);
  const problems = await manager.check(text);
  const { unit, file } = manager;
  if (problems.length > 0) throw new HarborError(`Cannot enable "${unit}": ${manager.name} would not take it`, { details: problems });
  return { unit, file, text, warnings };
}

export interface EnableAutostartOptions {
  planned: PlannedAutostart;
  home: string;
  env: Env;
  manager: Manager;
}

/**
 * Throws `missing` where the system has no service manager that we know, before anything is written; also where it
 * does not answer, once all is written that it finds when it starts.
 */
export async function enableAutostart({ planned, home, env, manager }: EnableAutostartOptions): Promise<AutostartStatus> {
  if (!manager.isInstalled()) throw notInstalled(manager);
  readEntry(manager); // not over somebody else's file
  manager.write(planned.text);
  const silence = await manager.reload();
  if (silence !== undefined) throw notAnswering(manager, silence);
  return readAutostart({ home, env, manager });
}

function nextSteps({ commands: { start, linger } }: Manager, { lingers }: AutostartStatus): void {
  note(`to start it now: ${start}`);
  if (lingers === false && linger !== undefined) note(`to start it at boot, without a login: ${linger}`);
}

function notInstalled({ name }: Manager): HarborError {
  return new HarborError(`Cannot enable autostart: this system has no ${name}`, {
    exit: "missing",
    hint: "`harbor autostart enable --dry-run` shows what another service manager would have to run",
  });
}

function notAnswering(manager: Manager, silence: string): HarborError {
  return new HarborError(`Cannot tell ${manager.name} of "${manager.unit}": ${silence || "it does not answer"}`, {
    exit: "missing",
    details: [`Written: ${manager.file}`, `It counts once ${manager.name} starts for this user`],
    hint: `Where it runs, and was not told: ${manager.commands.later}`,
  });
}

export const command = defineCommand({
  meta: {
    name: "enable-autostart",
    description: "Start services by themselves when you log in, or at boot",
    examples: [
      "harbor autostart enable                      What runs now; where nothing runs, the default services",
      "harbor autostart enable -x ollama webui      As `harbor up -x ollama webui` would",
      "harbor autostart enable webui --dry-run      Print the unit, write nothing",
    ],
  },
  changes: "done",
  args: { ...selectionArgs, "dry-run": { type: "boolean", description: "Print the file and write nothing" }, ...jsonArg },
  async run({ args }) {
    const { env } = process;
    const home = findHome(env);
    const manager = findManager({ home, env });
    const planned = await planAutostart({ args, env, home, cwd: workingDirectory(), manager });
    warn(planned.warnings);
    if (args["dry-run"]) return emit(planned, { json: args.json, render: (it) => it.text });
    const status = await enableAutostart({ planned, home, env, manager });
    emit(status, { json: args.json, render: renderStatus });
    if (!args.json) nextSteps(manager, status);
  },
});

if (import.meta.main) await runScript(command);
