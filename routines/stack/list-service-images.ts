/** The images that a service's containers are made of, as it would run on this host in containers. */
import { HarborError } from "../_script/error.ts";
import { parseCommandArgs } from "../_script/parse-args.ts";
import { interpolate } from "../compose/interpolate.ts";
import { makePlan } from "../compose/make-plan.ts";
import { selectionArgs } from "../compose/selection-args.ts";
import type { Env } from "../config/read-values.ts";
import type { Workspace } from "../workspace/find-workspace.ts";

export interface ListServiceImagesOptions {
  handle: string;
  workspace: Workspace;
  env: Env;
}

/** As they are written, values filled in. None for a service that has no definition, or one that cannot be planned. */
export async function listServiceImages({ handle, workspace, env }: ListServiceImagesOptions): Promise<string[]> {
  const { args } = parseCommandArgs([`--container=${handle}`, "--no-defaults"], selectionArgs, "harbor");
  try {
    const { plan, values } = await makePlan({ args, env, workspace, sealed: true });
    const services = Object.values((plan.compose.services ?? {}) as Record<string, { image?: unknown }>);
    return [...new Set(services.flatMap(({ image }) => (image === undefined ? [] : interpolate(String(image), values.get))))];
  } catch (error) {
    if (error instanceof HarborError) return [];
    throw error;
  }
}
