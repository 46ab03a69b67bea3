#!/usr/bin/env bun
/**
 * Take back what `enable-autostart` wrote. What runs goes on; not enabled is fine.
 *
 *   bun routines/autostart/disable-autostart.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { findManager, readEntry } from "./_find-manager.ts";
import type { Manager } from "./_manager.ts";

export interface DisableAutostartOptions {
  home: string;
  env: Env;
  manager?: Manager;
}

export interface DisabledAutostart {
  unit: string;
  file: string;
  /** False where there was nothing to take back. */
  wasEnabled: boolean;
}

/** Throws where a file of that name is there that we did not write. */
export async function disableAutostart({
  home,
  env,
  manager = findManager({ home, env }),
}: DisableAutostartOptions): Promise<DisabledAutostart> {
  const { unit, file } = manager;
  const wasEnabled = readEntry(manager) !== undefined;
  manager.remove();
  // one that does not answer reads the files anew when it starts
  if (wasEnabled) await manager.reload();
  return { unit, file, wasEnabled };
}

export const command = defineCommand({
  meta: { name: "disable-autostart", description: "Start nothing by itself any more", examples: ["harbor autostart disable"] },
  changes: "done",
  args: { ...jsonArg },
  async run({ args }) {
    const disabled = await disableAutostart({ home: findHome(process.env), env: process.env });
    emit(disabled, { json: args.json, render: (it) => `${it.unit}: ${it.wasEnabled ? "disabled" : "was not enabled"}` });
  },
});

if (import.meta.main) await runScript(command);
