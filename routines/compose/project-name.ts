/** The compose project of a home: what keeps its containers, networks and volumes apart from others'. */
import { join } from "node:path";
import type { Values } from "../config/read-values.ts";

/** `HARBOR_PROJECT`; else `harbor` for `~/.harbor`, and for another home a name of its own. */
export function projectName(values: Values, home: string): string {
  const set = values.get("HARBOR_PROJECT");
  if (set) return set;
  const user = values.get("HOME");
  if (user !== undefined && home === join(user, ".harbor")) return "harbor";
  return `harbor-${new Bun.CryptoHasher("sha256").update(home).digest("hex").slice(0, 8)}`;
}
