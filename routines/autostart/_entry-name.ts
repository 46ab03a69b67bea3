/** The name of a home's entry: one for each `HARBOR_HOME`, so that none takes another's place. */
import { join } from "node:path";
import { homeDirectory } from "../_script/home-directory.ts";

/** `harbor` for `~/.harbor`, for another home a name of its own; as the compose project is named. */
export function entryName(home: string, env: Readonly<Record<string, string | undefined>>): string {
  if (home === join(homeDirectory(env), ".harbor")) return "harbor";
  return `harbor-${new Bun.CryptoHasher("sha256").update(home).digest("hex").slice(0, 8)}`;
}
