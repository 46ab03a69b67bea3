/** What becomes of one service, told as it changes; until it is over, or nobody wants to know. */
import { HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import { connectSupervisor } from "../supervisor/connect-supervisor.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import { observeStack } from "./observe-stack.ts";
import { readStack } from "./read-stack.ts";

const ENDING_MS = 2_000;
const ASK_AGAIN_MS = 100;

export interface WatchServiceOptions {
  home: string;
  env: Env;
  project: string;
  handle: string;
  signal: AbortSignal;
  onChange: (text: string) => void;
}

export interface Fate {
  runtime: "container" | "native";
  /** How it ended; undefined where it goes on. */
  end?: string;
}

/**
 * Of a container it is known at once what it is, and no more: its log ends with it. Throws `usage` for what can be no handle,
 * `unknown` for one that is not up, `failed` for a connected one.
 */
export async function watchService(options: WatchServiceOptions): Promise<Fate> {
  const { home, env, project, handle, signal, onChange } = options;
  const { services } = await observeStack({ home, env, project, needsEngine: false, signal });
  const found = services.find((it) => it.handle === handle);
  if (found === undefined) throw notUp(home, handle);
  const { runtime } = found;
  if (runtime === "connected") {
    throw new HarborError(`Cannot follow "${handle}": it is connected, and what its server prints stays there`, {
      hint: "`harbor connect ls` shows whether it answers",
    });
  }
  const client = runtime === "native" ? connectSupervisor({ home, env }) : undefined;
  if (client === undefined) return { runtime };
  let before: string | undefined;
  for await (const line of client.events([handle], signal)) {
    if (line.kind !== "report") continue;
    const { report } = line;
    const text = `${report.state} (${report.why})`;
    if (before !== undefined && before !== text) onChange(text);
    before = text;
    if (isOver(report)) return { runtime, end: text };
  }
  return { runtime };
}

/** What has become of a container whose log has ended; the engine ends the log a moment before it says so of the container. */
export async function wordContainerEnd(options: Pick<WatchServiceOptions, "home" | "env" | "project" | "handle">): Promise<string> {
  for (const untilMs = performance.now() + ENDING_MS; ; await Bun.sleep(ASK_AGAIN_MS)) {
    const { containers } = await observeStack({ ...options, needsEngine: true });
    const { state, exitCode } = containers.find(({ service }) => service === options.handle) ?? {};
    if (state === undefined) return "its container is gone";
    if (state === "exited") return `it ended with code ${exitCode}`;
    if (performance.now() > untilMs) return "it was started anew";
  }
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
