/**
 * Compose files of a plan that is not what is up: for a pull, a build, a run by hand. They stand in a folder of their own for as
 * long as that takes, so that the running stack's are left alone; values may be secrets, which outlive nobody there.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type MadePlan, projectDirectoryOf } from "../compose/make-plan.ts";
import { stateOf } from "./read-stack.ts";
import { type ComposeFiles, removeEmpty, removeEmptyState, writeComposeFiles } from "./write-stack.ts";

/** Under `state/`: one folder for each process that has files here, by its pid. */
export const ONE_OFF = "one-off";

export interface OneOffFiles extends ComposeFiles {
  projectDirectory: string;
}

/** Gone once `work` has ended, whatever becomes of it. */
export async function withOneOffFiles<T>(made: MadePlan, work: (files: OneOffFiles) => Promise<T>): Promise<T> {
  const { home } = made.plan.workspace;
  const all = join(stateOf(home).directory, ONE_OFF);
  const folder = join(all, String(process.pid));
  try {
    const files = writeComposeFiles(made, folder);
    return await work({ ...files, projectDirectory: projectDirectoryOf(made.plan.workspace) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    removeEmpty(all);
    removeEmptyState(home);
  }
}
