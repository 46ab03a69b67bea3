/** A server and the service that it is to stand in for → what a plan would make of it, before any of it is configured. */
import { parseCommandArgs } from "../_script/parse-args.ts";
import { MASK } from "../_script/secret-name.ts";
import { type ConnectedSpec, makePlan } from "../compose/make-plan.ts";
import { selectionArgs } from "../compose/selection-args.ts";
import { type ConnectionPart, connectionVariable } from "../config/connection.ts";
import { openSecrets } from "../config/read-secrets.ts";
import { type Env, readValues } from "../config/read-values.ts";
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
  /** Empty where it takes none. */
  token: string;
}

/**
 * Throws what planning throws: a URL that is none, a scheme that is not the service's, a folder that cannot be read; `missing` for
 * a token in a keychain that cannot be had.
 */
export async function planConnection({ handle, parts, workspace, env }: PlanConnectionOptions): Promise<PlannedConnection> {
  const { args } = parseCommandArgs([handle, "--no-defaults"], selectionArgs, "harbor connect");
  // a part that is not set now may still be so in a file: nothing at all goes before that
  const given = Object.entries(parts ?? {}).map(([part, value]) => [connectionVariable(handle, part as ConnectionPart), value ?? ""]);
  const overlay = parts === undefined ? env : { ...env, ...Object.fromEntries(given), [runtimeVariable(handle)]: "connected" };
  const { plan, values } = await makePlan({ args, env: overlay, workspace, sealed: true });
  const spec = plan.connected.find((it) => it.handle === handle);
  if (spec === undefined) throw new Error(`the plan connects "${handle}" and has no server for it`);
  const variable = connectionVariable(handle, "TOKEN");
  const token = values.get(variable) ?? "";
  if (!spec.hasToken || token !== MASK) return { spec, token: spec.hasToken ? token : "" };
  await openSecrets(workspace.home);
  return { spec, token: readValues({ workspace, env: overlay }).get(variable) ?? "" };
}
