/** What `harbor up` says at its end: what runs where, at which URL, and what to do next. */
import { table } from "../_script/table.ts";
import { describeService } from "../workspace/describe-service.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { hasService } from "../workspace/list-handles.ts";
import type { ServiceStatus } from "./observe-stack.ts";

export interface RenderReportOptions {
  services: readonly ServiceStatus[];
  workspace: Workspace;
  /** Nothing was named, so a newcomer may want to know what there is to name. */
  isDefault: boolean;
}

/** One row a service; for a newcomer also a first request and a next command. */
export function renderReport({ services, workspace, isDefault }: RenderReportOptions): string {
  const lines = table(services.map((it) => [it.handle, it.runtime, it.health || it.state, it.urls.join(" ") || "-"]));
  if (!isDefault) return lines.join("\n");
  for (const { handle, urls } of services) {
    // a companion, `webui-db`, has a row and no folder
    if (!hasService(workspace, handle)) continue;
    const { example } = describeService(handle, workspace);
    if (example !== undefined && urls[0] !== undefined) lines.push("", "Ask it something:", `  ${example.replaceAll("{url}", urls[0])}`);
  }
  const next = [
    "",
    "Next, a real model and a chat page:",
    "  harbor up -x ollama webui",
    "",
    "`harbor ls` lists the services there are, `harbor down` stops everything.",
  ];
  return [...lines, ...next].join("\n");
}
