/** Whether the files of every service can be read: a broken folder disables that service, and never another. */
import { formatPlace, HarborError } from "../_script/error.ts";
import { readText } from "../_script/read-text.ts";
import { parseYaml } from "../_script/yaml.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { readContract } from "../native/read-contract.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { listHandles } from "../workspace/list-handles.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface FolderFacts {
  handle: string;
  /** Where and what, for each file that cannot be read. */
  problems: readonly string[];
  isSelected: boolean;
}

export function judgeFolders(folders: readonly FolderFacts[]): Finding[] {
  const broken = folders.filter(({ problems }) => problems.length > 0);
  if (broken.length === 0) return [ok(`the files of all ${folders.length} services can be read`)];
  return broken.map(({ handle, problems, isSelected }) => {
    const [first = "", ...details] = problems;
    const trouble = { what: `${handle}: ${first}`, fix: "Mend that file, or move the folder away", details };
    return isSelected
      ? failed({ ...trouble, why: `${handle} is up or a default service: \`harbor up\` goes on without it` })
      : warning({ ...trouble, why: `${handle} cannot be started; all other services can` });
  });
}

/** With what is wrong with it. Files of a layer that belong to no service come under the name of their file. */
export function readFolders(workspace: Workspace, selected: ReadonlySet<string>): FolderFacts[] {
  return listHandles(workspace).map((handle) => {
    const files = listFiles({ workspace, handles: [handle], capabilities: new Set(BUILT_IN_CAPABILITIES) });
    const own = files.filter((file) => file.kind !== "module" && (file.handle === handle || file.parts.includes(handle)));
    return { handle, problems: own.flatMap((file) => problemsOf(file, handle)), isSelected: selected.has(handle) };
  });
}

function problemsOf({ path, kind }: ServiceFile, handle: string): readonly string[] {
  try {
    if (kind === "contract") readContract({ path, handle });
    else parseYaml(readText(path), path);
    return [];
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    const { message, at, details } = error;
    return details.length > 0 ? details : [at === undefined ? message : `${formatPlace(at)}: ${message}`];
  }
}

export const checkFolders: Check = {
  name: "folders",
  group: "services",
  about: "whether the files of every service can be read",
  async run(context) {
    return judgeFolders(readFolders(context.workspace(), await context.selected()));
  },
};
