/** Which service is meant where none is named: the one that people look at. */
import { HarborError } from "../_script/error.ts";
import type { Values } from "../config/read-values.ts";
import { describeService } from "../workspace/describe-service.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import type { ServiceStatus } from "./observe-stack.ts";
import { NOTHING_IS_UP } from "./say.ts";

export interface ChooseMainOptions {
  services: readonly ServiceStatus[];
  workspace: Workspace;
  values: Values;
}

/** `ui.main` where it is up; else the first frontend; else the first with a URL. Throws where nothing is up, or has one. */
export function chooseMain({ services, workspace, values }: ChooseMainOptions): string {
  if (services.length === 0) throw new HarborError("Cannot choose a service: nothing is up", { hint: NOTHING_IS_UP.split("; ")[1] ?? "" });
  const wish = values.get("HARBOR_UI_MAIN");
  const mayHaveUrl = services.filter((it) => it.urls.length > 0 || it.state !== "running");
  const chosen = services.find((it) => it.handle === wish) ?? mayHaveUrl.find((it) => isFrontend(it.handle, workspace)) ?? mayHaveUrl[0];
  if (chosen !== undefined) return chosen.handle;
  throw new HarborError("Cannot choose a service: nothing that is up has a URL");
}

/** A companion is no service of its own, and a folder that cannot be read is no reason to open nothing. */
function isFrontend(handle: string, workspace: Workspace): boolean {
  try {
    return describeService(handle, workspace).tags.includes("frontend");
  } catch {
    return false;
  }
}
