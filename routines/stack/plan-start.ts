/**
 * The plan of what is about to be started: with the credentials that its services have made for them at their first start, before
 * anything of it runs.
 */
import { type MadePlan, type MakePlanOptions, makePlan } from "../compose/make-plan.ts";
import { makeCredentials } from "../config/make-credentials.ts";
import { note } from "./say.ts";

/** Throws what planning throws, and `missing` where the keychain that is to have them cannot be had. */
export async function planStart(options: MakePlanOptions): Promise<MadePlan> {
  const made = await makePlan(options);
  const { files, workspace } = made.selection;
  const keys = await makeCredentials({ home: workspace.home, files, values: made.values });
  if (keys.length === 0) return made;
  note(`made ${keys.join(", ")}: random, and yours alone (\`harbor config get ${keys[0]}\` prints it)`);
  return makePlan(options);
}
