/** The programs of services that are told of a change → run, each with the stack as it is on stdin. */
import { resolve } from "node:path";
import { prefixOf } from "../config/name-variable.ts";
import { openSecrets } from "../config/read-secrets.ts";
import { readValues, type Values } from "../config/read-values.ts";
import { buildEnvironment } from "../native/environment.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { describeRunning, type RunningService } from "./describe-running.ts";
import { observeStack } from "./observe-stack.ts";
import type { StackRecord } from "./read-stack.ts";
import type { Hook, TellServicesOptions } from "./tell-services.ts";

export interface RunHooksOptions extends TellServicesOptions {
  hooks: readonly Hook[];
  record: StackRecord;
  workspace: Workspace;
}

/** What a program reads from stdin; docs/interfaces.md has it as well. */
interface StackNews {
  cause: TellServicesOptions["cause"];
  /** The service whose program it is. */
  self: RunningService;
  /** All of the stack, that one among them. */
  services: RunningService[];
}

/** For a program to end. */
const PATIENCE_MS = 10_000;

/** Of services that run; what one of them does wrong is a warning. */
export async function runHooks({ cause, hooks, record, workspace, home, env, signal, progress }: RunHooksOptions): Promise<void> {
  const observed = await observeStack({ home, env, project: record.project, needsEngine: false, signal });
  await openSecrets(home);
  const values = readValues({ workspace, env });
  const services = describeRunning({ workspace, values, planned: record.planned, observed });
  for (const hook of hooks) {
    const self = services.find(({ handle }) => handle === hook.handle);
    if (self?.state !== "running") continue;
    const own = ownValues(hook.handle, values);
    const problem = await runHook(hook, { cause, self, services }, { ...buildEnvironment(env), ...own }, signal);
    if (problem !== undefined && !signal.aborted) progress.warn(`Cannot tell ${hook.handle} of the change: ${problem}`);
  }
}

/** Those of its keys that are set, and where it stores things. */
function ownValues(handle: string, values: Values): Record<string, string> {
  const names = ["HARBOR_DATA", ...[...values.names()].filter((name) => name.startsWith(prefixOf(handle)))];
  return Object.fromEntries(names.map((name) => [name, values.get(name) ?? ""]));
}

/** Undefined where it ended well, else why not. */
async function runHook(
  { folder, program }: Hook,
  news: StackNews,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = resolve(folder, program);
  if (!path.startsWith(`${folder}/`)) return `"${program}" is outside of its folder`;
  const child = Bun.spawn([process.execPath, "--no-install", path], {
    cwd: folder,
    env,
    stdin: new Blob([JSON.stringify(news)]),
    stdout: "ignore",
    stderr: "pipe",
    detached: true,
  });
  const late = AbortSignal.timeout(PATIENCE_MS);
  const ending = AbortSignal.any([signal, late]);
  const kill = (): void => killAll(child.pid);
  ending.addEventListener("abort", kill);
  const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  ending.removeEventListener("abort", kill);
  if (code === 0) return undefined;
  if (late.aborted) return `${program} did not end within ${PATIENCE_MS / 1_000} s`;
  return said.trim().split("\n").at(-1) || `${program} ended with exit code ${code}`;
}

/** And what it has started. */
function killAll(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has just ended
  }
}
