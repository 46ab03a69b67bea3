/** What `harbor up` does, for the verbs that do it: one at a time, planned once nobody else changes what is up, and carried out. */
import { withLock } from "../_script/lock.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import type { SelectionArgs } from "../compose/selection-args.ts";
import type { Env } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import { planStart } from "./plan-start.ts";
import type { Progress } from "./progress.ts";
import { readStack, stateOf } from "./read-stack.ts";
import { warn } from "./say.ts";
import { startStack } from "./start-stack.ts";
import { tellServices } from "./tell-services.ts";
import { whatRuns } from "./what-runs.ts";
import { removeEmptyState } from "./write-stack.ts";

export interface BringUpOptions {
  args: SelectionArgs;
  home: string;
  env: Env;
  build: boolean;
  pull: boolean;
  /** Leave what was started as it is when something fails. */
  keep: boolean;
  timeoutMs: number | undefined;
  signal: AbortSignal;
  progress: Progress;
  /** What is told to another that waits meanwhile. */
  purpose: string;
}

export interface BroughtUp {
  made: MadePlan;
  /** The engine that was spoken to, where there are containers. */
  engine: Engine | undefined;
}

/** Throws what planning and starting throw, after everything that this call started is stopped again (but for `keep`). */
export async function bringUp(options: BringUpOptions): Promise<BroughtUp> {
  const { home, signal, timeoutMs, purpose } = options;
  const waitMs = timeoutMs ?? LOCK_WAIT_MS;
  try {
    return await withLock(stateOf(home).lock, () => start(options), { signal, purpose, waitMs });
  } finally {
    removeEmptyState(home);
    await tellServices({ cause: "up", home, env: options.env, signal, progress: options.progress });
  }
}

/** Another `up` may be pulling gigabytes. */
const LOCK_WAIT_MS = 60 * 60_000;

async function start({ args, home, env, purpose: _, ...how }: BringUpOptions): Promise<BroughtUp> {
  const record = readStack(home);
  const running = whatRuns(record);
  const { workspace, recorded } = findStackWorkspace({ home, record, directory: args.workspace });
  const made = await planStart({ args, env, workspace, running });
  warn(made.selection.warnings);
  return { made, engine: await startStack({ made, record, running, recorded, env, ...how }) };
}
