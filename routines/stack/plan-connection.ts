/** A server and the service that it is to stand in for → what a plan would make of it, before any of it is configured. */
import { parseCommandArgs } from "../_script/parse-args.ts";
import { type ConnectedSpec, makePlan } from "../compose/make-plan.ts";
import { selectionArgs } from "../compose/selection-args.ts";
import { type ConnectionPart, connectionVariable } from "../config/connection.ts";
import type { Env, Values } from "../config/read-values.ts";
import { runtimeVariable } from "../config/runtime-preference.ts";
import type { Workspace } from "../workspace/find-workspace.ts";

export interface PlanConnectionOptions {
  handle: string;
  /** As they would be set; left out for what is configured. */
  parts?: Readonly<Record<ConnectionPart, string | undefined>>;
  workspace: Workspace;
  env: Env;
}

export interface PlannedConnection {
  spec: ConnectedSpec;
  values: Values;
}

/** Throws what planning throws: a URL that is none, a scheme that is not the service's, a folder that cannot be read. */
export async function planConnection({ handle, parts, workspace, env }: PlanConnectionOptions): Promise<PlannedConnection> {
  const { args } = parseCommandArgs([handle, "--no-defaults"], selectionArgs, "harbor connect");
  // a part that is not set now may still be so in a file: nothing at all goes before that
  const given = Object.entries(parts ?? {}).map(([part, value]) => [connectionVariable(handle, part as ConnectionPart), value ?? ""]);
  const overlay = parts === undefined ? env : { ...env, ...Object.fromEntries(given), [runtimeVariable(handle)]: "connected" };
  const { plan, values } = await makePlan({ args, env: overlay, workspace });
  const spec = plan.connected.find((it) => it.handle === handle);
  if (spec === undefined) throw new Error(`the plan connects "${handle}" and has no server for it`);
  return { spec, values };
}
