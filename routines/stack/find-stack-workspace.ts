/**
 * Where a command looks services up: the folder it is given, or else where the running stack was started,
 * and where the user stands now. So that what was started in a project is known from everywhere.
 */
import { resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import { workingDirectory } from "../_script/working-directory.ts";
import { findWorkspace, type Workspace } from "../workspace/find-workspace.ts";
import type { StackRecord } from "./read-stack.ts";
import { whatRuns } from "./what-runs.ts";

export interface FindStackWorkspaceOptions {
  home: string;
  record: StackRecord | undefined;
  /** `--workspace` of this command. */
  directory?: string | undefined;
  cwd?: string;
}

export interface StackWorkspace {
  workspace: Workspace;
  /** What the next command needs to find the same again. */
  recorded: Required<Pick<StackRecord, "workspace" | "projects">>;
}

/** Throws `usage` for a directory that is none; for a recorded one only while something of it runs. */
export function findStackWorkspace({ home, record, directory, cwd = workingDirectory() }: FindStackWorkspaceOptions): StackWorkspace {
  const runs = (whatRuns(record)?.services.length ?? 0) > 0;
  const projects = runs ? (record?.projects ?? []) : [];
  const find = (path: string | undefined): StackWorkspace => {
    const workspace = findWorkspace({ home, cwd, projects, directory: path });
    return { workspace, recorded: { workspace: path, projects: projectsOf(workspace, projects) } };
  };
  if (directory !== undefined || record?.workspace === undefined)
    return find(directory === undefined ? undefined : resolve(cwd, directory));
  try {
    return find(record.workspace);
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    if (!runs) return find(undefined);
    const { message, exit, details } = error;
    const hint = "It was recorded by the last `harbor up`: `harbor down` stops what runs and forgets it";
    throw new HarborError(message, { exit, details, hint, cause: error });
  }
}

/** Those that are out of reach right now, too: what runs came from there. */
function projectsOf(workspace: Workspace, before: readonly string[]): string[] {
  const found = workspace.layers.filter((layer) => layer.kind === "project").map((layer) => layer.root);
  return [...before.filter((root) => !found.includes(root)), ...found];
}
