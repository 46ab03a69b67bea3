/**
 * The plan of what is about to be started: with the credentials that its services have made for them at their first start, before
 * anything of it runs, and with secrets out of the keychain where it needs some.
 */
import { MASK } from "../_script/secret-name.ts";
import { type MadePlan, type MakePlanOptions, makePlan } from "../compose/make-plan.ts";
import { makeCredentials } from "../config/make-credentials.ts";
import { keychainNames, openSecrets } from "../config/read-secrets.ts";
import { note } from "./say.ts";

/** Throws what planning throws, and `missing` where a keychain is needed and cannot be had. */
export async function planStart(options: MakePlanOptions): Promise<MadePlan> {
  const sealed = await makePlan({ ...options, sealed: true });
  const { files, workspace } = sealed.selection;
  const { home } = workspace;
  const keys = await makeCredentials({ home, files, values: sealed.values });
  if (keys.length > 0) note(`made ${keys.join(", ")}: random, and yours alone (\`harbor config get ${keys[0]}\` prints it)`);
  const needsKeychain = keys.length > 0 || namesSecrets(sealed, keychainNames(home) ?? []);
  if (!needsKeychain) return sealed;
  await openSecrets(home);
  return makePlan(options);
}

/** Whether any of what is to run is given one of them. */
function namesSecrets({ plan, merged }: MadePlan, names: readonly string[]): boolean {
  if (names.length === 0) return false;
  return names.some((name) => merged.variables.has(name)) || JSON.stringify(plan.natives).includes(MASK);
}
