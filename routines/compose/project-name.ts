/** The compose project of a home: what keeps its containers, networks and volumes apart from others'. */
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import type { Values } from "../config/read-values.ts";

/** What compose takes as a name. */
const NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** `HARBOR_PROJECT`; else `harbor` for `~/.harbor`, and for another home a name of its own. */
export function projectName(values: Values, home: string): string {
  const set = values.get("HARBOR_PROJECT");
  if (set && NAME.test(set)) return set;
  if (set) {
    throw new HarborError(`Cannot use HARBOR_PROJECT "${set}": a project has only the letters a-z, digits, dashes and underscores`, {
      exit: "usage",
      hint: "It starts with a letter or a digit, as in my-stack",
    });
  }
  const user = values.get("HOME");
  if (user !== undefined && home === join(user, ".harbor")) return "harbor";
  return `harbor-${new Bun.CryptoHasher("sha256").update(home).digest("hex").slice(0, 8)}`;
}
