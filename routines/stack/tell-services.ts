/**
 * What runs has changed: the services of the stack that want to know are told. One says so by naming a program of its folder
 * (`on_change` in the `x-harbor` block of its definition or contract), which is run with the stack as JSON on stdin, by the bun that
 * runs Harbor. Nothing depends on it: what goes wrong is a warning.
 */
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import type { Env } from "../config/read-values.ts";
import { readOnChange } from "../workspace/describe-service.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import type { Progress } from "./progress.ts";
import { readStack, type StackRecord, stateOf } from "./read-stack.ts";

export interface TellServicesOptions {
  /** The verb. */
  cause: "up" | "down" | "stop" | "restart";
  home: string;
  env: Env;
  signal: AbortSignal;
  progress: Progress;
}

/** A service's own program. */
export interface Hook {
  handle: string;
  folder: string;
  /** As it is written, below that. */
  program: string;
}

/** Longer than what another command may take for the same. */
const WAIT_MS = 60_000;

/** Those that run, one after the other across commands, so that what is told last is how it is. Never throws. */
export async function tellServices({ cause, home, env, signal, progress }: TellServicesOptions): Promise<void> {
  try {
    if (signal.aborted || !hasHooks(home)) return;
    const { runHooks } = await import("./run-hooks.ts");
    const lock = join(stateOf(home).directory, "on-change.lock");
    const work = async (): Promise<void> => {
      // as it is by now: another command may have been told of before
      const { record, workspace, hooks } = hooksOf(home);
      if (record !== undefined && workspace !== undefined) await runHooks({ cause, hooks, record, workspace, home, env, signal, progress });
    };
    await withLock(lock, work, { signal, purpose: "telling services of a change", waitMs: WAIT_MS });
  } catch (error) {
    if (!signal.aborted) progress.warn(`Cannot tell services of the change: ${(error as Error).message}`);
  }
}

/** A workspace that is gone has no programs either; the verb itself says what is wrong with it. */
function hasHooks(home: string): boolean {
  try {
    return hooksOf(home).hooks.length > 0;
  } catch (error) {
    if (error instanceof HarborError) return false;
    throw error;
  }
}

function hooksOf(home: string): { record?: StackRecord; workspace?: Workspace; hooks: Hook[] } {
  const record = readStack(home);
  if (record === undefined) return { hooks: [] };
  const { workspace } = findStackWorkspace({ home, record });
  // what is connected runs elsewhere
  const handles = record.services.filter((handle) => record.connected?.includes(handle) !== true);
  return { record, workspace, hooks: handles.flatMap((handle) => findHook(handle, workspace)) };
}

function findHook(handle: string, workspace: Workspace): Hook[] {
  const files = listFiles({ workspace, handles: [handle], capabilities: new Set() });
  const own = files.filter(({ kind, parts }) => (kind === "definition" || kind === "contract") && parts[0] === handle);
  const found = own.flatMap(({ path, directory }) => {
    const program = readOnChange(path);
    return program === undefined ? [] : [{ handle, folder: directory, program }];
  });
  return found.slice(0, 1);
}
