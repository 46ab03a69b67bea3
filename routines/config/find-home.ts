/** `$HARBOR_HOME`, where everything of the user's lives; `~/.harbor` by default. */
import { isAbsolute, join, resolve } from "node:path";
import { homeDirectory } from "../_script/home-directory.ts";

/** An empty `HARBOR_HOME` counts as unset; a relative one means the current directory's. */
export function findHome(env: Record<string, string | undefined>): string {
  const home = env.HARBOR_HOME;
  if (!home) return join(homeDirectory(env), ".harbor");
  return isAbsolute(home) ? home : resolve(home);
}
