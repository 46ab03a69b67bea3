/** What a compose project asks for → the plan of that one native service, under the configuration that it is given there. */
import { HarborError } from "../_script/error.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import { findKey, unknownKey } from "../config/find-key.ts";
import { listKeys } from "../config/list-keys.ts";
import type { Env } from "../config/read-values.ts";
import type { NativeSpec } from "../native/start-process.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { planStart } from "../stack/plan-start.ts";
import { readStack } from "../stack/read-stack.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import type { ProviderOptions } from "./call.ts";

export interface PlanServiceOptions {
  home: string;
  env: Env;
  options: ProviderOptions;
  /** As others have it running. */
  running: ServiceReport | undefined;
}

export interface PlannedLease {
  made: MadePlan;
  spec: NativeSpec;
}

/** Throws what `harbor up -x` would. Of one that others have on another port, where none is asked for: with that port. */
export async function planService({ running, ...options }: PlanServiceOptions): Promise<PlannedLease> {
  const made = await planAlone(options);
  const { handle, config } = options.options;
  const variable = /^\$\{?([A-Za-z_]\w*)/.exec(made.selection.contracts.get(handle)?.port?.trim() ?? "")?.[1];
  const isMoved = running !== undefined && running.port !== null && running.port !== specOf(made, handle).port;
  const isMovable = isMoved && config.length === 0 && variable !== undefined;
  const final = isMovable ? await planAlone({ ...options, env: { ...options.env, [variable]: String(running.port) } }) : made;
  const spec = specOf(final, handle);
  refuseDirect(spec);
  return { made: final, spec };
}

function specOf({ plan }: MadePlan, handle: string): NativeSpec {
  const spec = plan.natives.find((it) => it.handle === handle);
  if (spec === undefined) throw new Error(`the plan of "${handle}" has no process`);
  return spec;
}

async function planAlone({ home, env, options }: Omit<PlanServiceOptions, "running">): Promise<MadePlan> {
  const { handle, workspace: directory, config, isNamed } = options;
  const { workspace } = findStackWorkspace({ home, record: readStack(home), directory });
  const set = Object.fromEntries(readConfig(config, workspace));
  const nothing = { names: [], container: [], native: false, capability: [], "no-defaults": true };
  try {
    return await planStart({ args: { ...nothing, exclude: [handle], workspace: directory }, env: { ...env, ...set }, workspace });
  } catch (error) {
    if (!(error instanceof HarborError) || isNamed || (error.exit !== "unknown" && error.exit !== "usage")) throw error;
    const { message, exit, details } = error;
    const hint = `Name the Harbor service, in provider: { type: harbor, options: { service: … } }; \`harbor ls\` shows what there is`;
    throw new HarborError(message, { exit, details, hint, cause: error });
  }
}

/** By variable. A key that no file names is a slip. */
function readConfig(config: ProviderOptions["config"], workspace: Workspace): [string, string][] {
  if (config.length === 0) return [];
  const keys = listKeys({ workspace });
  return config.map(([typed, value]) => {
    const { name, known } = findKey(typed, keys);
    if (known === undefined) throw unknownKey(typed, keys);
    return [name, value];
  });
}

/** Compose has no way to tell containers of an address for a name. */
function refuseDirect({ handle, bridge, contract }: NativeSpec): void {
  if (bridge !== "direct") return;
  throw new HarborError(`Cannot join "${handle}" to a compose project: its containers would have to connect to it directly`, {
    at: { file: contract },
    hint: `Leave out "bridge: direct", or set it aside where it comes from the configuration: config: ["${handle}.bridge=relay"]`,
  });
}
