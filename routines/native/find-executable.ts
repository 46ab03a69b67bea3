#!/usr/bin/env bun
/**
 * Where the program of a contract is installed, by its file alone: nothing is run.
 *
 *   bun routines/native/find-executable.ts services/ollama/ollama_native.yml
 */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { interpolate } from "../compose/interpolate.ts";
import { isRunByBun } from "./find-program.ts";
import { type Contract, readContract } from "./read-contract.ts";

export interface FindExecutableOptions {
  contract: Pick<Contract, "executable" | "path">;
  /** The configuration, which may name the program. */
  values: (name: string) => string | undefined;
  /** The `PATH` that is looked along. */
  path: string;
}

export interface FoundExecutable {
  /** As the contract names it, filled in. */
  program: string;
  /** Where it is; null where it is not, or cannot be run. */
  file: string | null;
}

/** `bun` is the one that runs Harbor; a file of TypeScript is run by it. */
export function findExecutable({ contract, values, path }: FindExecutableOptions): FoundExecutable {
  const program = interpolate(contract.executable, values);
  if (program === "bun") return { program, file: process.execPath };
  if (!program.includes("/")) return { program, file: Bun.which(program, { PATH: path }) };
  const file = resolve(dirname(contract.path), program);
  return { program, file: (isRunByBun(program) ? existsSync(file) : isRunnable(file)) ? file : null };
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export const command = defineCommand({
  meta: {
    name: "find-executable",
    description: "Show where the program of a native contract is installed",
    examples: ["harbor routine find-executable services/ollama/ollama_native.yml"],
  },
  args: { ...jsonArg, file: { type: "positional", description: "Path of a <handle>_native.yml", required: true } },
  run({ args }) {
    const path = String(args.file);
    const contract = readContract({ path, handle: basename(path).replace(/_native\.ya?ml$/, "") });
    const found = findExecutable({ contract, values: (name) => process.env[name], path: process.env.PATH ?? "" });
    emit(found, { json: args.json, render: (it) => `${it.program}\t${it.file ?? "not installed"}` });
  },
});

if (import.meta.main) await runScript(command);
