/** Which stack a command without a selection means: the one of this `HARBOR_HOME`. */

import { projectName } from "../compose/project-name.ts";
import { findHome } from "../config/find-home.ts";
import { type Env, readValues } from "../config/read-values.ts";
import { findWorkspace } from "../workspace/find-workspace.ts";
import { readStack, type StackRecord } from "./read-stack.ts";

export interface CurrentStack {
  home: string;
  project: string;
  record: StackRecord | undefined;
}

/** Its project is what `up` recorded; before the first `up`, what it would be called. */
export function currentStack(env: Env): CurrentStack {
  const home = findHome(env);
  const record = readStack(home);
  if (record !== undefined) return { home, project: record.project, record };
  const workspace = findWorkspace({ home });
  return { home, project: projectName(readValues({ workspace, env }), home), record };
}
