#!/usr/bin/env bun
/**
 * What starts by itself with the user's session, and whether the system's service manager knows of it.
 *
 *   bun routines/autostart/read-autostart.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { table } from "../_script/table.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { findManager, readEntry } from "./_find-manager.ts";
import type { Manager } from "./_manager.ts";

export interface AutostartStatus {
  isEnabled: boolean;
  manager: "systemd" | "launchd";
  /** What it is called in the manager's own tools. */
  unit: string;
  file: string;
  /** What is run; null where it is not enabled. */
  command: string[] | null;
  /** In the manager's own word; null where it does not answer. */
  state: string | null;
  /** Whether it starts at boot already, without a login; null where the system knows no such thing. */
  lingers: boolean | null;
}

export interface ReadAutostartOptions {
  home: string;
  env: Env;
  manager?: Manager;
}

/** Throws where a file of that name is there that we did not write. */
export async function readAutostart({ home, env, manager = findManager({ home, env }) }: ReadAutostartOptions): Promise<AutostartStatus> {
  const entry = readEntry(manager);
  return {
    isEnabled: entry !== undefined,
    manager: manager.name,
    unit: manager.unit,
    file: manager.file,
    command: entry?.command ?? null,
    state: (await manager.state()) ?? null,
    lingers: manager.lingers() ?? null,
  };
}

/** For a person; a word that a shell would split is quoted. */
export function renderStatus(status: AutostartStatus): string {
  if (!status.isEnabled) return `${status.unit}: not enabled`;
  const when = status.lingers ? "at boot" : "when you log in";
  return table([
    [status.unit, `enabled: starts ${when}`],
    ["runs", (status.command ?? []).map(quote).join(" ")],
    ["file", status.file],
    [status.manager, status.state ?? "does not answer"],
  ]).join("\n");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export const command = defineCommand({
  meta: {
    name: "read-autostart",
    description: "Show what starts by itself",
    examples: ["harbor autostart status", "harbor autostart status --json"],
  },
  args: { ...jsonArg },
  async run({ args }) {
    emit(await readAutostart({ home: findHome(process.env), env: process.env }), { json: args.json, render: renderStatus });
  },
});

if (import.meta.main) await runScript(command);
