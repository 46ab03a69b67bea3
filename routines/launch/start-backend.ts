/** Starts a backend for a tool, as `harbor up` does, and alone: no default services beside it. */
import { EXIT, HarborError } from "../_script/error.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { tellOfChange } from "../_script/on-change.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import { makePlan } from "../compose/make-plan.ts";
import type { SelectionArgs } from "../compose/selection-args.ts";
import { type Env, readValues } from "../config/read-values.ts";
import { readPreference } from "../config/runtime-preference.ts";
import { findExecutable } from "../native/find-executable.ts";
import { readContract } from "../native/read-contract.ts";
import { bringUp } from "../stack/bring-up.ts";
import { observeStack, type ServiceStatus } from "../stack/observe-stack.ts";
import { createProgress } from "../stack/progress.ts";
import type { StackRecord } from "../stack/read-stack.ts";
import { whatRuns } from "../stack/what-runs.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";

export interface StartBackendOptions {
  handle: string;
  /** `--workspace`. */
  directory: string | undefined;
  workspace: Workspace;
  home: string;
  env: Env;
  record: StackRecord | undefined;
}

/** As it runs then; throws what `harbor up` throws. */
export async function startBackend(options: StartBackendOptions): Promise<ServiceStatus | undefined> {
  const { handle, home, env } = options;
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const progress = createProgress(false);
  const how = { build: false, pull: false, keep: false, timeoutMs: undefined, purpose: "harbor launch" };
  const { made, engine } = await noted(handle, () => bringUp({ args: selectionOf(options), home, env, signal, progress, ...how }));
  const { services } = await observeStack({ home, env, project: made.plan.project, needsEngine: false, signal, engine });
  return services.find((it) => it.handle === handle);
}

/** A launch is in the history where it starts something. */
async function noted<T>(handle: string, start: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  let exit: number = EXIT.failed;
  try {
    const result = await start();
    exit = 0;
    return result;
  } catch (error) {
    if (error instanceof HarborError) exit = error.code;
    throw error;
  } finally {
    const specs = { backend: { type: "string", description: "" } } as const;
    await tellOfChange({
      program: "harbor launch",
      specs,
      args: { backend: handle },
      rest: 0,
      exit,
      ms: Math.round(performance.now() - startMs),
    });
  }
}

/** Where it would be reached if it were started; nothing is. */
export async function planBackend(options: StartBackendOptions): Promise<string | undefined> {
  const { handle, env, workspace, record } = options;
  const asked = { args: selectionOf(options), env, workspace, running: whatRuns(record), sealed: true };
  const { plan }: MadePlan = await makePlan(asked);
  return plan.services.find((it) => it.handle === handle)?.urls[0];
}

function selectionOf(options: StartBackendOptions): SelectionArgs {
  const { handle, directory } = options;
  const isNative = startsNatively(options);
  const [names, exclude] = isNative ? [[], [handle]] : [[handle], []];
  return { names, exclude, container: [], native: false, capability: [], "no-defaults": true, workspace: directory };
}

/**
 * Where nobody has said what it runs on: natively, if its program is here. The tool is a process of this host as well, so
 * that nothing stands between the two, and no container engine is needed.
 */
function startsNatively({ handle, workspace, env, record }: StartBackendOptions): boolean {
  if (whatRuns(record)?.services.includes(handle) === true) return false;
  const values = readValues({ workspace, env });
  if ((readPreference(values, handle) ?? readPreference(values)) !== undefined) return false;
  const file = listFiles({ workspace, handles: [handle], capabilities: new Set() }).findLast((it) => it.kind === "contract");
  if (file === undefined) return false;
  return findExecutable({ contract: readContract({ path: file.path, handle }), values: values.get, path: env.PATH ?? "" }).file !== null;
}
