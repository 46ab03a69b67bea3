/**
 * The plan on disk: the merged file and its values for compose, and the record of what is up. All in
 * `state/`, readable by their owner alone, since values may be secrets.
 */
import { rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileWhole } from "../_script/write-file.ts";
import { formatCompose } from "../compose/format-compose.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import { formatComposeValue } from "../config/parse-env.ts";
import { type StackRecord, stateOf } from "./read-stack.ts";

export interface ComposeFiles {
  file: string;
  envFile: string;
}

/** Writes the merged file, or another model of its parts, and beside it the values of just the variables that they name. */
export function writeComposeFiles(
  made: MadePlan,
  directory = stateOf(made.plan.workspace.home).directory,
  model = made.plan.compose,
): ComposeFiles {
  const compose = join(directory, "compose.yml");
  const values = join(directory, "values.env");
  const lines: string[] = [];
  for (const name of made.merged.variables.keys()) {
    const value = made.values.get(name);
    if (value !== undefined) lines.push(`${name}=${formatComposeValue(value)}\n`);
  }
  writeFileWhole(values, lines.join(""));
  writeFileWhole(compose, `# Written by Harbor for docker compose; made anew at each start.\n${formatCompose(model)}`);
  return { file: compose, envFile: values };
}

/** The record of what is left. */
export function withoutServices(record: StackRecord, isGone: (handle: string) => boolean): StackRecord {
  return {
    ...record,
    services: record.services.filter((handle) => !isGone(handle)),
    natives: record.natives.filter((handle) => !isGone(handle)),
    ...(record.connected === undefined ? {} : { connected: record.connected.filter((handle) => !isGone(handle)) }),
    planned: record.planned.filter((it) => !isGone(it.handle)),
  };
}

/** Records what is up; with no service left, removes every file of it. */
export function writeStack(home: string, record: StackRecord | undefined): void {
  if (record === undefined || record.services.length === 0) clearState(home);
  else writeFileWhole(stateOf(home).stack, `${JSON.stringify(record, null, 2)}\n`);
}

/** Removes what a stack left in `state/`; what Harbor remembers of the host is found again. */
export function clearState(home: string): void {
  const { directory } = stateOf(home);
  for (const name of ["stack.json", "compose.yml", "values.env", "cmd", "host.json"])
    rmSync(join(directory, name), { force: true, recursive: true });
  removeEmpty(join(directory, "native"));
}

/** The folder of the state itself, once the lock in it is given back. */
export function removeEmptyState(home: string): void {
  removeEmpty(stateOf(home).directory);
}

/** A folder, where nothing is in it. */
export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // never there, or something is still in it
  }
}
