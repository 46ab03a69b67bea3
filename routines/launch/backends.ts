/** The services of the workspace that a coding tool can talk to, by what their definitions say they provide. */
import { formatPlace, HarborError } from "../_script/error.ts";
import { warn } from "../stack/say.ts";
import { describeService } from "../workspace/describe-service.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { APIS, type Api } from "./tool.ts";

export interface Backend {
  handle: string;
  /** As its makers write it. */
  name: string;
  apis: readonly Api[];
  /** The key that its API asks for, `${…}` as written; undefined where it knows of none. */
  apiKey: string | undefined;
  /** It has models of its own: no gateway in front of others, no stand-in. */
  hasModels: boolean;
}

/** By handle. A folder that cannot be read hides itself alone, with a warning. */
export function listBackends(workspace: Workspace): Backend[] {
  return listHandles(workspace).flatMap((handle) => {
    try {
      const { name, provides, tags, apiKey } = describeService(handle, workspace);
      const apis = APIS.filter((api) => provides.includes(api));
      if (apis.length === 0) return [];
      const hasModels = !provides.includes("llm-gateway") && !tags.includes("test");
      return [{ handle, name, apis, apiKey, hasModels }];
    } catch (error) {
      if (!(error instanceof HarborError)) throw error;
      // a folder without a file of a service is none
      if (error.exit !== "unknown") warn([error.at === undefined ? error.message : `${formatPlace(error.at)}: ${error.message}`]);
      return [];
    }
  });
}
