/** What becomes of one service, told as it changes; until it is over, or nobody wants to know. */
import { HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import { connectSupervisor } from "../supervisor/connect-supervisor.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import { observeStack } from "./observe-stack.ts";
import { readStack } from "./read-stack.ts";

export interface WatchServiceOptions {
  home: string;
  env: Env;
  project: string;
  handle: string;
  signal: AbortSignal;
  onChange: (text: string) => void;
}

/** Says how it ended; undefined where it goes on. Throws `usage` for what can be no handle, `unknown` for one that is not up. */
export async function watchService(options: WatchServiceOptions): Promise<string | undefined> {
  const { home, env, project, handle, signal, onChange } = options;
  const { services } = await observeStack({ home, env, project, needsEngine: false, signal });
  const found = services.find((it) => it.handle === handle);
  if (found === undefined) throw notUp(home, handle);
  // a container's log ends with it: that is told by whoever reads it
  const client = found.runtime === "native" ? connectSupervisor({ home, env }) : undefined;
  if (client === undefined) return undefined;
  let before: string | undefined;
  for await (const line of client.events([handle], signal)) {
    if (line.kind !== "report") continue;
    const { report } = line;
    const text = `${report.state} (${report.why})`;
    if (before !== undefined && before !== text) onChange(text);
    before = text;
    if (isOver(report)) return text;
  }
  return undefined;
}

function notUp(home: string, handle: string): HarborError {
  checkHandle(handle);
  const handles = listHandles(findStackWorkspace({ home, record: readStack(home) }).workspace);
  if (!handles.includes(handle)) throwUnknown(handle, handles);
  return new HarborError(`Cannot follow "${handle}": it is not up`, { exit: "unknown", hint: `Start it: harbor up ${handle}` });
}

function isOver({ state, isAsleep, isGone }: ServiceReport): boolean {
  return isGone === true || ((state === "stopped" || state === "failed") && !isAsleep);
}
