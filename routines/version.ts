#!/usr/bin/env bun
/**
 * Harbor's version and what it runs on.
 *
 *   bun routines/version.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { programVersion } from "./_script/program-version.ts";
import { runScript } from "./_script/script.ts";

export interface Version {
  harbor: string;
  bun: string;
  platform: string;
}

export function readVersion(): Version {
  return { harbor: programVersion(), bun: Bun.version, platform: `${process.platform}-${process.arch}` };
}

export const command = defineCommand({
  meta: { name: "version", description: "Show the version of Harbor", examples: ["harbor version", "harbor version --json"] },
  args: { ...jsonArg },
  run({ args }) {
    emit(readVersion(), { json: args.json, render: (it) => it.harbor });
  },
});

if (import.meta.main) await runScript(command);
