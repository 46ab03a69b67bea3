/** A native service's process as a start would have it now, beside what runs: for programs that a person runs in its place. */
import { parseCommandArgs } from "../_script/parse-args.ts";
import { makePlan } from "../compose/make-plan.ts";
import { selectionArgs } from "../compose/selection-args.ts";
import type { Env } from "../config/read-values.ts";
import { atPort, type NativeSpec } from "../native/resolve-contract.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import type { StackRecord } from "./read-stack.ts";
import { whatRuns } from "./what-runs.ts";

export interface ResolveNativeOptions {
  handle: string;
  env: Env;
  workspace: Workspace;
  record: StackRecord | undefined;
}

/** It need not run. One that sleeps is talked to where the supervisor listens for it. Throws `failed` for a service without a contract. */
export async function resolveNative({ handle, env, workspace, record }: ResolveNativeOptions): Promise<NativeSpec> {
  const { args } = parseCommandArgs([`--exclude=${handle}`, "--no-defaults"], selectionArgs, "harbor run");
  const { plan } = await makePlan({ args, env, workspace, running: whatRuns(record) });
  const spec = plan.natives.find((native) => native.handle === handle);
  if (spec === undefined) throw new Error(`the plan runs "${handle}" natively and has no process for it`);
  return atPort(spec, spec.port);
}

/** Whether a service of this workspace can run natively. */
export function hasContract(handle: string, workspace: Workspace): boolean {
  const files = listFiles({ workspace, handles: [handle], capabilities: new Set() });
  return files.some((file) => file.kind === "contract" && file.parts[0] === handle);
}
