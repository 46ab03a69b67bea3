/**
 * What a compose project asks for → a lease of that native service, on disk before anything is started; and whether it is
 * this project's to start: one that others have running is shared as it is.
 */
import { HarborError } from "../_script/error.ts";
import { readBootId } from "../_script/process-identity.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import type { Env } from "../config/read-values.ts";
import { type NativeSpec, readStartState } from "../native/start-process.ts";
import { type LeaseName, listHolders, readLease, writeLease } from "../stack/leases.ts";
import { makeDataFolders } from "../stack/make-data-folders.ts";
import { readStack, stateOf } from "../stack/read-stack.ts";
import { whatRuns } from "../stack/what-runs.ts";
import { listServices } from "../supervisor/list-services.ts";
import type { ServiceReport } from "../supervisor/report.ts";
import { stopServices } from "../supervisor/stop-services.ts";
import { planService } from "./_plan-service.ts";
import type { ProviderOptions } from "./call.ts";

export interface ClaimOptions {
  home: string;
  env: Env;
  name: LeaseName;
  options: ProviderOptions;
}

export interface Claim {
  made: MadePlan;
  spec: NativeSpec;
  /** This call took the lease: it gives it back should it fail. */
  isNew: boolean;
  /** As others have it running; undefined where it is this project's to start. */
  shared: ServiceReport | undefined;
}

/** Under the lock of the state. Throws what `harbor up -x` would, and `failed` where what others run cannot serve. */
export async function claimService({ home, env, name, options }: ClaimOptions): Promise<Claim> {
  const { handle } = options;
  refuseContainer(home, handle);
  const holders = listHolders(home, handle, name);
  const running = holders.length === 0 ? undefined : (await listServices({ home, env })).find((it) => it.handle === handle);
  const { made, spec } = await planService({ home, env, options, running });
  refuseOwnProject(made, name);
  if (running !== undefined) checkShared({ home, name, options, spec, running, holders });
  const before = readLease(home, name);
  const isSame = before?.handle === spec.handle;
  if (before !== undefined && !isSame) await leaveFormer({ home, env, name }, before.handle);
  makeDataFolders(made);
  const bootId = readBootId();
  writeLease(home, { ...name, handle: spec.handle, isStopped: false, bootId });
  const isNew = !isSame || before.isStopped || before.bootId !== bootId;
  return { made, spec, isNew, shared: running };
}

/** What the same service in the file stood for until now. */
async function leaveFormer({ home, env, name }: Omit<ClaimOptions, "options">, handle: string): Promise<void> {
  if (listHolders(home, handle, name).length === 0) await stopServices({ home, env, handles: [handle], forget: true });
}

/** Its container has the port, and more than one kind of it would not be told apart. */
function refuseContainer(home: string, handle: string): void {
  const running = whatRuns(readStack(home));
  if (!running?.services.includes(handle) || running.natives.includes(handle)) return;
  throw new HarborError(`Cannot start "${handle}" natively: \`harbor up\` has it running in a container`, {
    hint: `Take that down (harbor down ${handle}), or have it run natively there, too (harbor up -x ${handle})`,
  });
}

/** `harbor down` would take the user's containers for its own. */
function refuseOwnProject({ plan }: MadePlan, { project }: LeaseName): void {
  if (plan.project !== project) return;
  throw new HarborError(`Cannot use compose project "${project}": it has the name of Harbor's own`, {
    exit: "usage",
    hint: "Give it another, with `name:` in its compose file or `docker compose -p`",
  });
}

interface SharedQuestion extends Omit<ClaimOptions, "env"> {
  spec: NativeSpec;
  running: ServiceReport;
  holders: readonly string[];
}

/** It goes on as it is for the others, so that what is asked for here must be that. */
function checkShared({ home, name, options, spec, running, holders }: SharedQuestion): void {
  const isMoved = running.port !== (spec.port ?? null);
  const isOther = options.config.length > 0 && readStartState(spec, stateOf(home).directory) === "changed";
  if (!isMoved && !isOther) return;
  const why = isMoved ? `on port ${running.port ?? "none"}, not ${spec.port ?? "none"}` : "configured otherwise";
  throw new HarborError(`Cannot start "${spec.handle}" for compose project "${name.project}": it runs already, ${why}`, {
    details: [`It runs for ${holders.join(", ")}`],
    hint: "Configure it the same in both places (harbor config set), take it down there, or use another HARBOR_HOME",
  });
}
