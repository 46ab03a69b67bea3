#!/usr/bin/env bun
/**
 * Harbor's version and what it runs on.
 *
 *   bun routines/version.ts --json
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { programRoot } from "./_script/program-root.ts";
import { runScript } from "./_script/script.ts";

export interface Version {
  harbor: string;
  bun: string;
  platform: string;
}

/** Harbor's own version stands in its package.json alone. */
export function readVersion(): Version {
  const { version } = JSON.parse(readFileSync(join(programRoot(), "package.json"), "utf8")) as { version: string };
  return { harbor: version, bun: Bun.version, platform: `${process.platform}-${process.arch}` };
}

export const command = defineCommand({
  meta: { name: "version", description: "Show the version of Harbor", examples: ["harbor version", "harbor version --json"] },
  args: { ...jsonArg },
  run({ args }) {
    emit(readVersion(), { json: args.json, render: (it) => it.harbor });
  },
});

if (import.meta.main) await runScript(command);
