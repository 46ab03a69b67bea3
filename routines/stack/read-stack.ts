#!/usr/bin/env bun
/**
 * What the last `up` left running, as it was asked for: so that the next one adds to it, and `ps`,
 * `logs`, `url` and `down` need no selection.
 *
 *   bun routines/stack/read-stack.ts --json
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import type { PlannedService } from "../compose/make-plan.ts";
import { findHome } from "../config/find-home.ts";

export interface StackRecord {
  project: string;
  /** `--workspace` of the `up`, as a whole path. */
  workspace: string | undefined;
  /** Folders of services that it was started with beside the built-in ones and the user's; none in records of an older Harbor. */
  projects?: string[];
  services: string[];
  natives: string[];
  /** For which a server of the user's own stands in; none in records of an older Harbor. */
  connected?: string[];
  capabilities: string[];
  /** As planned: for ports and URLs of what is not running right now. */
  planned: PlannedService[];
  /** Whether any of it needs the engine. */
  hasContainers: boolean;
  /** The boot it was started in: after another one nothing native runs. */
  bootId: string;
}

/** Where the state of `$HARBOR_HOME` lies. */
export function stateOf(home: string): { directory: string; stack: string; lock: string } {
  const directory = join(home, "state");
  return { directory, stack: join(directory, "stack.json"), lock: join(directory, "lock") };
}

/** Undefined when nothing is up. */
export function readStack(home: string): StackRecord | undefined {
  const path = stateOf(home).stack;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HarborError(`Cannot read "${path}": ${(error as Error).message}`, { cause: error });
  }
  try {
    return JSON.parse(text) as StackRecord;
  } catch (cause) {
    throw new HarborError(`Cannot read "${path}": it is not JSON`, { cause, hint: "Remove it, then run `harbor ps` to see what runs" });
  }
}

export const command = defineCommand({
  meta: { name: "read-stack", description: "Show what the last `harbor up` recorded" },
  args: { ...jsonArg },
  run({ args }) {
    const stack = readStack(findHome(process.env));
    emit(stack ?? null, { json: args.json, render: (it) => (it === null ? "nothing is up" : it.services.join("\n")) });
  },
});

if (import.meta.main) await runScript(command);
