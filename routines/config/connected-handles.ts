/** The services for which servers stand in, by the configuration: those whose runtime is `connected`. */
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { type Env, readValues } from "./read-values.ts";
import { runtimeVariable } from "./runtime-preference.ts";

export function connectedHandles(workspace: Workspace, env: Env): string[] {
  const values = readValues({ workspace, env });
  return listHandles(workspace).filter((handle) => values.get(runtimeVariable(handle)) === "connected");
}
