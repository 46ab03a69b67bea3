#!/usr/bin/env bun
/**
 * Change values of `$HARBOR_HOME/config.env`: the lines of the keys named, and no other line. One at a time across
 * commands, and whole: a reader sees the old file or the new one.
 *
 *   bun routines/config/write-values.ts HARBOR_OLLAMA_HOST_PORT=11500 --unset HARBOR_DATA
 */
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "./find-home.ts";
import { type ChangeEnvFileOptions, changeEnvFile, type WrittenValues } from "./rewrite-env-file.ts";

export interface WriteValuesOptions extends Pick<ChangeEnvFileOptions, "changes"> {
  home: string;
}

/** The user's configuration. */
export function configFile(home: string): string {
  return join(home, "config.env");
}

/** Throws `usage` for what is no name or can be no value; with the line where the file cannot be read. */
export function writeValues({ home, changes }: WriteValuesOptions): Promise<WrittenValues> {
  return changeEnvFile({ file: configFile(home), changes });
}

export const command = defineCommand({
  meta: {
    name: "write-values",
    description: "Change values of config.env",
    examples: ["harbor routine write-values HARBOR_OLLAMA_HOST_PORT=11500", "harbor routine write-values --unset HARBOR_DATA"],
  },
  args: {
    ...jsonArg,
    values: { type: "positional", description: "NAME=value", multiple: true },
    unset: { type: "string", description: "Take a value out", valueHint: "NAME", multiple: true },
  },
  async run({ args }) {
    const changes = new Map<string, string | undefined>(args.unset.map((name) => [name, undefined]));
    for (const pair of args.values) {
      if (!pair.includes("="))
        throw new HarborError(`Cannot set "${pair}": it has no value`, { exit: "usage", hint: `Write ${pair}=value` });
      changes.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const written = await writeValues({ home: findHome(process.env), changes });
    emit(written, { json: args.json, render: ({ changed }) => changed.join("\n") });
  },
});

if (import.meta.main) await runScript(command);
